/** Models to be exported: the networks of the tutorials, small, and one for each layer. */
import { Input, type KerasTensor, layers, Model, ops, Sequential } from 'ondol'

type Make = () => Model
type Wrap = (x: KerasTensor) => KerasTensor

/** A model of one layer, or of a few. */
const one =
  (shape: (number | null)[], apply: (x: KerasTensor) => unknown, dtype: 'float32' | 'int32' = 'float32'): Make =>
  () => {
    const x = Input({ shape, dtype })
    return new Model({ inputs: x, outputs: apply(x) as KerasTensor })
  }

/** Two inputs of one shape. */
const two =
  (shape: number[], apply: (inputs: KerasTensor[]) => unknown, other = shape): Make =>
  () => {
    const inputs = [Input({ shape }), Input({ shape: other })]
    return new Model({ inputs, outputs: apply(inputs) as KerasTensor })
  }

const question: Make = () => {
  const text = Input({ shape: [null], dtype: 'int32', name: 'text' })
  const question = Input({ shape: [null], dtype: 'int32', name: 'question' })
  const encoded = [text, question].map((words) => layers.lstm(8)(layers.embedding(10, 6)(words)))
  return new Model({ inputs: [text, question], outputs: layers.dense(5, { activation: 'softmax' })(layers.concatenate(encoded)) })
}

const author: Make = () => {
  const posts = Input({ shape: [null], dtype: 'int32', name: 'posts' })
  const conv = (filters: number): ReturnType<typeof layers.conv1d> => layers.conv1d(filters, 3, { activation: 'relu' })
  let x: KerasTensor = layers.maxPooling1d(2)(conv(8)(layers.embedding(10, 6)(posts)))
  x = layers.maxPooling1d(2)(conv(8)(conv(8)(x)))
  x = layers.dense(8, { activation: 'relu' })(layers.globalMaxPooling1d()(x))
  const age = layers.dense(1, { name: 'age' })(x)
  const income = layers.dense(4, { activation: 'softmax', name: 'income' })(x)
  const gender = layers.dense(1, { activation: 'sigmoid', name: 'gender' })(x)
  return new Model({ inputs: posts, outputs: [age, income, gender] })
}

const inception = one([16, 16, 3], (x) => {
  const conv = (filters: number, size: number, options: object = {}): Wrap =>
    layers.conv2d(filters, size, { activation: 'relu', padding: 'same', ...options }) as Wrap
  const a = conv(4, 1, { strides: 2 })(x)
  const b = conv(4, 3, { strides: 2 })(conv(4, 1)(x))
  const c = conv(4, 3)(layers.averagePooling2d(3, { strides: 2, padding: 'same' })(x))
  const d = conv(4, 3, { strides: 2 })(conv(4, 3)(conv(4, 1)(x)))
  return layers.concatenate([a, b, c, d], { axis: -1 })
})

const siamese: Make = () => {
  const [left, right] = [Input({ shape: [null, 6] }), Input({ shape: [null, 6] })]
  const shared = layers.lstm(4)
  const merged = layers.concatenate([shared(left), shared(right)])
  return new Model({ inputs: [left, right], outputs: layers.dense(1, { activation: 'sigmoid' })(merged) })
}

const resnet = one([24, 24, 3], (input) => {
  const norm: Wrap = (x) => layers.leakyRelu()(layers.batchNormalization()(x))
  const block = (x: KerasTensor, filters: number, strides: number): KerasTensor => {
    let y = norm(layers.conv2d(filters, 1, { strides })(x))
    y = norm(layers.conv2d(filters, 3, { padding: 'same' })(y))
    y = norm(layers.conv2d(4 * filters, 1)(y))
    const skip = strides === 1 && x.shape.at(-1) === 4 * filters ? x : norm(layers.conv2d(4 * filters, 1, { strides })(x))
    return layers.add([y, skip])
  }
  let x = norm(layers.conv2d(8, 7, { strides: 2 })(layers.zeroPadding2d(3)(input)))
  x = layers.maxPooling2d(3, { strides: 2 })(layers.zeroPadding2d(1)(x))
  x = block(block(x, 2, 1), 4, 2)
  return layers.dense(10, { activation: 'softmax' })(layers.globalAveragePooling2d()(block(x, 4, 1)))
})

const alexnet: Make = () =>
  new Sequential([
    Input({ shape: [32, 32, 3] }),
    layers.conv2d(6, 3, { strides: 4, padding: 'same', activation: 'relu' }),
    layers.batchNormalization(),
    layers.maxPooling2d(2, { strides: 1 }),
    layers.conv2d(8, 5, { padding: 'same', activation: 'relu' }),
    layers.maxPooling2d(3, { strides: 2 }),
    layers.flatten(),
    layers.dense(16, { activation: 'relu' }),
    layers.dropout(0.5),
    layers.dense(10, { activation: 'softmax' }),
  ]) as unknown as Model

