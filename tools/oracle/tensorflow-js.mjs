/**
 * Models as TensorFlow.js saves them, and what they predict, for the unit tests.
 * Run: npm install --no-save @tensorflow/tfjs@4.22 && node tools/oracle/tensorflow-js.mjs
 */
import { writeFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs'

const target = new URL('../../packages/ondol/src/testing/vectors/saved/tensorflow-js.json', import.meta.url)
const { layers } = tf

function wave(shape, phase = 0) {
  const size = shape.reduce((a, b) => a * b, 1)
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.3 + phase)),
    shape,
  )
}

const CASES = {
  convnet() {
    const model = tf.sequential({
      layers: [
        layers.conv2d({ inputShape: [8, 8, 2], filters: 4, kernelSize: 3, activation: 'relu', padding: 'same' }),
        layers.batchNormalization(),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.depthwiseConv2d({ kernelSize: 2 }),
        layers.flatten(),
        layers.dropout({ rate: 0.3 }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
    })
    return [model, wave([2, 8, 8, 2])]
  },
  recurrent() {
    const words = tf.input({ shape: [5] })
    const embedded = layers.embedding({ inputDim: 10, outputDim: 4 }).apply(words)
    const both = layers.bidirectional({ layer: layers.lstm({ units: 3, returnSequences: true }), mergeMode: 'concat' }).apply(embedded)
    const last = layers.gru({ units: 3, resetAfter: false }).apply(both)
    const model = tf.model({ inputs: words, outputs: layers.dense({ units: 2 }).apply(last) })
    return [
      model,
      tf.tensor2d([
        [1, 2, 3, 4, 5],
        [0, 9, 8, 7, 1],
      ]),
    ]
  },
  nested() {
    const x = tf.input({ shape: [4] })
    const inner = tf.sequential({
      layers: [layers.dense({ units: 4, inputShape: [4], activation: 'tanh' }), layers.batchNormalization()],
    })
    const shared = layers.dense({ units: 4 })
    const both = layers.concatenate().apply([shared.apply(inner.apply(x)), shared.apply(x)])
    const outputs = [layers.dense({ units: 2 }).apply(both), layers.leakyReLU({ alpha: 0.1 }).apply(both)]
    return [tf.model({ inputs: x, outputs }), wave([3, 4])]
  },
}

await tf.setBackend('cpu')
const saved = {}
for (const [name, make] of Object.entries(CASES)) {
  const [model, x] = make()
  for (const weight of model.weights) {
    const { shape } = weight.read()
    weight.write(
      wave(shape, weight.originalName.length)
        .mul(0.5)
        .add(/variance/.test(weight.originalName) ? 1 : 0.1),
    )
  }
  const outputs = [model.predict(x)].flat()
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, format, weightSpecs, weightData }) => {
      saved[name] = {
        modelTopology,
        format,
        weightSpecs,
        data: Buffer.from(weightData).toString('base64'),
        x: [...x.dataSync()],
        xShape: x.shape,
        y: outputs.map((y) => [...y.dataSync()]),
      }
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
    }),
  )
}
writeFileSync(target, `${JSON.stringify(saved)}\n`)
