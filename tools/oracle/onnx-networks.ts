/**
 * The networks of tutorials and papers, in the size that they have there, with their numbers of parameters: to be exported. Sequential,
 * graphs, own layers, and classes with their own `call`.
 */
import { Input, type KerasTensor, layers, Model, ops, Sequential, type Tensor } from 'ondol'

export interface Network {
  /** All parameters, or those that are trained where papers count these. */
  readonly parameters: number
  readonly isTrainable?: true
  readonly make: () => Model
  /** What a class with its own `call` is called on, without the batch. */
  readonly shape?: readonly number[]
}

const graph = (inputs: KerasTensor | KerasTensor[], outputs: unknown): Model => new Model({ inputs, outputs: outputs as KerasTensor })
const run = (stack: readonly layers.Layer[], x: Tensor): Tensor => stack.reduce<Tensor>((y, layer) => layer(y) as Tensor, x)
const words = (name: string, length: number | null = null): KerasTensor => Input({ shape: [length], dtype: 'int32', name })

const text = (): Model =>
  new Sequential([
    Input({ shape: [10_000] }),
    layers.dense(16, { activation: 'relu' }),
    layers.dense(16, { activation: 'relu' }),
    layers.dense(1, { activation: 'sigmoid' }),
  ]) as unknown as Model

const embedded = (): Model =>
  new Sequential([
    words('review', 20),
    layers.embedding(10_000, 8),
    layers.flatten(),
    layers.dense(1, { activation: 'sigmoid' }),
  ]) as unknown as Model

function separable(): Model {
  const conv = (filters: number): layers.Layer => layers.separableConv2d(filters, 3, { activation: 'relu' })
  return new Sequential([
    Input({ shape: [64, 64, 3] }),
    conv(32),
    conv(64),
    layers.maxPooling2d(2),
    conv(64),
    conv(128),
    layers.maxPooling2d(2),
    conv(64),
    conv(128),
    layers.globalAveragePooling2d(),
    layers.dense(32, { activation: 'relu' }),
    layers.dense(10, { activation: 'softmax' }),
  ]) as unknown as Model
}

function functional(): Model {
  const x = Input({ shape: [64] })
  const hidden = layers.dense(32, { activation: 'relu' })(layers.dense(32, { activation: 'relu' })(x))
  return graph(x, layers.dense(10, { activation: 'softmax' })(hidden))
}

function question(): Model {
  const inputs = [words('text'), words('question')]
  const encoded = inputs.map((input) => layers.lstm(32)(layers.embedding(10_000, 64)(input)))
  return graph(inputs, layers.dense(500, { activation: 'softmax' })(layers.concatenate(encoded)))
}

function author(): Model {
  const posts = words('posts')
  const conv = (filters: number): layers.Layer => layers.conv1d(filters, 5, { activation: 'relu' })
  const tower = [conv(128), layers.maxPooling1d(5), conv(256), conv(256), layers.maxPooling1d(5), conv(256), conv(256)]
  const last = [layers.globalMaxPooling1d(), layers.dense(128, { activation: 'relu' })]
  const x = run([layers.embedding(50_000, 256), ...tower, ...last], posts as never) as never
  const heads = [
    layers.dense(1, { name: 'age' }),
    layers.dense(10, { activation: 'softmax', name: 'income' }),
    layers.dense(1, { activation: 'sigmoid', name: 'gender' }),
  ]
  return graph(
    posts,
    heads.map((head) => head(x)),
  )
}

function inception(): Model {
  // A quarter of the tutorial's picture: its output has 6 million numbers.
  const x = Input({ shape: [56, 56, 3] })
  const conv = (size: number, strides = 1): layers.Layer => layers.conv2d(128, size, { strides, padding: 'same', activation: 'relu' })
  const branches = [
    [conv(1, 2)],
    [conv(1), conv(3, 2)],
    [layers.averagePooling2d(3, { strides: 2, padding: 'same' }), conv(3)],
    [conv(1), conv(3), conv(3, 2)],
  ]
  return graph(x, layers.concatenate(branches.map((branch) => run(branch, x as never)) as never))
}

function siamese(): Model {
  const inputs = [Input({ shape: [null, 128] }), Input({ shape: [null, 128] })]
  const shared = layers.lstm(32)
  return graph(inputs, layers.dense(1, { activation: 'sigmoid' })(layers.concatenate(inputs.map((input) => shared(input)))))
}

const pictures = (filters: number, size: number, strides = 1): layers.Layer =>
  layers.conv2d(filters, size, { strides, padding: 'same', activation: 'relu' })

