import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { resetNames } from '../ops/naming.js'
import { readVectors } from '../testing/vectors.js'
import { Model, Sequential, type SummaryOptions } from './index.js'

const { Input } = layers

interface SummaryVector {
  readonly title: string
  readonly options: { readonly line_length: number; readonly show_trainable?: boolean; readonly expand_nested?: boolean }
  readonly text: string
}

/** The models of tools/oracle/texts.py. */
const MODELS: Record<string, () => Model> = {
  mlp: () =>
    new Sequential([Input({ shape: [784] }), layers.dense(512, { activation: 'relu' }), layers.dropout(0.2), layers.dense(10)], {
      name: 'mlp',
    }),
  unbuilt: () => new Sequential([layers.dense(4), layers.dense(2)], { name: 'unbuilt' }),
  convnet: () =>
    new Sequential(
      [
        Input({ shape: [28, 28, 1] }),
        layers.conv2d(32, 3, { useBias: false }),
        layers.batchNormalization(),
        layers.relu(),
        layers.maxPooling2d(),
        layers.flatten(),
        layers.dropout(0.5),
        layers.dense(10, { activation: 'softmax' }),
      ],
      { name: 'convnet' },
    ),
  question_answering: () => {
    const inputs = ['text', 'question'].map((name) => Input({ shape: [null], dtype: 'int32', name }))
    const encoded = inputs.map((x) => layers.lstm(32)(layers.embedding(10000, 64)(x)))
    return new Model({
      inputs,
      outputs: layers.dense(500, { activation: 'softmax' })(layers.concatenate(encoded)),
      name: 'question_answering',
    })
  },
  siamese: () => {
    const shared = layers.lstm(32)
    const [left, right] = [Input({ shape: [null, 128] }), Input({ shape: [null, 128] })]
    return new Model({
      inputs: [left, right],
      outputs: layers.dense(1, { activation: 'sigmoid' })(layers.concatenate([shared(left), shared(right)])),
      name: 'siamese',
    })
  },
  frozen: () => {
    const frozen = layers.dense(8, { name: 'a_layer_with_quite_a_long_name_that_must_be_broken_somewhere' })
    frozen.trainable = false
    return new Sequential([Input({ shape: [4] }), frozen, layers.dense(2)], { name: 'frozen' })
  },
  nested: () => {
    const inner = new Sequential([Input({ shape: [8] }), layers.dense(4), layers.dense(3)], { name: 'inner' })
    return new Sequential([Input({ shape: [8] }), inner, layers.dense(2)], { name: 'nested' })
  },
  residual: () => {
    const picture = Input({ shape: [16, 16, 8], name: 'picture' })
    const y = layers.conv2d(8, 3, { padding: 'same' })(picture)
    return new Model({
      inputs: picture,
      outputs: layers.globalAveragePooling2d()(layers.relu()(new layers.Add()([y, picture]))),
      name: 'residual',
    })
  },
  compiled: () => {
    const compiled = new Sequential([Input({ shape: [4] }), layers.dense(3)], { name: 'compiled' })
    compiled.compile({ optimizer: 'adam', loss: 'mse' })
    compiled.optimizer?.build(compiled.trainableVariables)
    return compiled
  },
}

beforeAll(() => useBackend(createHostBackend()))
beforeEach(() => resetNames())

describe('summary prints what Keras prints', () => {
  for (const { title, options, text } of readVectors<SummaryVector[]>('summaries')) {
    it(`${title} ${JSON.stringify(options)}`, () => {
      const { line_length: lineLength, show_trainable: showTrainable = false, expand_nested: expandNested = false } = options
      let printed = ''
      const settings: SummaryOptions = { lineLength, showTrainable, expandNested, printFn: (part) => (printed += part) }
      ;(MODELS[title] as () => Model)().summary(settings)
      // Keras was recorded on a console of 80 characters, which cuts longer lines off.
      const cut = printed.split('\n').map((line) => line.slice(0, 80))
      expect(cut.join('\n')).toBe(text)
    })
  }
})
