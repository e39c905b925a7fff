// What feeding costs: node bench/data.mjs [native | wasm] [rounds]
//
// First, samples a second of typical pipelines over 60,000 images of 28 x 28 bytes, put into batches of 128. Then, how well loading hides
// behind training: the time of an epoch of `fit` over the longer of loading alone and training alone (1: nothing is lost). The time to beat is
// training from whole arrays. Medians of the rounds.
const [backend = 'native', rounds = '5'] = process.argv.slice(2)
process.env.ONDOL_BACKEND = backend
const { Input, Sequential, data, getBackend, layers, losses, tensor } = await import('../packages/ondol/dist/index.js')
if (getBackend() !== backend) throw new Error(`the ${backend} backend is not available`)
const { Dataset, DataLoader, TensorDataset, transforms } = data

const [count, side, batchSize] = [60_000, 28, 128]
const pixels = Uint8Array.from({ length: count * side * side }, (_, i) => (i * 2654435761) >>> 24)
const images = data.array(pixels, [count, side, side])
const labels = Int32Array.from({ length: count }, (_, i) => i % 10)

const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1]

async function timed(measure) {
  const begin = performance.now()
  await measure()
  return performance.now() - begin
}

/** Medians of several things that take turns, round after round. */
async function medians(...measures) {
  const times = measures.map(() => [])
  for (let round = 0; round < Number(rounds); round++) {
    for (const [i, measure] of measures.entries()) times[i].push(await timed(measure))
  }
  return times.map(middle)
}

const drain = async (batches) => {
  for await (const _ of batches);
}

// ---- samples a second ----

const samples = Dataset.fromTensorSlices([images, labels])
const scale = transforms.toTensor()
const augment = transforms.compose([transforms.randomCrop(side, { padding: 2 }), transforms.randomHorizontalFlip(), scale])
const pipelines = {
  batch: samples.batch(batchSize),
  'shuffle, batch': samples.shuffle(count).batch(batchSize),
  'DataLoader, shuffled': new DataLoader(new TensorDataset(images, labels), { batchSize, shuffle: true }),
  'async map, batch': samples.map(async (sample) => sample).batch(batchSize),
  'map to floats, batch': samples.map(([image, label]) => [scale(image), label]).batch(batchSize),
  'shuffle, crop, flip, floats, batch': samples
    .shuffle(count)
    .map(([image, label], context) => [augment(image, context), label])
    .batch(batchSize),
}
console.log(`| pipeline | samples/s | µs a sample |\n|---|---|---|`)
for (const [name, pipeline] of Object.entries(pipelines)) {
  const [ms] = await medians(() => drain(pipeline))
  console.log(`| ${name} | ${Math.round(count / ms)} k | ${((ms * 1000) / count).toFixed(2)} |`)
}

// ---- overlap ----

const part = 128 * 100
const model = new Sequential([
  Input({ shape: [side, side] }),
  layers.flatten(),
  layers.dense(512, { activation: 'relu' }),
  layers.dense(512, { activation: 'relu' }),
  layers.dense(10),
])
model.compile({ optimizer: 'adam', loss: new losses.SparseCategoricalCrossentropy({ fromLogits: true }) })
const few = Dataset.fromTensorSlices([images.slice(0, part), labels.slice(0, part)])
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const loaders = {
  'shuffle, batch': few.shuffle(part).batch(batchSize),
  'crop, flip, floats': few.map(([image, label], context) => [augment(image, context), label]).batch(batchSize),
  'a batch every 4 ms from a disk': few.batch(batchSize).map(async (batch) => {
    await wait(4)
    return batch
  }),
  'the same, 4 at once': few.batch(batchSize).map(
    async (batch) => {
      await wait(4)
      return batch
    },
    { parallel: 4 },
  ),
}
const whole = [tensor(pixels.subarray(0, part * side * side), [part, side, side]), tensor(labels.subarray(0, part))]
const options = { batchSize, verbose: 0 }
const train = () => model.fit(...whole, options)
await train()
console.log(`\nAn epoch of ${part} samples:\n`)
console.log('| loader | loading | training | fit | fit / max(loading, training) |\n|---|---|---|---|---|')
for (const [name, loader] of Object.entries(loaders)) {
  const feed = () => model.fit(loader, { verbose: 0 })
  await feed()
  const [loading, training, both] = await medians(() => drain(loader), train, feed)
  const ratio = both / Math.max(loading, training)
  console.log(`| ${name} | ${loading.toFixed(0)} ms | ${training.toFixed(0)} ms | ${both.toFixed(0)} ms | ${ratio.toFixed(2)} |`)
}