/** Layers one after the other, as a class. */
class Stack extends Model {
  constructor(readonly body: readonly layers.Layer[]) {
    super()
  }

  override call(x: Tensor): Tensor {
    return run(this.body, x)
  }
}

const alexnet = (): Model =>
  new Stack([
    pictures(96, 3, 4),
    layers.batchNormalization(),
    layers.maxPooling2d(2, { strides: 1 }),
    pictures(256, 5),
    layers.batchNormalization(),
    layers.maxPooling2d(2, { strides: 1 }),
    pictures(384, 3),
    pictures(384, 3),
    pictures(256, 3),
    layers.maxPooling2d(3, { strides: 2 }),
    layers.flatten(),
    layers.dense(4096, { activation: 'relu' }),
    layers.dropout(0.5),
    layers.dense(4096, { activation: 'relu' }),
    layers.dropout(0.5),
    layers.dense(10, { activation: 'softmax' }),
  ])

const normalized = (filters: number, size: number, options: layers.ConvOptions = {}): layers.Layer[] => [
  layers.conv2d(filters, size, options),
  layers.batchNormalization({ momentum: 0.99, epsilon: 0.001 }),
  layers.leakyRelu(),
]

/** A block of ResNet-50, with a convolution in the shortcut where strides are given. */
class Bottleneck extends layers.Layer {
  readonly path: layers.Layer[]
  readonly skip: layers.Layer[]

  constructor(inner: number, strides?: number) {
    super()
    this.path = [
      ...normalized(inner, 1, { strides: strides ?? 1 }),
      ...normalized(inner, 3, { padding: 'same' }),
      ...normalized(4 * inner, 1),
    ]
    this.skip = strides === undefined ? [] : normalized(4 * inner, 1, { strides })
  }

  override call(x: Tensor): Tensor {
    return ops.add(run(this.path, x), run(this.skip, x))
  }
}

const STAGES = [
  [64, 3, 1],
  [128, 4, 2],
  [256, 6, 2],
  [512, 3, 1],
] as const

const resnetBody = (): layers.Layer[] => [
  layers.zeroPadding2d(3),
  ...normalized(64, 7, { strides: 2 }),
  layers.zeroPadding2d(1),
  layers.maxPooling2d(3, { strides: 2 }),
  ...STAGES.flatMap(([inner, count, strides]) =>
    Array.from({ length: count }, (_, i) => new Bottleneck(inner, i === 0 ? strides : undefined)),
  ),
  layers.globalAveragePooling2d(),
  layers.dense(1000, { activation: 'softmax' }),
]

class Inception extends layers.Layer {
  readonly branches: layers.Layer[][]

  constructor([one, before3, three, before5, five, afterPool]: readonly number[]) {
    super()
    const pool = layers.maxPooling2d(3, { strides: 1, padding: 'same' })
    this.branches = [
      [pictures(one as number, 1)],
      [pictures(before3 as number, 1), pictures(three as number, 3)],
      [pictures(before5 as number, 1), pictures(five as number, 5)],
      [pool, pictures(afterPool as number, 1)],
    ]
  }

  override call(x: Tensor): Tensor {
    return layers.concatenate(this.branches.map((branch) => run(branch, x)))
  }
}

const MODULES = [
  '64 96 128 16 32 32, 128 128 192 32 96 64',
  '192 96 208 16 48 64, 160 112 224 24 64 64, 128 128 256 24 64 64, 112 144 288 32 64 64, 256 160 320 32 128 128',
  '256 160 320 32 128 128, 384 192 384 48 128 128',
].map((group) => group.split(', ').map((channels) => channels.split(' ').map(Number)))

function googlenet(): Model {
  const pool = (): layers.Layer => layers.maxPooling2d(3, { strides: 2, padding: 'same' })
  const groups = MODULES.map((group) => group.map((channels) => new Inception(channels)))
  return new Stack([
    ...[pictures(64, 7, 2), pool(), pictures(64, 1), pictures(192, 3), pool()],
    ...groups.flatMap((group, i) => (i === 0 ? group : [pool(), ...group])),
    ...[layers.globalAveragePooling2d(), layers.dropout(0.4), layers.dense(1000, { activation: 'softmax' })],
  ])
}

