/** The fully connected layer. Follows `keras/src/layers/core/dense.py`. */
import type { PartialShape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'
import type { LoraOptions } from './adaptable-layer.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { KERNEL_CONFIG, KernelLayer, type KernelOptions } from './kernel-layer.js'
import { requirePositive, requireSize } from './options.js'

export interface DenseOptions extends KernelOptions, LoraOptions {}

/**
 * activation(x · kernel + bias) over the last axis: (batch, …, features) → (batch, …, units).
 *
 * @example
 * const probabilities = layers.dense(10, { activation: 'softmax' })(features)
 */
export class Dense extends KernelLayer {
  static override readonly className: string = 'Dense'
  static override readonly positional: readonly string[] = ['units']
  static override readonly configTable: ConfigTable = { units: 'value', ...KERNEL_CONFIG }
  readonly units: number

  constructor(units: number, options: DenseOptions = {}) {
    super(options)
    this.units = requirePositive(units, 'units', this.name)
    this.inputSpec = new InputSpec({ minNdim: 2 })
    this.supportsMasking = true
  }

  override build(inputShape: PartialShape): void {
    const features = requireSize(inputShape, -1, 'features')
    this.addKernel([features, this.units], [this.units])
    this.inputSpec = new InputSpec({ minNdim: 2, axes: { [-1]: features }, hint: LAST_AXIS })
  }

  override call(inputs: Tensor): Tensor {
    return this.finish(ops.matmul(inputs, this.adapted()))
  }
}

const LAST_AXIS =
  'a dense layer works on the last axis; if the channels come first, bring them last with layers.permute or ops.moveaxis(x, 1, -1)'

export const dense = (...args: ConstructorParameters<typeof Dense>): Dense => new Dense(...args)
