// How fast data come: node bench/loader.mjs [folder with a folder of pictures for each class] [--training 60]
//
// Reads whole epochs without a model. Once rows of the shape of CIFAR-10 in batches of 64, each image cropped at random from 40x40,
// flipped and scaled; by DataLoader and by Dataset. Once pictures in folders, decoded and resized to 160x160 (without a folder: PNG
// files that it makes). A loader shares its thread with nothing but the loop that starts training steps, so what counts is images a
// second of the processor; wall time is printed beside it, which other work on the machine makes longer. `--training` is the speed of
// the model that the loader must outrun, 60 images a second by default: DenseNet-BC-100-12 on two cores.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { data, tensor, utils } = await import('../packages/ondol/dist/index.js')
const { DataLoader, Dataset, MappedDataset, TensorDataset, transforms } = data

const args = process.argv.slice(2)
const option = args.indexOf('--training')
const training = option < 0 ? 60 : Number(args.splice(option, 2)[1])
const [folder] = args

const IMAGES = 20_000
const ROUNDS = 5

/** Reads all of it, over and over; the median of the rounds after the first one, which compiles. */
async function measure(title, open) {
  const rounds = []
  for (let round = 0; round <= ROUNDS; round++) {
    const [start, before] = [performance.now(), process.cpuUsage()]
    let images = 0
    for await (const [x] of await open()) images += x.shape[0]
    const { user, system } = process.cpuUsage(before)
    if (round > 0) rounds.push({ cpu: images / ((user + system) / 1e6), wall: images / ((performance.now() - start) / 1e3) })
  }
  const median = (key) => rounds.map((round) => round[key]).sort((a, b) => a - b)[ROUNDS >> 1]
  const [cpu, wall] = [median('cpu'), median('wall')]
  const columns = [
    title.padEnd(44),
    `${Math.round(cpu)}`.padStart(9),
    `${Math.round(wall)}`.padStart(9),
    `${Math.round(cpu / training)}`.padStart(9),
  ]
  console.log(columns.join(' '))
}

console.log(`${''.padEnd(44)} images/s  images/s     times\n${''.padEnd(44)}  (of CPU)    (wall) ${training} images/s`)

const pixels = Uint8Array.from({ length: IMAGES * 32 * 32 * 3 }, (_, i) => i * 31)
const images = data.array(pixels, [IMAGES, 32, 32, 3])
const labels = data.array(Uint8Array.from({ length: IMAGES }, (_, i) => i % 10))
const change = transforms.compose([transforms.randomCrop(32, { padding: 4 }), transforms.randomHorizontalFlip(), transforms.toTensor()])
const normalized = transforms.compose([change, transforms.normalize([0.491, 0.482, 0.447], [0.247, 0.243, 0.262])])
const rows = new TensorDataset(images, labels)
const loading = (transform) => () =>
  new DataLoader(new MappedDataset(rows, ([x, y], context) => [transform(x, context), y]), { batchSize: 64, shuffle: true })

await measure('DataLoader: crop, flip, scale', loading(change))
await measure('DataLoader: crop, flip, scale, normalize', loading(normalized))
await measure('Dataset: shuffle, crop, flip, scale', () =>
  Dataset.fromTensorSlices([images, labels])
    .shuffle(2000)
    .map(([x, y], context) => [change(x, context), y])
    .batch(64),
)

const made = folder === undefined ? await mkdtemp(join(tmpdir(), 'ondol-loader-')) : undefined
try {
  if (made !== undefined) {
    const picture = Uint8Array.from({ length: 240 * 320 * 3 }, (_, i) => 128 + 100 * Math.sin(i / 97) + (i % 13))
    for (const name of ['a', 'b']) {
      await mkdir(join(made, name))
      for (let i = 0; i < 50; i++) await utils.saveImg(join(made, name, `${i}.png`), tensor(picture, [240, 320, 3]), { scale: false })
    }
  }
  const options = { imageSize: [160, 160], verbose: false, seed: 1 }
  await measure(`folder of ${folder ?? '320x240 PNG files'}`, () => utils.imageDatasetFromDirectory(folder ?? made, options))
} finally {
  if (made !== undefined) await rm(made, { recursive: true })
}
