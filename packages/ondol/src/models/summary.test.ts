import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { resetNames } from '../ops/naming.js'
import type { KerasTensor } from '../ops/operation.js'
import { readVectors } from '../testing/vectors.js'
import { Model, Sequential, type SummaryOptions } from './index.js'

const { Input } = layers

interface SummaryVector {
  readonly title: string
  readonly options: {
    readonly line_length: number
    readonly show_trainable?: boolean
    readonly expand_nested?: boolean
    readonly positions?: number[]
    readonly layer_range?: [string, string]
  }
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
  text_classifier: () =>
    new Sequential(
      [
        Input({ shape: [10000] }),
        layers.dense(16, { activation: 'relu' }),
        layers.dense(16, { activation: 'relu' }),
        layers.dense(1, { activation: 'sigmoid' }),
      ],
      { name: 'text_classifier' },
    ),
  embedding_classifier: () =>
    new Sequential([Input({ shape: [20] }), layers.embedding(10000, 8), layers.flatten(), layers.dense(1, { activation: 'sigmoid' })], {
      name: 'embedding_classifier',
    }),
  separable: () => {
    const conv = (filters: number) => layers.separableConv2d(filters, 3, { activation: 'relu' })
    const [pool, another] = [layers.maxPooling2d(2), layers.maxPooling2d(2)]
    return new Sequential(
      [
        Input({ shape: [64, 64, 3] }),
        conv(32),
        conv(64),
        pool,
        conv(64),
        conv(128),
        another,
        conv(64),
        conv(128),
        layers.globalAveragePooling2d(),
        layers.dense(32, { activation: 'relu' }),
        layers.dense(10, { activation: 'softmax' }),
      ],
      { name: 'separable' },
    )
  },
  graph: () => {
    const x = Input({ shape: [64] })
    const dense = (units: number, activation: 'relu' | 'softmax' = 'relu') => layers.dense(units, { activation })
    return new Model({ inputs: x, outputs: dense(10, 'softmax')(dense(32)(dense(32)(x))), name: 'graph' })
  },
  author: () => {
    const posts = Input({ shape: [null], dtype: 'int32', name: 'posts' })
    const conv = (filters: number) => layers.conv1d(filters, 5, { activation: 'relu' })
    let x = layers.embedding(50000, 256, { embeddingsInitializer: 'zeros' })(posts)
    x = layers.maxPooling1d(5)(conv(128)(x))
    x = layers.maxPooling1d(5)(conv(256)(conv(256)(x)))
    x = layers.globalMaxPooling1d()(conv(256)(conv(256)(x)))
    x = layers.dense(128, { activation: 'relu' })(x)
    const heads = [
      layers.dense(1, { name: 'age' })(x),
      layers.dense(10, { activation: 'softmax', name: 'income' })(x),
      layers.dense(1, { activation: 'sigmoid', name: 'gender' })(x),
    ]
    return new Model({ inputs: posts, outputs: heads, name: 'author' })
  },
  inception: () => {
    const x = Input({ shape: [224, 224, 3] })
    const conv = (size: number, options: layers.ConvOptions = {}) => layers.conv2d(128, size, { activation: 'relu', ...options })
    const same = { padding: 'same' } as const
    const a = conv(1, { strides: 2 })(x)
    const b = conv(3, { strides: 2, ...same })(conv(1)(x))
    const c = conv(3, same)(layers.averagePooling2d(3, { strides: 2, ...same })(x))
    const d = conv(3, same)(conv(1)(x))
    return new Model({ inputs: x, outputs: layers.concatenate([a, b, c, conv(3, { strides: 2, ...same })(d)]), name: 'inception' })
  },
  wide_names: () =>
    new Sequential(
      [
        Input({ shape: [4] }),
        layers.dense(3, { name: '一層_한국어_日本語の名前がとても長い' }),
        layers.dense(2, { name: 'cafe\u0301_😀_🚀' }),
        layers.dense(1, { name: 'ＦＵＬＬ' }),
      ],
      { name: '模型' },
    ),
  model_with_several_outputs: () => {
    const [a, b] = [Input({ shape: [3], name: 'a' }), Input({ shape: [3], name: 'b' })]
    const total = new layers.Add({ name: 'total' })([a, b])
    const several = new Model({ inputs: [a, b], outputs: { sum: total, more: [layers.dense(2, { name: 'd' })(a), b] }, name: 'several' })
    const [p, q] = [Input({ shape: [3], name: 'p' }), Input({ shape: [3], name: 'q' })]
    const { more } = several([p, q]) as unknown as { more: KerasTensor[] }
    return new Model({ inputs: [p, q], outputs: layers.concatenate(more), name: 'model_with_several_outputs' })
  },
  state: () => new Sequential([Input({ shape: [5, 3] }), layers.lstm(4, { returnState: true })], { name: 'state' }),
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
      const more = {
        ...(options.positions && { positions: options.positions }),
        ...(options.layer_range && { layerRange: options.layer_range }),
      }
      let printed = ''
      const settings: SummaryOptions = { lineLength, showTrainable, expandNested, ...more, printFn: (part) => (printed += part) }
      ;(MODELS[title] as () => Model)().summary(settings)
      // Keras was recorded on a console of 80 characters, which cuts longer lines off.
      const cut = printed.split('\n').map((line) => (lineLength > 80 ? line.slice(0, 80) : line))
      expect(cut.join('\n')).toBe(text)
    })
  }
})

describe('summary', () => {
  it('counts what the tutorials count', () => {
    const totals = {
      text_classifier: '160,305',
      graph: '3,466',
      question_answering: '1,337,332',
      author: '14,146,316',
      inception: '447,872',
      siamese: '20,673',
      embedding_classifier: '80,161',
      separable: '38,949',
    }
    for (const [title, total] of Object.entries(totals)) {
      resetNames()
      const texts: string[] = []
      ;(MODELS[title] as () => Model)().summary({ printFn: (text) => texts.push(text) })
      expect(texts).toHaveLength(1)
      expect(texts[0]).toContain(` Total params: ${total} (`)
    }
  })

  it('refuses lines too short for a table, and ranges that name nothing', () => {
    const model = (MODELS.nested as () => Model)()
    expect(() => model.summary({ lineLength: 8 })).toThrow(/too short for a table/)
    expect(() => model.summary({ layerRange: ['nothing', 'dense'] })).toThrow(/layerRange names no layers/)
  })
})
