// The benchmark models in ondol: name → [model, optimizer, what `compile` takes for loss and its weights].
import { Input, layers, losses, Model, optimizers, regularizers, Sequential } from '../../packages/ondol/dist/index.js'

const relu = { activation: 'relu' }
const sparse = () => ({ loss: new losses.SparseCategoricalCrossentropy({ fromLogits: true }) })

const tiny = () => [
  new Sequential([Input({ shape: [8] }), layers.dense(16, relu), layers.dense(4)]),
  new optimizers.SGD({ learningRate: 0.01 }),
  sparse(),
]

function mlp() {
  const hidden = () => [layers.dense(512, relu), layers.dropout(0.2)]
  return [new Sequential([Input({ shape: [784] }), ...hidden(), ...hidden(), layers.dense(10)]), new optimizers.Adam(), sparse()]
}

function convnet() {
  const stages = [32, 64].flatMap((filters) => [layers.conv2d(filters, 3, relu), layers.maxPooling2d(2)])
  const head = [layers.flatten(), layers.dropout(0.5), layers.dense(10)]
  return [new Sequential([Input({ shape: [28, 28, 1] }), ...stages, ...head]), new optimizers.Adam(), sparse()]
}

function lstmqa() {
  const inputs = [0, 1].map(() => Input({ shape: [100], dtype: 'int32' }))
  const encoded = inputs.map((x) => layers.lstm(32)(layers.embedding(10000, 64)(x)))
  const outputs = layers.dense(500, { activation: 'softmax' })(layers.concatenate(encoded))
  return [new Model({ inputs, outputs }), new optimizers.RMSprop(), { loss: 'categorical_crossentropy' }]
}

function densenet(growth = 12, depth = 16) {
  const norm = (x) => layers.relu()(layers.batchNormalization()(x))
  const conv = (x, filters, kernelSize) => layers.conv2d(filters, kernelSize, { padding: 'same', useBias: false })(x)
  const inputs = Input({ shape: [32, 32, 3] })
  let x = conv(inputs, 2 * growth, 3)
  for (let block = 0; block < 3; block++) {
    for (let i = 0; i < depth; i++) x = layers.concatenate([x, conv(norm(conv(norm(x), 4 * growth, 1)), growth, 3)])
    if (block < 2) x = layers.averagePooling2d(2)(conv(norm(x), Math.floor(x.shape[3] / 2), 1))
  }
  const outputs = layers.dense(10)(layers.flatten()(layers.averagePooling2d(8)(norm(x))))
  const optimizer = new optimizers.SGD({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-4 })
  return [new Model({ inputs, outputs }), optimizer, sparse()]
}

const TOWER = [
  [32, false],
  [64, true],
  [64, false],
  [128, true],
  [64, false],
  [128, false],
]

function sepconv() {
  const stages = TOWER.flatMap(([filters, pooled]) => [
    layers.separableConv2d(filters, 3, relu),
    ...(pooled ? [layers.maxPooling2d(2)] : []),
  ])
  const head = [layers.globalAveragePooling2d(), layers.dense(32, relu), layers.dense(10)]
  return [new Sequential([Input({ shape: [64, 64, 3] }), ...stages, ...head]), new optimizers.RMSprop(), sparse()]
}

function bhc(dataFormat = 'channels_last') {
  const last = dataFormat === 'channels_last'
  const l2 = { kernelRegularizer: new regularizers.L2(1e-4) }
  const conv = (x, filters, kernelSize, strides = 1) =>
    layers.conv2d(filters, kernelSize, { strides, padding: 'same', useBias: false, dataFormat, ...l2 })(x)
  const norm = (x) => layers.batchNormalization({ axis: last ? -1 : 1 })(x)
  const act = (x) => layers.relu()(norm(x))

  function block(x, filters, strides) {
    let y = act(conv(x, filters, [1, 3], strides))
    y = act(conv(y, filters, [3, 1]))
    y = act(conv(y, filters, [1, 3]))
    y = norm(conv(y, filters, [3, 1]))
    let s = layers.globalAveragePooling2d({ dataFormat })(y)
    s = layers.dense(filters / 4, { ...relu, ...l2 })(s)
    s = layers.dense(filters, { activation: 'sigmoid', ...l2 })(s)
    y = layers.multiply([y, layers.reshape(last ? [1, 1, filters] : [filters, 1, 1])(s)])
    return layers.relu()(layers.add([strides === 1 ? x : norm(conv(x, filters, 1, strides)), y]))
  }

  const inputs = Input({ shape: last ? [64, 64, 3] : [3, 64, 64] })
  let x = act(conv(inputs, 16, 3))
  for (const [filters, first] of [
    [16, 1],
    [32, 2],
    [64, 2],
  ]) {
    for (const strides of [first, 1, 1]) x = block(x, filters, strides)
  }
  const outputs = layers.dense(2)(layers.globalAveragePooling2d({ dataFormat })(x))
  return [new Model({ inputs, outputs }), new optimizers.SGD({ learningRate: 0.01, momentum: 0.9 }), sparse()]
}

const PROFILE = [
  [128, true],
  [256, false],
  [256, true],
  [256, false],
  [256, false],
]

function conv1d() {
  const inputs = Input({ shape: [500], dtype: 'int32' })
  let x = layers.embedding(50000, 256)(inputs)
  for (const [filters, pooled] of PROFILE) {
    x = layers.conv1d(filters, 5, relu)(x)
    if (pooled) x = layers.maxPooling1d(5)(x)
  }
  x = layers.dense(128, relu)(layers.globalMaxPooling1d()(x))
  const outputs = [layers.dense(1)(x), layers.dense(10, { activation: 'softmax' })(x), layers.dense(1, { activation: 'sigmoid' })(x)]
  const loss = { loss: ['mse', 'categorical_crossentropy', 'binary_crossentropy'], lossWeights: [0.25, 1, 10] }
  return [new Model({ inputs, outputs }), new optimizers.RMSprop(), loss]
}

function resnet50() {
  const conv = (x, filters, kernelSize, strides = 1) =>
    layers.batchNormalization()(
      layers.conv2d(filters, kernelSize, { strides, padding: kernelSize === 3 ? 'same' : 'valid', useBias: false })(x),
    )
  const act = (x) => layers.relu()(x)
  function block(x, filters, strides, first) {
    let y = act(conv(x, filters, 1, strides))
    y = act(conv(y, filters, 3))
    y = conv(y, 4 * filters, 1)
    return act(layers.add([first ? conv(x, 4 * filters, 1, strides) : x, y]))
  }
  const inputs = Input({ shape: [224, 224, 3] })
  let x = act(conv(layers.zeroPadding2d(3)(inputs), 64, 7, 2))
  x = layers.maxPooling2d(3, { strides: 2 })(layers.zeroPadding2d(1)(x))
  for (const [filters, blocks, strides] of [
    [64, 3, 1],
    [128, 4, 2],
    [256, 6, 2],
    [512, 3, 2],
  ]) {
    for (let i = 0; i < blocks; i++) x = block(x, filters, i === 0 ? strides : 1, i === 0)
  }
  const outputs = layers.dense(1000)(layers.globalAveragePooling2d()(x))
  return [new Model({ inputs, outputs }), new optimizers.SGD({ learningRate: 0.1, momentum: 0.9 }), sparse()]
}

export const BUILDERS = {
  tiny,
  mlp,
  convnet,
  lstmqa,
  densenet,
  sepconv,
  bhc,
  bhc_first: () => bhc('channels_first'),
  conv1d,
  resnet50,
}