/** Spectrograms to vectors: residual blocks of dilated convolutions along time, `blocks` in each stage. */
function encoder(blocks: number, hasLast: boolean): Model {
  const inputs = Input({ shape: [61, 20, 1] })
  let x = layers.conv2d(16, [3, 1])(inputs)
  for (const [count, dilation] of [
    [24, 1],
    [32, 2],
    [48, 4],
  ] as const) {
    for (let block = 0; block < blocks; block++) {
      const along = { padding: 'same', dilationRate: [dilation, 1] } as const
      let y = layers.relu()(layers.batchNormalization()(layers.conv2d(count, [9, 1], along)(x)))
      y = layers.batchNormalization()(layers.conv2d(count, [9, 1], along)(y))
      x = layers.relu()(layers.add([y, block > 0 ? x : layers.relu()(layers.batchNormalization()(layers.conv2d(count, 1)(x)))]))
    }
  }
  if (hasLast) x = layers.relu()(layers.batchNormalization()(layers.conv2d(48, [3, 1])(x)))
  return graph(inputs, layers.flatten()(layers.averagePooling2d([2, 1])(x)))
}

/** BHCNet's blocks: (1, 3) and (3, 1) convolutions, weighed by channel; everything with channels first. */
function histology(): Model {
  const first = { dataFormat: 'channels_first' } as const
  const norm = (): layers.Layer => layers.batchNormalization({ axis: 1 })
  const inputs = Input({ shape: [3, 64, 64] })
  let x = layers.conv2d(16, 3, { ...first, padding: 'same', activation: 'relu' })(inputs)
  for (const [filters, strides] of [
    [16, 1],
    [32, 2],
    [64, 2],
  ] as const) {
    let y = x
    for (const size of [
      [1, 3],
      [3, 1],
      [1, 3],
      [3, 1],
    ] as const)
      y = layers.relu()(
        norm()(layers.conv2d(filters, [...size], { ...first, padding: 'same', strides: y === x ? strides : 1 })(y)) as KerasTensor,
      )
    const pooled = layers.permute([3, 2, 1])(layers.reshape([filters, 1, 1])(layers.globalAveragePooling2d(first)(y)))
    const weight = layers.dense(filters, { activation: 'sigmoid' })(layers.dense(filters / 4, { activation: 'relu' })(pooled))
    const skip = strides === 1 ? x : layers.conv2d(filters, 1, { ...first, strides })(x)
    x = layers.relu()(layers.add([layers.multiply([y, layers.permute([3, 2, 1])(weight)]), skip]))
  }
  return graph(inputs, layers.dense(3, { activation: 'softmax' })(layers.globalAveragePooling2d(first)(x)))
}

/** DenseNet-BC, depth 100, growth 12, on 32x32x3. */
function densenet(): Model {
  const plain = { padding: 'same', useBias: false } as const
  const inputs = Input({ shape: [32, 32, 3] })
  const composite = (x: KerasTensor, filters: number, size: number): KerasTensor =>
    layers.conv2d(filters, size, plain)(layers.relu()(layers.batchNormalization()(x)))
  let x = layers.conv2d(24, 3, plain)(inputs)
  for (let block = 0; block < 3; block++) {
    for (let i = 0; i < 16; i++) x = layers.concatenate([x, composite(composite(x, 48, 1), 12, 3)])
    if (block < 2) x = layers.averagePooling2d(2)(composite(x, Math.floor((x.shape.at(-1) as number) / 2), 1))
  }
  const last = layers.averagePooling2d(8)(layers.relu()(layers.batchNormalization()(x)))
  return graph(inputs, layers.dense(10)(layers.flatten()(last)))
}

/** By name. */
export const NETWORKS: Readonly<Record<string, Network>> = {
  text: { parameters: 160_305, make: text },
  embedded: { parameters: 80_161, make: embedded },
  separableWhole: { parameters: 38_949, make: separable },
  functionalWhole: { parameters: 3466, make: functional },
  questionWhole: { parameters: 1_337_332, make: question },
  authorWhole: { parameters: 14_146_316, make: author },
  inceptionWhole: { parameters: 447_872, make: inception },
  siameseWhole: { parameters: 20_673, make: siamese },
  alexnetClass: { parameters: 24_737_034, make: alexnet, shape: [32, 32, 3] },
  resnet50Layers: { parameters: 25_636_712, make: () => graphOf([224, 224, 3], resnetBody()) },
  resnet50Class: { parameters: 25_636_712, make: () => new Stack(resnetBody()), shape: [64, 64, 3] },
  googlenetClass: { parameters: 6_998_552, make: googlenet, shape: [64, 64, 3] },
  encoder15: { parameters: 142_104, make: () => encoder(2, true) },
  encoder26: { parameters: 277_576, make: () => encoder(4, false) },
  histologyWhole: { parameters: 65_199, make: histology },
  densenetWhole: { parameters: 769_162, isTrainable: true, make: densenet },
}

/** Own layers in a graph. */
function graphOf(shape: number[], body: readonly layers.Layer[]): Model {
  const x = Input({ shape })
  return graph(x, run(body, x as never))
}
