/**
 * Training in the manner of PyTorch, with a loop of one's own: DenseNet-BC on small colour pictures.
 *
 * What to learn here:
 * - A `DataLoader` over a dataset whose pictures are cropped and flipped anew each time they are drawn.
 * - One step is an ordinary function with a `GradientTape`; `jit` compiles it. Weight decay is added to the gradients, as
 *   PyTorch's SGD does (Keras's own `weightDecay` is decoupled from momentum).
 * - `compile` ties optimizer and model, so that one file keeps both, and `--resume` goes on from it.
 * - The network is in support/densenet.ts: depth 100 and growth 12 make 769,162 trainable parameters.
 *
 * Options: --data FOLDER with CIFAR-10 (else Fashion-MNIST), --train N, --test N, --epochs N, --seed N, --resume, --bf16, and
 * --plain: no augmentation, but dropout.
 */
import { config, data, GradientTape, jit, loadModel, type Model, ops, optimizers, type Tensor, utils } from 'ondol'
import { DenseNet } from './support/densenet.js'
import { isShort, option, report } from './support/example.js'
import { loadRawPhotos, type RawPhotos } from './support/photos.js'

const has = (flag: string): boolean => process.argv.includes(`--${flag}`)
if (has('bf16')) config.setDtypePolicy('mixed_bfloat16')
utils.setRandomSeed(Number(option('seed') ?? 1))

// Data: bytes that become numbers, changed a little, when they are drawn.
const counts = isShort ? { train: 320, test: 100 } : { train: Number(option('train') ?? 4000), test: Number(option('test') ?? 1000) }
const { train, test, name, classNames } = await loadRawPhotos(counts)
const { Compose, RandomCrop, RandomHorizontalFlip, ToTensor } = data.transforms
const augment = has('plain') ? ToTensor() : Compose([RandomCrop(32, { padding: 4 }), RandomHorizontalFlip(), ToTensor()])
type Item = [image: data.HostArray, label: data.HostArray]
const pictures = (part: RawPhotos['train'], change: data.transforms.Transform): data.MapDataset<Item> =>
  new data.MappedDataset(new data.TensorDataset(...part), ([image, label], context): Item => [change(image, context), label])
const trainLoader = new data.DataLoader(pictures(train, augment), { batchSize: isShort ? 32 : 64, shuffle: true, dropLast: true })
const testLoader = new data.DataLoader(pictures(test, ToTensor()), { batchSize: 100 })

// The model; in short mode a shallow one learns, and the deep one is only counted.
const classes = classNames.length
const full = new DenseNet({ classes, dropRate: has('plain') ? 0.2 : 0 })
full.build([null, 32, 32, 3])
const parameters = full.trainableVariables.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
console.log(`DenseNet-BC, depth 100, growth 12: ${parameters.toLocaleString('en')} trainable parameters`)

const file = 'build/examples/densenet.keras'
const load = async (): Promise<Model> => (await loadModel(file, { customObjects: { DenseNet } })) as Model
const model = has('resume') ? await load() : isShort ? new DenseNet({ classes, depth: 22, dropRate: 0.1 }) : full
if (!has('resume'))
  model.compile({
    optimizer: new optimizers.SGD({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
    loss: 'sparse_categorical_crossentropy',
  })
const optimizer = model.optimizer as optimizers.SGD
const weightDecay = 1e-4

/** Loss and accuracy of a batch. */
function judge(logits: Tensor, labels: Tensor): [loss: Tensor, accuracy: Tensor] {
  const right = ops.equal(ops.argmax(logits, { axis: -1 }), ops.cast(labels, 'int32'))
  return [ops.mean(ops.sparseCategoricalCrossentropy(labels, logits, { fromLogits: true })), ops.mean(ops.cast(right, 'float32'))]
}

const step = jit((images: Tensor, labels: Tensor) => {
  using tape = new GradientTape()
  const [loss, accuracy] = judge(model(images, { training: true }), labels)
  const { trainableVariables } = model
  const gradients = tape.gradient(loss, trainableVariables)
  optimizer.applyGradients(
    trainableVariables.map((variable, i) => [ops.add(gradients[i] as Tensor, ops.multiply(variable, weightDecay)), variable]),
  )
  return [loss, accuracy]
})

/** Keras's velocity contains the learning rate, PyTorch's does not: here it must fall with the rate, or the old pace goes on for a while. */
function setRate(rate: number): void {
  const [before] = (optimizer.learningRate as Tensor).dataSync() as Float32Array
  for (const variable of optimizer.variables)
    if (variable.name.endsWith('_momentum')) variable.assign(ops.multiply(variable.value, rate / (before as number)))
  optimizer.learningRate = rate
}

const losses: number[] = []
async function trainEpoch(): Promise<void> {
  const start = performance.now()
  for await (const [images, labels] of trainLoader) {
    const [loss, accuracy] = step(images.toTensor(), labels.toTensor()) as [Tensor, Tensor]
    losses.push(await loss.item())
    if (losses.length % 20 > 0) continue
    const seconds = ((performance.now() - start) / 1000).toFixed(0)
    console.log(`step ${losses.length}: loss ${losses.at(-1)?.toFixed(4)}, accuracy ${(await accuracy.item()).toFixed(3)}, ${seconds} s`)
  }
}

async function testAll(tested: Model): Promise<{ readonly loss: number; readonly accuracy: number }> {
  const forward = jit((images: Tensor, labels: Tensor) => judge(tested(images, { training: false }), labels))
  let [loss, accuracy] = [0, 0]
  for await (const [images, labels] of testLoader) {
    const [l, a] = forward(images.toTensor(), labels.toTensor())
    loss += (await l.item()) / testLoader.length
    accuracy += (await a.item()) / testLoader.length
  }
  return { loss, accuracy }
}

const accuracies: number[] = []
const began = performance.now()
const epochs = Number(option('epochs') ?? (isShort ? 3 : 1))
let tested = await testAll(model)
for (let epoch = (await optimizer.iterations.item()) / trainLoader.length; epoch < epochs; epoch++) {
  setRate(epoch < epochs / 2 ? 0.1 : 0.01)
  await trainEpoch()
  tested = await testAll(model)
  accuracies.push(tested.accuracy)
  console.log(`${name}, epoch ${epoch + 1}: test loss ${tested.loss.toFixed(4)}, accuracy ${tested.accuracy.toFixed(4)}`)
  await model.save(file)
}
const seconds = (performance.now() - began) / 1000

const saved = await load()
const again = await testAll(saved)
const savedSteps = (await saved.optimizer?.iterations.item()) ?? 0
console.log(`The saved model: accuracy ${again.accuracy.toFixed(4)} after ${savedSteps} steps`)

const part = Math.ceil(losses.length / 10)
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
report({
  parameters,
  firstLoss: mean(losses.slice(0, part)),
  lastLoss: mean(losses.slice(-part)),
  testAccuracy: tested.accuracy,
  savedAccuracy: again.accuracy,
  savedSteps,
  losses,
  accuracies,
  seconds,
})
