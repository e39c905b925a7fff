/**
 * A model by subclassing: a variant of AlexNet (Krizhevsky et al. 2012) as a class with its own `call`.
 *
 * What to learn here:
 * - Layers are fields, `call` connects them: ordinary TypeScript, also loops and conditions.
 * - `build` with a shape makes all weights, so that `summary` can count them before any data is seen.
 * - With Keras's default momentum of 0.99 the statistics that batch normalisation uses in the test take some 500 steps to
 *   forget where they began; the short training here wants 0.9.
 * - `compile` and `fit` work as for any other model; `training` reaches batch normalisation and dropout by itself.
 */
import { layers, Model, optimizers, type Tensor, utils } from 'ondol'
import { isShort, report } from './support/example.js'
import { loadPhotos } from './support/photos.js'

class AlexNet extends Model {
  readonly features: layers.Layer[]
  readonly classifier: layers.Layer[]

  constructor(classes: number, { width = 4096 }: { readonly width?: number } = {}) {
    super({ name: 'alexnet' })
    const conv = (filters: number, size: number, strides = 1) =>
      layers.conv2d(filters, size, { strides, padding: 'same', activation: 'relu' })
    this.features = [
      conv(96, 3, 4),
      layers.batchNormalization({ momentum: 0.9 }),
      layers.maxPooling2d(2, { strides: 1 }),
      conv(256, 5),
      layers.batchNormalization({ momentum: 0.9 }),
      layers.maxPooling2d(2, { strides: 1 }),
      conv(384, 3),
      conv(384, 3),
      conv(256, 3),
      layers.maxPooling2d(3, { strides: 2 }),
    ]
    this.classifier = [
      layers.flatten(),
      layers.dense(width, { activation: 'relu' }),
      layers.dropout(0.5),
      layers.dense(width, { activation: 'relu' }),
      layers.dropout(0.5),
      layers.dense(classes, { activation: 'softmax' }),
    ]
  }

  override call(images: Tensor): Tensor {
    return [...this.features, ...this.classifier].reduce((x, layer) => layer(x) as Tensor, images)
  }
}

utils.setRandomSeed(1)
const { train, test, name, classNames } = await loadPhotos(isShort ? { train: 256, test: 100 } : { train: 2000, test: 500 })
const model = new AlexNet(classNames.length)
model.build([null, 32, 32, 3])
model.summary()

const trained = isShort ? new AlexNet(classNames.length, { width: 256 }) : model
trained.compile({
  optimizer: new optimizers.Adam({ learningRate: 3e-4 }),
  loss: 'sparse_categorical_crossentropy',
  metrics: ['accuracy'],
})
const { history } = await trained.fit(train.x, train.y, { epochs: isShort ? 2 : 4, batchSize: isShort ? 32 : 64, verbose: 2 })
const { accuracy } = await trained.evaluate(test.x, test.y, { returnDict: true, verbose: 0 })
console.log(`\n${name}: ${((accuracy as number) * 100).toFixed(1)} % of ${test.y.shape[0]} new pictures named rightly`)

report({
  parameters: model.countParams(),
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
})
