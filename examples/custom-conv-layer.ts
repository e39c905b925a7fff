/**
 * A layer of one's own: a 2D convolution written from its weights up.
 *
 * What to learn here:
 * - The constructor checks its arguments, `build` makes weights once the input's shape is known, `call` computes.
 * - Errors say what was expected and what came; `ValueError` takes both.
 * - `positional` and `configTable` tell how the layer is made again, so that a model with it can be saved and loaded.
 * - It computes what `layers.conv2d` computes.
 */
import { layers, loadModel, ops, type PartialShape, random, Sequential, type Tensor, utils, ValueError, type Variable } from 'ondol'
import { loadClothes } from './support/clothes.js'
import { isShort, report } from './support/example.js'

type Strides = number | readonly [batch: 1, height: number, width: number, channels: 1]
interface CustomConvOptions extends layers.LayerOptions {
  /** Of height and width, or of all four axes. Default 1. */
  readonly strides?: Strides
  /** Default `'SAME'`. */
  readonly padding?: 'SAME' | 'VALID'
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0

/** (batch, height, width, in) → (batch, height', width', outChannels). */
class CustomConv2D extends layers.Layer {
  static override readonly className = 'CustomConv2D'
  static override readonly positional = ['outChannels', 'kernelSize']
  static override readonly configTable = { outChannels: 'value', kernelSize: 'value', strides: 'value', padding: 'value' } as const
  readonly outChannels: number
  readonly kernelSize: readonly [height: number, width: number]
  readonly strides: readonly [1, number, number, 1]
  readonly padding: 'SAME' | 'VALID'
  kernel!: Variable
  bias!: Variable

  constructor(outChannels: number, kernelSize: number | readonly [number, number], options: CustomConvOptions = {}) {
    const { strides = 1, padding = 'SAME', ...rest } = options
    super(rest)
    const require = (isFine: boolean, problem: string, expected: string, received: unknown): void => {
      if (!isFine) throw new ValueError({ where: this.name, problem, expected, received: JSON.stringify(received) })
    }
    require(isCount(outChannels), 'outChannels is no number of channels', 'a whole number of at least 1', outChannels)
    const sizes = typeof kernelSize === 'number' ? [kernelSize, kernelSize] : kernelSize
    require(Array.isArray(sizes) &&
      sizes.length === 2 &&
      sizes.every(isCount), 'kernelSize is no size', 'a whole number, or [height, width]', kernelSize)
    const steps = typeof strides === 'number' ? [1, strides, strides, 1] : strides
    const isFour = Array.isArray(steps) && steps.length === 4 && steps.every(isCount) && steps[0] === 1 && steps[3] === 1
    require(isFour, 'strides are no strides', 'a whole number, or [1, height, width, 1]', strides)
    require(padding === 'SAME' || padding === 'VALID', 'there is no such padding', "'SAME' or 'VALID'", padding)
    this.outChannels = outChannels
    this.kernelSize = sizes as [number, number]
    this.strides = steps as [1, number, number, 1]
    this.padding = padding
  }

  override build(shape: PartialShape): void {
    const inChannels = shape.at(-1) as number
    this.kernel = this.addWeight({ name: 'kernel', shape: [...this.kernelSize, inChannels, this.outChannels], initializer: 'randomNormal' })
    this.bias = this.addWeight({ name: 'bias', shape: [this.outChannels], initializer: 'randomNormal' })
  }

  override call(x: Tensor): Tensor {
    const [, height, width] = this.strides
    const padding = this.padding === 'SAME' ? 'same' : 'valid'
    return ops.add(ops.conv(x, this.kernel, { strides: [height, width], padding, dataFormat: 'channels_last' }), this.bias)
  }
}

utils.setRandomSeed(1)

// What happens with wrong arguments; TypeScript would say so, too, so its eyes are covered.
const Unchecked = CustomConv2D as unknown as new (...args: unknown[]) => CustomConv2D
const wrong = [
  [8, 'three'],
  [8, [3, 3, 3]],
  [8, 3, { strides: 'two' }],
  [8, 3, { strides: [2, 2] }],
  [8, 3, { padding: 'FULL' }],
]
let refused = 0
for (const args of wrong) {
  try {
    new Unchecked(...args)
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    refused++
    console.log(`${JSON.stringify(args)}\n  ${error.message.replaceAll('\n', '\n  ')}`)
  }
}

// The same weights in Keras's own layer give the same numbers.
const x = random.normal([2, 9, 9, 3], { seed: 1 })
const [mine, theirs] = [new CustomConv2D(4, [3, 5], { strides: 2 }), layers.conv2d(4, [3, 5], { strides: 2, padding: 'same' })]
const [first] = [mine(x), theirs(x)]
theirs.setWeights(mine.getWeights())
const difference = Number(await ops.max(ops.abs(ops.subtract(first, theirs(x)))).item())
console.log(`\nGreatest difference to layers.conv2d: ${difference}`)

// In a model it learns, is saved and loaded like any other.
const { train, test } = await loadClothes(isShort ? { train: 1000, test: 200 } : { train: 20_000, test: 5000 })
const model = new Sequential([
  layers.Input({ shape: [28, 28, 1] }),
  new CustomConv2D(16, 5, { strides: 2 }),
  layers.relu(),
  new CustomConv2D(32, [3, 3], { strides: [1, 2, 2, 1], padding: 'VALID' }),
  layers.relu(),
  layers.flatten(),
  layers.dense(10, { activation: 'softmax' }),
])
model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
const { history } = await model.fit(train.x, train.y, { epochs: isShort ? 2 : 5, batchSize: 64, verbose: 2 })
const { accuracy } = await model.evaluate(test.x, test.y, { returnDict: true, verbose: 0 })
const again = (await loadModel(await model.save(), { customObjects: { CustomConv2D } })) as Sequential
const loaded = await again.evaluate(test.x, test.y, { returnDict: true, verbose: 0 })
console.log(`\nTest accuracy ${accuracy?.toFixed(3)}, of the saved and loaded model ${loaded.accuracy?.toFixed(3)}`)

report({
  refused,
  difference,
  parameters: model.countParams(),
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
  loadedAccuracy: loaded.accuracy as number,
})