const squeeze = one([8, 12, 12], (input) => {
  const first = { dataFormat: 'channels_first', padding: 'same', useBias: false } as const
  let x = input
  for (const size of [
    [1, 3],
    [3, 1],
  ] as const) {
    x = layers.conv2d(8, [...size], first)(x)
    x = layers.activation('relu')(layers.batchNormalization({ axis: 1 })(x))
  }
  let weights = layers.reshape([8, 1, 1])(layers.globalAveragePooling2d({ dataFormat: 'channels_first' })(x))
  weights = layers.permute([3, 2, 1])(weights)
  weights = layers.dense(8, { activation: 'sigmoid' })(layers.dense(2, { activation: 'relu' })(weights))
  return layers.add([layers.multiply([x, layers.permute([3, 2, 1])(weights)]), input])
})

const densenet = one([16, 16, 3], (input) => {
  const composite = (x: KerasTensor, filters: number, size: number): KerasTensor =>
    layers.conv2d(filters, size, { padding: 'same', useBias: false })(layers.activation('relu')(layers.batchNormalization()(x)))
  let x: KerasTensor = layers.conv2d(8, 3, { padding: 'same', useBias: false })(input)
  for (let block = 0; block < 2; block++) {
    for (let i = 0; i < 2; i++) x = layers.concatenate([x, composite(composite(x, 16, 1), 4, 3)], { axis: -1 })
    x = layers.averagePooling2d(2)(composite(x, 8, 1))
  }
  return layers.dense(10)(layers.flatten()(layers.averagePooling2d(4)(layers.activation('relu')(layers.batchNormalization()(x)))))
})

const encoder = one([20, 6, 1], (input) => {
  let x: KerasTensor = layers.conv2d(4, [3, 1])(input)
  for (const dilation of [1, 2]) {
    let y: KerasTensor = layers.conv2d(6, [9, 1], { padding: 'same', dilationRate: [dilation, 1], activation: 'relu' })(x)
    y = layers.batchNormalization()(layers.conv2d(6, [9, 1], { padding: 'same', dilationRate: [dilation, 1] })(y))
    x = layers.averagePooling2d([2, 1])(layers.activation('relu')(layers.add([y, layers.conv2d(6, 1)(x)])))
  }
  return layers.flatten()(x)
})

const image = [8, 8, 4]
const steps = [null, 6]

