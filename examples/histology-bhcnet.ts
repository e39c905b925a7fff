/**
 * A network for microscope images, channels first: blocks of (1,3) and (3,1) convolutions with squeeze-and-excitation, after
 * BHCNet (Jiang et al. 2019).
 *
 * What to learn here:
 * - `dataFormat: 'channels_first'` and `batchNormalization({ axis: 1 })`: tensors are (batch, channels, height, width).
 * - `Dense` works on the last axis, which is not the channels here. Two cures, which give the same numbers, and the error
 *   that tells whoever forgets it.
 * - Kernels that all start at zero never move: nothing tells them apart, and nothing gets through to those before.
 *
 * The image is real (immunohistochemistry of colonic glands, `ihc.png` of scikit-image, no known copyright restrictions);
 * the labels are weak: what colours a tile has in its middle. One slide proves nothing clinical. In full mode give the
 * whole image: --data FOLDER with ihc.png (Debian: apt-get download python3-skimage; dpkg -x); else a part of it is used.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Input, type KerasTensor, layers, Model, ops, optimizers, regularizers, ShapeError, type Tensor, utils } from 'ondol'
import { dataFolder, isShort, report, sampleFile } from './support/example.js'
import { countClasses, cutTiles } from './support/tiles.js'

utils.setRandomSeed(1)
const dataFormat = 'channels_first'
const kernelRegularizer = regularizers.l2(1e-4)
const norm = () => layers.batchNormalization({ axis: 1, momentum: 0.9 })

type Cure = 'keepdims' | 'permute' | 'none'

/** How much each channel counts, (batch, channels, 1, 1), from its mean over the picture. */
function excitation(x: KerasTensor, ratio: number, cure: Cure): KerasTensor {
  const channels = x.shape[1] as number
  const he = { kernelInitializer: 'heNormal', kernelRegularizer } as const
  const squeeze = layers.dense(channels / ratio, { ...he, activation: 'relu' })
  const excite = layers.dense(channels, { ...he, activation: 'sigmoid' })
  if (cure === 'keepdims') {
    // (channels, 1, 1) → (1, 1, channels) and back; the axes are counted from 1, without the batch.
    const pooled = layers.globalAveragePooling2d({ dataFormat, keepdims: true })(x)
    return layers.permute([3, 1, 2])(excite(squeeze(layers.permute([2, 3, 1])(pooled))))
  }
  const pooled = layers.reshape([channels, 1, 1])(layers.globalAveragePooling2d({ dataFormat })(x))
  if (cure === 'none') return excite(squeeze(pooled))
  return layers.permute([3, 2, 1])(excite(squeeze(layers.permute([3, 2, 1])(pooled))))
}

/** The small SE-ResNet block: (1,3), (3,1), (1,3), (3,1), weighed by channel, added to what came in. */
function block(x: KerasTensor, filters: number, strides: number, cure: Cure, kernelInitializer: string): KerasTensor {
  const conv = (size: [number, number], steps = 1) =>
    layers.conv2d(filters, size, { strides: steps, padding: 'same', dataFormat, kernelInitializer, kernelRegularizer })
  let y = layers.relu()(norm()(conv([1, 3], strides)(x)))
  y = layers.relu()(norm()(conv([3, 1])(y)))
  y = layers.relu()(norm()(conv([1, 3])(y)))
  y = conv([3, 1])(y)
  const weighed = layers.multiply([y, excitation(y, 4, cure)])
  const shortcut = strides === 1 && x.shape[1] === filters ? x : layers.conv2d(filters, 1, { strides, dataFormat, kernelRegularizer })(x)
  return layers.relu()(norm()(layers.add([weighed, shortcut])))
}

