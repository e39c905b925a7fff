/**
 * ResNet-50 from blocks of one's own (He et al. 2015): layers made of layers.
 *
 * What to learn here:
 * - A block is a `Layer` whose fields are layers. It needs no `build`: its first call builds what is in it.
 * - Convolution blocks change the number of channels, so their shortcut has a convolution, too; identity blocks add their
 *   input as it is.
 * - 3 + 4 + 6 + 3 blocks: 25,636,712 parameters, as many as Keras's own ResNet50 has.
 */
import { layers, Model, ops, optimizers, type Tensor, utils } from 'ondol'
import { isShort, report } from './support/example.js'
import { loadPhotos } from './support/photos.js'

// With Keras's default of 0.99 the means used at test time take some 500 steps to forget where they began, and errors of 53 of
// them multiply: 188 steps gave 91 % in training and 15 % in the test. Long training wants 0.99.
const normalize = () => layers.batchNormalization({ momentum: 0.9, epsilon: 0.001 })

/** Convolution, batch normalisation, leaky ReLU. */
class ConvNorm extends layers.Layer {
  readonly conv: layers.Conv2D
  readonly norm = normalize()
  readonly relu = layers.leakyRelu()

  constructor(filters: number, size: number, options: layers.ConvOptions = {}) {
    super()
    this.conv = layers.conv2d(filters, size, options)
  }

  override call(x: Tensor): Tensor {
    return this.relu(this.norm(this.conv(x)))
  }
}

/** 1x1, 3x3, 1x1; what comes in is added to what comes out. */
class IdentityBlock extends layers.Layer {
  readonly path: ConvNorm[]

  constructor([inner, outer]: readonly [number, number], strides = 1) {
    super()
    this.path = [new ConvNorm(inner, 1, { strides }), new ConvNorm(inner, 3, { padding: 'same' }), new ConvNorm(outer, 1)]
  }

  shortcut(x: Tensor): Tensor {
    return x
  }

  override call(x: Tensor): Tensor {
    return ops.add(
      this.path.reduce<Tensor>((y, layer) => layer(y), x),
      this.shortcut(x),
    )
  }
}

/** The same with a convolution in the shortcut, which may halve height and width. */
class ConvBlock extends IdentityBlock {
  readonly skip: ConvNorm

  constructor(filters: readonly [number, number], strides: number) {
    super(filters, strides)
    this.skip = new ConvNorm(filters[1], 1, { strides })
  }

  override shortcut(x: Tensor): Tensor {
    return this.skip(x)
  }
}

/** Channels inside and outside the blocks, number of blocks, strides of the first. */
const STAGES = [
  [64, 256, 3, 1],
  [128, 512, 4, 2],
  [256, 1024, 6, 2],
  [512, 2048, 3, 1],
] as const

class ResNet50 extends Model {
  readonly body: layers.Layer[]

  constructor(classes: number) {
    super({ name: 'resnet50' })
    this.body = [
      layers.zeroPadding2d(3),
      new ConvNorm(64, 7, { strides: 2 }),
      layers.zeroPadding2d(1),
      layers.maxPooling2d(3, { strides: 2 }),
      ...STAGES.flatMap(([inner, outer, count, strides]) =>
        Array.from({ length: count }, (_, i) => (i === 0 ? new ConvBlock([inner, outer], strides) : new IdentityBlock([inner, outer]))),
      ),
      layers.globalAveragePooling2d(),
      layers.dense(classes, { activation: 'softmax' }),
    ]
  }

  override call(images: Tensor): Tensor {
    return this.body.reduce<Tensor>((x, layer) => layer(x), images)
  }
}

utils.setRandomSeed(1)
const full = new ResNet50(1000)
full.build([null, 224, 224, 3])
full.summary()

// It learns on smaller pictures: the weights do not depend on height and width.
const { train, test, name, classNames } = await loadPhotos(isShort ? { train: 64, test: 32 } : { train: 1500, test: 300 })
const model = new ResNet50(classNames.length)
model.compile({ optimizer: new optimizers.Adam({ learningRate: 3e-4 }), loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
const { history } = await model.fit(train.x, train.y, { epochs: isShort ? 2 : 3, batchSize: isShort ? 8 : 32, verbose: 2 })
const { accuracy } = await model.evaluate(test.x, test.y, { returnDict: true, verbose: 0 })
console.log(`\n${name}: ${((accuracy as number) * 100).toFixed(1)} % of ${test.y.shape[0]} new pictures named rightly`)

report({
  parameters: full.countParams(),
  blocks: model.body.filter((layer) => layer instanceof IdentityBlock).length,
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
})
