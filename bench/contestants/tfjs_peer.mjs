// TensorFlow.js as a contestant. Usage: tfjs_peer.mjs wasm | cpu
//
// Every step is `model.trainOnBatch` on tensors already made. Where the WASM backend lacks a gradient kernel the model
// fails there and only the pure JavaScript backend is left, as for any user of the library in Node.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as data from './data.mjs'
import { median, serve, timed } from './protocol.mjs'

const mode = process.argv[2]
const begin = performance.now()
const require = createRequire(new URL('../package.json', import.meta.url))
const tf = require('@tensorflow/tfjs')
if (mode === 'wasm') {
  const wasm = require('@tensorflow/tfjs-backend-wasm')
  wasm.setWasmPaths(`${join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist')}/`)
  wasm.setThreadsCount(Number(process.env.OMP_NUM_THREADS ?? 2))
}
await tf.setBackend(mode)
await tf.ready()
const importMs = performance.now() - begin

function densenet(growth = 12, depth = 16) {
  const norm = (x) => tf.layers.reLU().apply(tf.layers.batchNormalization({}).apply(x))
  const conv = (x, filters, kernelSize) => tf.layers.conv2d({ filters, kernelSize, padding: 'same', useBias: false }).apply(x)
  const input = tf.input({ shape: [32, 32, 3] })
  let x = conv(input, 2 * growth, 3)
  for (let block = 0; block < 3; block++) {
    for (let i = 0; i < depth; i++) {
      x = tf.layers.concatenate().apply([x, conv(norm(conv(norm(x), 4 * growth, 1)), growth, 3)])
    }
    if (block < 2) x = tf.layers.averagePooling2d({ poolSize: 2 }).apply(conv(norm(x), x.shape[3] >> 1, 1))
  }
  x = tf.layers.flatten().apply(tf.layers.averagePooling2d({ poolSize: 8 }).apply(norm(x)))
  return tf.model({ inputs: input, outputs: tf.layers.dense({ units: 10 }).apply(x) })
}

function lstmqa() {
  const inputs = [0, 1].map(() => tf.input({ shape: [100], dtype: 'int32' }))
  const encoded = inputs.map((x) => tf.layers.lstm({ units: 32 }).apply(tf.layers.embedding({ inputDim: 10000, outputDim: 64 }).apply(x)))
  const answer = tf.layers.dense({ units: 500, activation: 'softmax' }).apply(tf.layers.concatenate().apply(encoded))
  return tf.model({ inputs, outputs: answer })
}

const dense = (units, more = {}) => tf.layers.dense({ units, ...more })
const relu = { activation: 'relu' }
const logits = (labels, output) => tf.losses.softmaxCrossEntropy(labels, output)

const builders = {
  tiny: () => [tf.sequential({ layers: [dense(16, { ...relu, inputShape: [8] }), dense(4)] }), tf.train.sgd(0.01)],
  mlp: () => {
    const dropout = () => tf.layers.dropout({ rate: 0.2 })
    const layers = [dense(512, { ...relu, inputShape: [784] }), dropout(), dense(512, relu), dropout(), dense(10)]
    return [tf.sequential({ layers }), tf.train.adam()]
  },
  convnet: () => {
    const conv = (filters, more) => tf.layers.conv2d({ filters, kernelSize: 3, ...relu, ...more })
    const pool = () => tf.layers.maxPooling2d({ poolSize: 2 })
    const head = [tf.layers.flatten(), tf.layers.dropout({ rate: 0.5 }), dense(10)]
    return [tf.sequential({ layers: [conv(32, { inputShape: [28, 28, 1] }), pool(), conv(64), pool(), ...head] }), tf.train.adam()]
  },
  lstmqa: () => [lstmqa(), tf.train.rmsprop(0.001), 'categoricalCrossentropy'],
  densenet: () => [densenet(), tf.train.momentum(0.1, 0.9, true)],
}

const trainers = new Map()

function trainer(name) {
  const known = trainers.get(name)
  if (known) return known
  const [model, optimizer, loss = logits] = builders[name]()
  model.compile({ optimizer, loss })
  const { inputs, labels } = data.make(name)
  const split = ({ data: values, shape }) =>
    tf.split(tf.tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32'), data.batchesOf(name))
  const classes = model.outputs[0].shape[1]
  const oneHot = (labels) => (labels.rank === 1 ? tf.oneHot(labels, classes).toFloat() : labels) // as the library wants them
  const made = { model, inputs: inputs.map(split), labels: split(labels[0]).map(oneHot), count: 0 }
  trainers.set(name, made)
  return made
}

async function train(name, steps) {
  const t = trainer(name)
  let loss
  const ms = await timed(steps, async () => {
    const i = t.count++ % t.labels.length
    const x = t.inputs.map((batches) => batches[i])
    loss = await t.model.trainOnBatch(x.length === 1 ? x[0] : x, t.labels[i])
  })
  return { ms, loss }
}

async function probe({ probe: name, m, k, n, shape, filters, kernel, repeats = 5 }) {
  const [a, b] =
    name === 'matmul'
      ? [tf.randomNormal([m, k]), tf.randomNormal([k, n])]
      : [tf.randomNormal(shape), tf.randomNormal([kernel, kernel, shape[3], filters])]
  const run = async () => {
    const c = name === 'matmul' ? tf.matMul(a, b) : tf.conv2d(a, b, 1, 'same')
    await c.data()
    c.dispose()
  }
  await run()
  return { ms: [median(await timed(repeats, run))] }
}

const greeting = { name: `tfjs ${mode}`, versions: { tfjs: tf.version.tfjs }, importMs }
await serve(greeting, (request) => (request.probe ? probe(request) : train(request.model, request.steps)))
