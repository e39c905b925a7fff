/**
 * DenseNet and DenseNet-BC (Huang et al. 2016) as a class: three dense blocks, in which every layer sees the outputs of all
 * before it. Gives logits.
 */
import { initializers, layers, Model, type Tensor } from 'ondol'

export interface DenseNetOptions extends layers.LayerOptions {
  readonly classes: number
  /** Layers with weights. Default 100. */
  readonly depth?: number
  /** Channels that each layer adds. Default 12. */
  readonly growth?: number
  /** Share of the channels that a transition keeps. Default 0.5. */
  readonly compression?: number
  /** A 1x1 convolution to 4 · growth channels before each 3x3. Default true. */
  readonly bottleneck?: boolean
  /** Dropout after each convolution but the first. Default 0. */
  readonly dropRate?: number
}

function conv(filters: number, size: number): layers.Conv2D {
  const kernelInitializer = initializers.varianceScaling({ scale: 2, mode: 'fan_out', distribution: 'untruncated_normal' })
  return layers.conv2d(filters, size, { padding: 'same', useBias: false, kernelInitializer })
}

const norm = () => layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5 })
const through = (chain: readonly layers.Layer[], x: Tensor): Tensor => chain.reduce<Tensor>((y, layer) => layer(y), x)

/** BN → ReLU → convolution without bias (→ dropout). */
class Composite extends layers.Layer {
  readonly parts: layers.Layer[]

  constructor(filters: number, size: number, dropRate: number) {
    super()
    this.parts = [norm(), layers.relu(), conv(filters, size), ...(dropRate > 0 ? [layers.dropout(dropRate)] : [])]
  }

  override call(x: Tensor): Tensor {
    return through(this.parts, x)
  }
}

export class DenseNet extends Model {
  static override readonly className = 'DenseNet'
  /** Options that are written to files. */
  static override readonly configTable = Object.fromEntries(
    ['classes', 'depth', 'growth', 'compression', 'bottleneck', 'dropRate'].map((name) => [name, 'value'] as const),
  )
  readonly stem: layers.Layer
  /** Block by block, layer by layer: what the layer consists of. */
  readonly blocks: layers.Layer[][][]
  readonly transitions: layers.Layer[][]
  readonly head: layers.Layer[]

  constructor(given: DenseNetOptions) {
    const { classes, depth = 100, growth = 12, compression = 0.5, bottleneck = true, dropRate = 0, ...options } = given
    super({ name: 'densenet', ...options })
    Object.assign(this, { classes, depth, growth, compression, bottleneck, dropRate })
    const count = Math.floor((depth - 4) / (bottleneck ? 6 : 3))
    let channels = bottleneck ? 2 * growth : 16
    this.stem = conv(channels, 3)
    const narrow = () => (bottleneck ? [new Composite(4 * growth, 1, dropRate)] : [])
    this.blocks = [1, 2, 3].map(() => Array.from({ length: count }, () => [...narrow(), new Composite(growth, 3, dropRate)]))
    this.transitions = [1, 2].map(() => {
      channels = Math.floor((channels + count * growth) * compression)
      return [new Composite(channels, 1, dropRate), layers.averagePooling2d(2)]
    })
    this.head = [norm(), layers.relu(), layers.globalAveragePooling2d(), layers.dense(classes, { dtype: 'float32' })]
  }

  override call(images: Tensor): Tensor {
    let x: Tensor = this.stem(images)
    this.blocks.forEach((block, i) => {
      for (const layer of block) x = layers.concatenate([x, through(layer, x)])
      x = through(this.transitions[i] ?? [], x)
    })
    return through(this.head, x)
  }
}