/** By name: what is exported, checked and run. */
export const MODELS: Readonly<Record<string, Make>> = {
  multiHot: one([32], (x) => layers.dense(1, { activation: 'sigmoid' })(layers.dense(16, { activation: 'relu' })(x))),
  imdb: one([20], (x) => layers.dense(1, { activation: 'sigmoid' })(layers.flatten()(layers.embedding(10, 8)(x))), 'int32'),
  separable: one([20, 20, 3], (input) => {
    const conv = (filters: number): Wrap => layers.separableConv2d(filters, 3, { activation: 'relu' }) as Wrap
    const x = conv(8)(layers.maxPooling2d(2)(conv(8)(conv(4)(input))))
    return layers.dense(10, { activation: 'softmax' })(layers.globalAveragePooling2d()(x))
  }),
  functional: one([64], (x) => layers.dense(10, { activation: 'softmax' })(layers.dense(32, { activation: 'relu' })(x))),
  question,
  author,
  inception,
  siamese,
  alexnet,
  resnet,
  encoder,
  squeeze,
  densenet,
  imageOfAnySize: one([null, null, 3], (x) => layers.globalMaxPooling2d()(layers.conv2d(4, 3, { strides: 2, padding: 'same' })(x))),

  ...Object.fromEntries(
    [
      ...['relu', 'relu6', 'leaky_relu', 'elu', 'celu', 'selu', 'softplus', 'softsign', 'sigmoid', 'log_sigmoid', 'hard_sigmoid'],
      ...['tanh', 'hard_tanh', 'tanh_shrink', 'hard_shrink', 'soft_shrink', 'silu', 'hard_silu', 'gelu', 'mish', 'exponential'],
      ...['softmax', 'log_softmax', 'glu', 'sparse_plus', 'sparse_sigmoid', 'squareplus', 'threshold', 'sparsemax'],
    ].map((name) => [`activation_${name}`, one([6], (x) => new layers.Activation(name as 'relu')(x))]),
  ),
  ReLU: one([6], (x) => new layers.ReLU({ maxValue: 1, negativeSlope: 0.1, threshold: 0.2 })(x)),
  LeakyReLU: one([6], (x) => new layers.LeakyReLU({ negativeSlope: 0.25 })(x)),
  ELU: one([6], (x) => new layers.ELU({ alpha: 0.5 })(x)),
  PReLU: one(image, (x) => new layers.PReLU({ sharedAxes: [1, 2] })(x)),
  Softmax: one([5, 6], (x) => new layers.Softmax({ axis: 1 })(x)),

  Dense: one([null, 6], (x) => layers.dense(3)(x)),
  EinsumDense: one([5, 6], (x) => layers.einsumDense('abc,cde->abde', [null, 2, 3], { biasAxes: 'de' })(x)),
  Embedding: one([null], (x) => layers.embedding(10, 4)(x), 'int32'),
  Flatten: one([2, 3, 4], (x) => layers.flatten()(x)),
  FlattenUnknown: one([null, 3], (x) => layers.dense(2)(layers.reshape([-1, 3])(layers.dense(3)(x)))),
  Reshape: one([2, 6], (x) => layers.reshape([3, 4])(x)),
  Permute: one([2, 3, 4], (x) => layers.permute([3, 1, 2])(x)),
  RepeatVector: one([6], (x) => layers.repeatVector(3)(x)),
  Dropout: one([6], (x) => layers.dropout(0.5)(x)),
  Lambda: one([6], (x) => layers.lambda((y: never) => ops.sin(ops.add(y, 1)))(x)),
  Identity: one([6], (x) => layers.identity()(x)),
  Rescaling: one([6], (x) => layers.rescaling(0.5, { offset: 1 })(x)),

  Conv1D: one(steps, (x) => layers.conv1d(3, 3, { padding: 'causal', dilationRate: 2 })(x)),
  Conv2D: one(image, (x) => layers.conv2d(6, 3, { strides: [2, 1], groups: 2 })(x)),
  Conv3D: one([5, 6, 7, 2], (x) => layers.conv3d(3, 2, { padding: 'same' })(x)),
  Conv1DTranspose: one([6, 3], (x) => layers.conv1dTranspose(4, 3, { strides: 2, padding: 'same' })(x)),
  Conv2DTranspose: one(image, (x) => layers.conv2dTranspose(3, 3, { strides: 2 })(x)),
  Conv3DTranspose: one([3, 4, 5, 2], (x) => layers.conv3dTranspose(3, 2, { strides: 2, padding: 'same' })(x)),
  DepthwiseConv1D: one(steps, (x) => layers.depthwiseConv1d(3, { depthMultiplier: 2 })(x)),
  DepthwiseConv2D: one(image, (x) => layers.depthwiseConv2d(3, { padding: 'same' })(x)),
  SeparableConv1D: one(steps, (x) => layers.separableConv1d(4, 3)(x)),
  ...Object.fromEntries(
    [1, 2, 3].flatMap((rank) => {
      const shape = [...[7, 8, 5].slice(0, rank), 4]
      const nd = `${rank}d` as '2d'
      return [
        [`MaxPooling${rank}D`, one(shape, (x) => layers[`maxPooling${nd}`](2, { padding: 'same' })(x))],
        [`AveragePooling${rank}D`, one(shape, (x) => layers[`averagePooling${nd}`](3, { strides: 1, padding: 'same' })(x))],
        [`GlobalMaxPooling${rank}D`, one(shape, (x) => layers[`globalMaxPooling${nd}`]()(x))],
        [`GlobalAveragePooling${rank}D`, one(shape, (x) => layers[`globalAveragePooling${nd}`]({ keepdims: true })(x))],
        [`AdaptiveAveragePooling${rank}D`, one(shape, (x) => layers[`adaptiveAveragePooling${nd}`](3)(x))],
        [`AdaptiveMaxPooling${rank}D`, one(shape, (x) => layers[`adaptiveMaxPooling${nd}`](3)(x))],
        [`UpSampling${rank}D`, one(shape, (x) => layers[`upSampling${nd}`](2)(x))],
        [`ZeroPadding${rank}D`, one(shape, (x) => layers[`zeroPadding${nd}`](1)(x))],
        [`Cropping${rank}D`, one(shape, (x) => layers[`cropping${nd}`](1)(x))],
      ] as const
    }),
  ),
  PaddedPools: one([6, 6, 2], (x) =>
    layers.concatenate(
      [
        layers.maxPooling2d(3, { strides: 2 }),
        layers.averagePooling2d(3, { strides: 2 }),
        layers.maxPooling2d(3, { strides: 2, padding: 'same' }),
        layers.averagePooling2d(2, { strides: 1, padding: 'same' }),
      ].map((pool, i) => layers.flatten()(pool(layers.zeroPadding2d(1)(layers.rescaling(1, { offset: -5 - i })(x))))),
    ),
  ),
  UpSamplingBilinear: one([3, 4, 2], (x) => layers.upSampling2d(2, { interpolation: 'bilinear' })(x)),

  BatchNormalization: one([6], (x) => layers.batchNormalization({ center: false })(x)),
  LayerNormalization: one([null, 6], (x) => layers.layerNormalization()(x)),
  LayerNormalizationAxes: one([4, 5, 6], (x) => layers.layerNormalization({ axis: [1, 2] })(x)),
  RMSNormalization: one([6], (x) => layers.rmsNormalization()(x)),
  UnitNormalization: one([6], (x) => layers.unitNormalization()(x)),
  GroupNormalization: one(image, (x) => layers.groupNormalization({ groups: 2 })(x)),
  SpectralNormalization: one([6], (x) => layers.spectralNormalization(layers.dense(3))(x)),

  Add: two([4, 3], (inputs) => layers.add(inputs)),
  Subtract: two([3], (inputs) => layers.subtract(inputs)),
  Multiply: two([4, 3], (inputs) => layers.multiply(inputs), [1, 3]),
  Average: two([3], (inputs) => layers.average(inputs)),
  Maximum: two([3], (inputs) => layers.maximum(inputs)),
  Minimum: two([3], (inputs) => layers.minimum(inputs)),
  Concatenate: two([4, 3], (inputs) => layers.concatenate(inputs, { axis: 1 }), [2, 3]),
  Dot: two([4, 3], (inputs) => layers.dot(inputs, 2), [5, 3]),

  LSTM: one(steps, (x) => layers.lstm(4, { returnSequences: true, returnState: true })(x)),
  LSTMBackwards: one(steps, (x) => layers.lstm(4, { returnSequences: true, goBackwards: true })(x)),
  // Few steps: without bounds, rounding grows with each.
  LSTMRelu: one([5, 6], (x) => layers.lstm(4, { activation: 'relu' })(x)),
  GRU: one(steps, (x) => layers.gru(4, { goBackwards: true })(x)),
  GRUResetBefore: one(steps, (x) => layers.gru(4, { resetAfter: false, useBias: false })(x)),
  SimpleRNN: one(steps, (x) => layers.simpleRnn(4, { returnSequences: true })(x)),
  Bidirectional: one(steps, (x) => layers.bidirectional(layers.lstm(4, { returnSequences: true }))(x)),
  TimeDistributed: one([5, 8, 8, 2], (x) => layers.timeDistributed(layers.conv2d(3, 3))(x)),
  StackedRNNCells: one(steps, (x) => layers.rnn(layers.stackedRnnCells([layers.gruCell(3), layers.lstmCell(4)]))(x)),
  ConvLSTM2D: one([4, 6, 6, 2], (x) => layers.convLstm2d(3, 3, { returnSequences: true })(x)),
  Masking: one(steps, (x) => layers.lstm(4)(layers.masking()(x))),
  MaskZero: one([null], (x) => layers.gru(4, { returnSequences: true })(layers.embedding(10, 4, { maskZero: true })(x)), 'int32'),
  Unrolled: one([3, 6], (x) => layers.lstm(4, { unroll: true })(x)),

  CategoryEncoding: one([4], (x) => layers.categoryEncoding(10, { outputMode: 'multi_hot' })(x), 'int32'),
  Discretization: one([4], (x) => layers.discretization({ binBoundaries: [-1, 0, 1] })(x)),

  meanOfUnknown: one([null, 6], (x) => ops.mean(x as never, { axis: 1 })),
  flipped: one([null, 6], (x) => ops.flip(x as never, { axis: 1 })),
  sorted: one([7], (x) => ops.sort(x as never)),
  topK: one([7], (x) => (ops.topK(x as never, 3) as unknown as unknown[])[0]),
  cumulative: one([7], (x) => ops.cumsum(x as never, { axis: 1 })),
  argmax: one([7], (x) => ops.argmax(x as never, { axis: 1 })),
  arctan2: two([7], ([x, y]) => ops.arctan2(x as never, y as never)),
  floors: two([7], ([x, y]) => ops.add(ops.floorDivide(x as never, y as never), ops.mod(x as never, y as never))),
  whereAny: one([7], (x) => ops.where(ops.any(ops.greater(x as never, 1), { axis: 1, keepdims: true }), x as never, 0)),
}