function makeModel({ cure = 'keepdims', kernelInitializer = 'heNormal' }: { cure?: Cure; kernelInitializer?: string } = {}): Model {
  const tiles = Input({ shape: [3, 32, 32] })
  let x = layers.conv2d(16, 3, { padding: 'same', dataFormat, activation: 'relu', kernelRegularizer })(tiles)
  for (const [filters, strides] of [
    [16, 1],
    [32, 2],
    [64, 2],
  ] as const)
    x = block(x, filters, strides, cure, kernelInitializer)
  const answer = layers.dense(3, { activation: 'softmax' })(layers.globalAveragePooling2d({ dataFormat })(x))
  const model: Model = new Model({ inputs: tiles, outputs: answer })
  model.compile({
    optimizer: new optimizers.SGD({ learningRate: 0.02, momentum: 0.9 }),
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
  })
  return model
}

// 1. Who forgets that Dense works on the last axis is told so.
let message = ''
try {
  makeModel({ cure: 'none' })
} catch (error) {
  if (!(error instanceof ShapeError)) throw error
  message = error.message
  console.log(`Without a cure:\n\n  ${message.replaceAll('\n', '\n  ')}\n`)
}

// 2. Real tiles, 32x32, in three classes: stained gland, other tissue, empty. The image's right part is for the test.
const folder = dataFolder('ihc.png, an image of scikit-image')
const picture = await utils.loadImg(folder === undefined ? fileURLToPath(sampleFile('ihc-part.png')) : join(folder, 'ihc.png'))
const border = Math.floor(picture.width * 0.7)
const [[xTrain, yTrain], [xTest, yTest]] = [cutTiles(picture, 0, border - 32), cutTiles(picture, border, picture.width)]
console.log(
  `${xTrain.shape[0]} tiles to learn from (gland / tissue / empty: ${countClasses(yTrain).join(' / ')}), ${xTest.shape[0]} for the test (${countClasses(yTest).join(' / ')})`,
)

// 3. Both cures compute the same.
const [model, permuted] = [makeModel(), makeModel({ cure: 'permute' })]
permuted.setWeights(model.getWeights())
const few = ops.slice(xTest, [0, 0, 0, 0], [8, 3, 32, 32])
const difference = await ops.max(ops.abs(ops.subtract(model(few) as Tensor, permuted(few) as Tensor))).item()
console.log(`Greatest difference between the two cures: ${difference}`)

// 4. Kernels of zeros: which of the twelve have moved after some steps?
async function movedKernels(kernelInitializer: string): Promise<number> {
  const model = makeModel({ kernelInitializer })
  const kernels = model.layers.filter(
    (layer) => layer instanceof layers.Conv2D && Math.max(...layer.kernelSize) === 3 && Math.min(...layer.kernelSize) === 1,
  )
  const before = kernels.map((layer) => layer.weights[0]?.value as Tensor)
  await model.fit(xTrain, yTrain, { batchSize: 32, stepsPerEpoch: 3, verbose: 0 })
  const moved = await Promise.all(
    kernels.map((layer, i) => ops.max(ops.abs(ops.subtract(layer.weights[0]?.value as Tensor, before[i] as Tensor))).item()),
  )
  return moved.filter((distance) => distance > 0).length
}
const [movedFromZero, moved] = [await movedKernels('zeros'), await movedKernels('heNormal')]
console.log(`Of 12 kernels of the blocks, ${movedFromZero} move when they start at zero, ${moved} when they start at random.`)

// 5. So they start at random.
const { history } = await model.fit(xTrain, yTrain, { epochs: isShort ? 3 : 10, batchSize: 32, verbose: 2 })
const { accuracy } = await model.evaluate(xTest, yTest, { returnDict: true, verbose: 0 })
const most = Math.max(...countClasses(yTest)) / yTest.size
console.log(`\nTest tiles: ${(100 * (accuracy as number)).toFixed(1)} % right (always the most frequent: ${(100 * most).toFixed(1)} %)`)

report({
  parameters: model.countParams(),
  explained: Number(/last axis/.test(message)),
  difference,
  movedFromZero,
  moved,
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
  mostFrequent: most,
})
