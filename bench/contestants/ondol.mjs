// ondol as a contestant. Usage: ondol.mjs native | wasm  float32 | mixed_bfloat16
//
// Every step is one of `model.fit`, timed from batch to batch by a callback, the data being in memory.
import * as data from './data.mjs'
import { median, serve, timed } from './protocol.mjs'

const [backend, policy] = process.argv.slice(2)
process.env.ONDOL_BACKEND = backend
const begin = performance.now()
const ondol = await import('../../packages/ondol/dist/index.js')
const importMs = performance.now() - begin
const { Input, Model, Sequential, callbacks, getBackend, jit, layers, losses, ops, optimizers, tensor } = ondol

if (getBackend() !== backend) throw new Error(`the ${backend} backend is not available`)
if (policy !== 'float32') {
  const { setDtypePolicy } = await import('../../packages/ondol/dist/layers/dtype-policy.js')
  setDtypePolicy(policy)
}

function densenet(growth = 12, depth = 16) {
  const norm = (x) => layers.relu()(layers.batchNormalization()(x))
  const conv = (x, filters, kernelSize) => layers.conv2d(filters, kernelSize, { padding: 'same', useBias: false })(x)
  const input = Input({ shape: [32, 32, 3] })
  let x = conv(input, 2 * growth, 3)
  for (let block = 0; block < 3; block++) {
    for (let i = 0; i < depth; i++) {
      x = layers.concatenate([x, conv(norm(conv(norm(x), 4 * growth, 1)), growth, 3)])
    }
    if (block < 2) x = layers.averagePooling2d(2)(conv(norm(x), Math.floor(x.shape[3] / 2), 1))
  }
  x = layers.flatten()(layers.averagePooling2d(8)(norm(x)))
  return new Model({ inputs: input, outputs: layers.dense(10)(x) })
}

function lstmqa() {
  const inputs = [0, 1].map(() => Input({ shape: [100], dtype: 'int32' }))
  const encoded = inputs.map((x) => layers.lstm(32)(layers.embedding(10000, 64)(x)))
  return new Model({ inputs, outputs: layers.dense(500, { activation: 'softmax' })(layers.concatenate(encoded)) })
}

const relu = { activation: 'relu' }
const sparse = () => new losses.SparseCategoricalCrossentropy({ fromLogits: true })

const builders = {
  tiny: () => [
    new Sequential([Input({ shape: [8] }), layers.dense(16, relu), layers.dense(4)]),
    new optimizers.SGD({ learningRate: 0.01 }),
    sparse(),
  ],
  mlp: () => [
    new Sequential([
      Input({ shape: [784] }),
      layers.dense(512, relu),
      layers.dropout(0.2),
      layers.dense(512, relu),
      layers.dropout(0.2),
      layers.dense(10),
    ]),
    new optimizers.Adam(),
    sparse(),
  ],
  convnet: () => [
    new Sequential([
      Input({ shape: [28, 28, 1] }),
      layers.conv2d(32, 3, relu),
      layers.maxPooling2d(2),
      layers.conv2d(64, 3, relu),
      layers.maxPooling2d(2),
      layers.flatten(),
      layers.dropout(0.5),
      layers.dense(10),
    ]),
    new optimizers.Adam(),
    sparse(),
  ],
  lstmqa: () => [lstmqa(), new optimizers.RMSprop(), 'categorical_crossentropy'],
  densenet: () => [densenet(), new optimizers.SGD({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-4 }), sparse()],
}

/** Times of all steps of one `fit`; the last one ends when `fit` does, so that nothing queued is left out. */
class Clock extends callbacks.Callback {
  times = []
  onTrainBatchBegin() {
    this.times.push(performance.now())
  }
}

const models = new Map()

async function train(name, steps) {
  const started = performance.now()
  let model = models.get(name)
  if (!model) {
    const [made, optimizer, loss] = builders[name]()
    made.compile({ optimizer, loss })
    models.set(name, (model = made))
  }
  const { inputs, labels } = data.make(name, steps)
  const tensors = [...inputs, labels].map(({ data: values, shape }) =>
    tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32'),
  )
  const y = tensors.pop()
  const clock = new Clock()
  const fit = performance.now()
  const history = await model.fit(tensors.length === 1 ? tensors[0] : tensors, y, {
    batchSize: data.BATCH_SIZE[name],
    epochs: 1,
    shuffle: false,
    verbose: 0,
    callbacks: [clock],
  })
  const ended = performance.now()
  for (const t of [...tensors, y]) t.dispose()
  const marks = [...clock.times, ended]
  const ms = marks.slice(1).map((mark, i) => mark - marks[i])
  return { ms, fitMs: ended - fit, buildMs: fit - started, loss: history.history.loss.at(-1) }
}

/** A kernel is run many times for each time of the clock, so that reading the last answer back weighs little. */
async function probe({ probe: name, m, k, n, shape, filters, kernel, repeats = 9 }) {
  const type = policy === 'float32' ? 'float32' : 'bfloat16'
  const random = (...dims) => {
    const values = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => Math.random() - 0.5)
    return ops.cast(tensor(values, dims), type)
  }
  const [a, b] = name === 'matmul' ? [random(m, k), random(k, n)] : [random(...shape), random(kernel, kernel, shape[3], filters)]
  const run = jit(name === 'matmul' ? (x, y) => ops.matmul(x, y) : (x, y) => ops.conv(x, y, { padding: 'same' }))
  const burst = async (count) => {
    let last
    for (let i = 0; i < count; i++) {
      last?.dispose()
      last = run(a, b)
    }
    await last.data()
    last.dispose()
  }
  await burst(2)
  const [once] = await timed(1, () => burst(3))
  const count = Math.min(200, Math.max(10, Math.round(180 / once)))
  return { ms: [median(await timed(repeats, () => burst(count))) / count] }
}

const greeting = { name: `ondol ${backend} ${policy}`, versions: { node: process.version }, importMs }
await serve(greeting, (request) => (request.probe ? probe(request) : train(request.model, request.steps)))
