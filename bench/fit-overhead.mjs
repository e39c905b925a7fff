// What `fit` costs over the bare compiled step, on the mlp: node bench/fit-overhead.mjs [native | wasm] [rounds]
//
// The bare step is the same computation (forward, loss, gradients, Adam) as one compiled function that is called on a
// batch in memory, over and over, and awaited at the end. Both take turns; the overhead is the median of the turns' ratios. `fit` also
// fetches shuffled rows, keeps the running loss, and reads it at the end of each epoch.
const [backend = 'native', rounds = '15'] = process.argv.slice(2)
process.env.ONDOL_BACKEND = backend
const { GradientTape, Input, Sequential, getBackend, jit, layers, losses, optimizers, tensor } = await import(
  '../packages/ondol/dist/index.js'
)
if (getBackend() !== backend) throw new Error(`the ${backend} backend is not available`)

const [batchSize, steps, features, classes] = [128, 100, 784, 10]
const relu = { activation: 'relu' }
const build = () =>
  new Sequential([
    Input({ shape: [features] }),
    layers.dense(512, relu),
    layers.dropout(0.2),
    layers.dense(512, relu),
    layers.dropout(0.2),
    layers.dense(classes),
  ])
const noise = (size) => Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898) % 1)
const count = batchSize * steps
const x = tensor(noise(count * features), [count, features])
const y = tensor(
  Int32Array.from({ length: count }, (_, i) => i % classes),
  [count],
  'int32',
)

const model = build()
model.compile({ optimizer: 'adam', loss: new losses.SparseCategoricalCrossentropy({ fromLogits: true }) })
const runFit = () => model.fit(x, y, { batchSize, verbose: 0 })

const bare = build()
const optimizer = new optimizers.Adam()
const loss = new losses.SparseCategoricalCrossentropy({ fromLogits: true })
const variables = bare.trainableVariables
const step = jit((inputs, labels) => {
  const tape = new GradientTape()
  const value = loss(labels, bare(inputs, { training: true }))
  const gradients = tape.gradient(value, variables)
  tape.dispose()
  optimizer.apply(gradients, variables)
  return value
})
const batch = [tensor(noise(batchSize * features), [batchSize, features]), tensor(new Int32Array(batchSize).fill(3), [batchSize], 'int32')]
const loop = async () => {
  let last
  for (let i = 0; i < steps; i++) {
    last?.dispose()
    last = step(...batch)
    // As fit does, so that the queue does not grow without end.
    if (i % 16 === 15) await last.item()
  }
  await last.item()
}

const timed = async (run) => {
  const start = performance.now()
  await run()
  return performance.now() - start
}
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]
for (let i = 0; i < 2; i++) {
  await runFit()
  await loop()
}
const times = { fit: [], bare: [] }
for (let i = 0; i < Number(rounds); i++) {
  // Who goes first changes, because the machine does.
  for (const name of i % 2 ? ['bare', 'fit'] : ['fit', 'bare']) times[name].push(await timed(name === 'fit' ? runFit : loop))
}
const perStep = (values) => `${((median(values) / steps) * 1000).toFixed(0)} µs`
const overhead = (median(times.fit.map((time, i) => time / times.bare[i])) - 1) * 100
console.log(`${backend}: bare step ${perStep(times.bare)}, fit ${perStep(times.fit)} a step, overhead ${overhead.toFixed(1)} %`)
