/** Layers that pass on what they get. Follow `keras/src/layers/core/identity.py` and `regularization/activity_regularization.py`. */
import type { Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import * as regularizers from '../regularizers/index.js'
import type { ConfigTable } from './config-table.js'
import { Layer, type LayerOptions } from './layer.js'

/** Its input, of any structure. */
export class Identity extends Layer {
  static override readonly className: string = 'Identity'
  static override readonly isStateless: boolean = true

  constructor(options: LayerOptions = {}) {
    super(options)
    this.supportsMasking = true
  }

  override call(inputs: Tree<Tensor>): Tree<Tensor> {
    return inputs
  }
}

export interface ActivityRegularizationOptions extends Omit<LayerOptions, 'activityRegularizer'> {
  /** Weight of the sum of absolute values. Default 0. */
  readonly l1?: number | undefined
  /** Weight of the sum of squares. Default 0. */
  readonly l2?: number | undefined
}

/** Its input, which is penalised: l1 · Σ|x| + l2 · Σx², divided by the batch size. */
export class ActivityRegularization extends Layer {
  static override readonly className: string = 'ActivityRegularization'
  static override readonly isStateless: boolean = true
  static override readonly configTable: ConfigTable = { l1: 'value', l2: 'value' }
  readonly l1: number
  readonly l2: number

  constructor({ l1 = 0, l2 = 0, ...options }: ActivityRegularizationOptions = {}) {
    super({ ...options, activityRegularizer: new regularizers.L1L2({ l1, l2 }) })
    this.l1 = l1
    this.l2 = l2
    this.supportsMasking = true
  }

  override call(inputs: Tensor): Tensor {
    return inputs
  }

  override getConfig(): Record<string, unknown> {
    const { activity_regularizer: _, ...config } = super.getConfig()
    return config
  }
}

export const identity = (options?: LayerOptions): Identity => new Identity(options)
export const activityRegularization = (options?: ActivityRegularizationOptions): ActivityRegularization =>
  new ActivityRegularization(options)
