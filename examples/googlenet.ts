/**
 * GoogLeNet (Szegedy et al. 2014): nine Inception modules, as one class used nine times.
 *
 * What to learn here:
 * - A layer with four branches whose outputs are joined along the channels.
 * - The network is a table: how many channels each branch of each module has.
 * - 6,998,552 parameters with 1,000 classes, as the authors' (without the two extra classifiers that they trained with).
 */
import { layers, Model, optimizers, type Tensor, utils } from 'ondol'
import { isShort, report } from './support/example.js'
import { loadPhotos } from './support/photos.js'

const conv = (filters: number, size: number, strides = 1) => layers.conv2d(filters, size, { strides, padding: 'same', activation: 'relu' })
const pool = (size: number, strides: number) => layers.maxPooling2d(size, { strides, padding: 'same' })

type Channels = readonly [one: number, before3: number, three: number, before5: number, five: number, afterPool: number]

class Inception extends layers.Layer {
  readonly branches: layers.Layer[][]

  constructor([one, before3, three, before5, five, afterPool]: Channels) {
    super()
    this.branches = [
      [conv(one, 1)],
      [conv(before3, 1), conv(three, 3)],
      [conv(before5, 1), conv(five, 5)],
      [pool(3, 1), conv(afterPool, 1)],
    ]
  }

  override call(x: Tensor): Tensor {
    return layers.concatenate(this.branches.map((branch) => branch.reduce<Tensor>((y, layer) => layer(y), x)))
  }
}

/** Modules 3a to 5b, with pooling between the groups. */
const MODULES: readonly (readonly Channels[])[] = [
  [
    [64, 96, 128, 16, 32, 32],
    [128, 128, 192, 32, 96, 64],
  ],
  [
    [192, 96, 208, 16, 48, 64],
    [160, 112, 224, 24, 64, 64],
    [128, 128, 256, 24, 64, 64],
    [112, 144, 288, 32, 64, 64],
    [256, 160, 320, 32, 128, 128],
  ],
  [
    [256, 160, 320, 32, 128, 128],
    [384, 192, 384, 48, 128, 128],
  ],
]

class GoogLeNet extends Model {
  readonly body: layers.Layer[]

  constructor(classes: number) {
    super({ name: 'googlenet' })
    // Batch normalisation, which came a year later, takes the place of the paper's local response normalisation.
    const groups = MODULES.map((group) => group.map((channels) => new Inception(channels)))
    this.body = [
      conv(64, 7, 2),
      pool(3, 2),
      layers.batchNormalization({ center: false, scale: false, momentum: 0.9 }),
      conv(64, 1),
      conv(192, 3),
      layers.batchNormalization({ center: false, scale: false, momentum: 0.9 }),
      pool(3, 2),
      ...groups.flatMap((group, i) => (i === 0 ? group : [pool(3, 2), ...group])),
      layers.globalAveragePooling2d(),
      layers.dropout(0.4),
      layers.dense(classes, { activation: 'softmax' }),
    ]
  }

  override call(images: Tensor): Tensor {
    return this.body.reduce<Tensor>((x, layer) => layer(x), images)
  }
}

utils.setRandomSeed(1)
const full = new GoogLeNet(1000)
full.build([null, 224, 224, 3])
full.summary()

const { train, test, name, classNames } = await loadPhotos({
  size: 64,
  ...(isShort ? { train: 96, test: 32 } : { train: 1500, test: 300 }),
})
const model = new GoogLeNet(classNames.length)
model.compile({ optimizer: new optimizers.Adam({ learningRate: 5e-4 }), loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
const { history } = await model.fit(train.x, train.y, { epochs: isShort ? 2 : 3, batchSize: isShort ? 16 : 32, verbose: 2 })
const { accuracy } = await model.evaluate(test.x, test.y, { returnDict: true, verbose: 0 })
console.log(`\n${name}: ${((accuracy as number) * 100).toFixed(1)} % of ${test.y.shape[0]} new pictures named rightly`)

report({
  parameters: full.trainableVariables.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
  modules: model.body.filter((layer) => layer instanceof Inception).length,
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
})
