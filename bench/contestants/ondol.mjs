// ondol as a contestant. Usage: ondol.mjs native | wasm  float32 | mixed_bfloat16
//
// Every step of training is one of `model.fit`, timed from batch to batch by a callback, the data being in memory; predictions are
// those of `predictOnBatch`, read back.
import * as data from './data.mjs'
import { median, serve, timed } from './protocol.mjs'

const [backend, policy] = process.argv.slice(2)
process.env.ONDOL_BACKEND = backend
const begin = performance.now()
const ondol = await import('../../packages/ondol/dist/index.js')
const importMs = performance.now() - begin
const { callbacks, getBackend, jit, ops, tensor } = ondol

if (getBackend() !== backend) throw new Error(`the ${backend} backend is not available`)
if (policy !== 'float32') {
  const { setDtypePolicy } = await import('../../packages/ondol/dist/layers/dtype-policy.js')
  setDtypePolicy(policy)
}
const { BUILDERS } = await import('./ondol_models.mjs')

/** Times of all steps of one `fit`; the last one ends when `fit` does, so that nothing queued is left out. */
class Clock extends callbacks.Callback {
  times = []
  onTrainBatchBegin() {
    this.times.push(performance.now())
  }
}

const models = new Map()

function built(name) {
  const known = models.get(name)
  if (known) return known
  const [model, optimizer, loss] = BUILDERS[name]()
  model.compile({ optimizer, ...loss })
  models.set(name, model)
  return model
}

const load = ({ data: values, shape }) => tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32')
const alone = (parts) => (parts.length === 1 ? parts[0] : parts)

async function train(name, steps) {
  const started = performance.now()
  const model = built(name)
  const { inputs, labels } = data.make(name, steps)
  const [x, y] = [inputs.map(load), labels.map(load)]
  const clock = new Clock()
  const fit = performance.now()
  const history = await model.fit(alone(x), alone(y), {
    batchSize: data.SHAPES[name].batch,
    epochs: 1,
    shuffle: false,
    verbose: 0,
    callbacks: [clock],
  })
  const ended = performance.now()
  for (const t of [...x, ...y]) t.dispose()
  const marks = [...clock.times, ended]
  const ms = marks.slice(1).map((mark, i) => mark - marks[i])
  return { ms, fitMs: ended - fit, buildMs: fit - started, loss: history.history.loss.at(-1) }
}

async function predict(name, size, steps) {
  const model = built(name)
  const x = alone(data.make(name, 1, size).inputs.map(load))
  const ms = await timed(steps, async () => {
    for (const output of [await model.predictOnBatch(x)].flat()) {
      await output.data()
      output.dispose()
    }
  })
  for (const t of [x].flat()) t.dispose()
  return { ms }
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
await serve(greeting, (request) => {
  if (request.probe) return probe(request)
  return request.predict ? predict(request.model, request.predict, request.steps) : train(request.model, request.steps)
})
