/**
 * Layers that only the networks of `keras.applications` are made of. Keras does not offer them by name, but its files
 * name them. Follow `keras/src/applications/{convnext,inception_resnet_v2}.py`.
 */

import type { PartialShape } from '../core/shape.js'
import type { Tensor, Variable } from '../engine/index.js'
import { Constant } from '../initializers/index.js'
import * as ops from '../ops/index.js'
import * as random from '../ops/random.js'
import type { ConfigTable } from './config-table.js'
import { type CallOptions, Layer, type LayerOptions } from './layer.js'

/** [a, b] → a + scale · b, of Inception-ResNet. */
export class CustomScaleLayer extends Layer {
  static override readonly className: string = 'CustomScaleLayer'
  static override readonly isStateless: boolean = true
  static override readonly positional: readonly string[] = ['scale']
  static override readonly configTable: ConfigTable = { scale: 'value' }
  readonly scale: number

  constructor(scale: number, options: LayerOptions = {}) {
    super(options)
    this.scale = scale
  }

  override get module(): string {
    return 'keras.src.applications.inception_resnet_v2'
  }

  override call([a, b]: readonly [Tensor, Tensor]): Tensor {
    return ops.add(a, ops.multiply(b, this.scale))
  }
}

/** Each channel times a weight of its own, which begins at `initValues` (Touvron et al. 2021, https://arxiv.org/abs/2103.17239). */
export class LayerScale extends Layer {
  static override readonly className: string = 'LayerScale'
  static override readonly positional: readonly string[] = ['initValues', 'projectionDim']
  static override readonly configTable: ConfigTable = { initValues: 'value', projectionDim: 'value' }
  readonly initValues: number
  readonly projectionDim: number
  gamma!: Variable

  constructor(initValues: number, projectionDim: number, options: LayerOptions = {}) {
    super(options)
    this.initValues = initValues
    this.projectionDim = projectionDim
  }

  override get module(): string {
    return 'keras.src.applications.convnext'
  }

  override build(_shape: PartialShape): void {
    this.gamma = this.addWeight({ shape: [this.projectionDim], initializer: new Constant(this.initValues) })
  }

  override call(x: Tensor): Tensor {
    return ops.multiply(x, this.gamma)
  }
}

/** Training drops whole samples, and makes the others larger (Huang et al. 2016, https://arxiv.org/abs/1603.09382). */
export class StochasticDepth extends Layer {
  static override readonly className: string = 'StochasticDepth'
  static override readonly isStateless: boolean = true
  static override readonly positional: readonly string[] = ['dropPathRate']
  static override readonly configTable: ConfigTable = { dropPathRate: 'value' }
  readonly dropPathRate: number

  constructor(dropPathRate: number, options: LayerOptions = {}) {
    super(options)
    this.dropPathRate = dropPathRate
  }

  override get module(): string {
    return 'keras.src.applications.convnext'
  }

  override call(x: Tensor, { training }: CallOptions = {}): Tensor {
    if (training !== true) return x
    const kept = 1 - this.dropPathRate
    const chances = random.uniform([x.shape[0] as number, ...x.shape.slice(1).map(() => 1)], { dtype: x.dtype })
    return ops.multiply(ops.divide(x, kept), ops.floor(ops.add(chances, kept)))
  }
}
