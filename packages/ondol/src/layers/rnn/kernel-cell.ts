/** What the built-in cells share: a kernel, a recurrent kernel, a bias, and dropout with masks that stay over time. */
import * as activations from '../../activations/index.js'
import * as constraints from '../../constraints/index.js'
import type { DType } from '../../core/dtype.js'
import type { Shape } from '../../core/shape.js'
import { lax, type Tensor, type Variable } from '../../engine/index.js'
import * as initializers from '../../initializers/index.js'
import * as ops from '../../ops/index.js'
import * as random from '../../ops/random.js'
import * as regularizers from '../../regularizers/index.js'
import type { ConfigTable } from '../config-table.js'
import type { LayerOptions } from '../layer.js'
import { requireRate } from '../options.js'
import { RNNCell } from './cell.js'

export interface DropoutCellOptions extends LayerOptions {
  /** Share of inputs to drop, the same ones at every step. Default 0. */
  readonly dropout?: number | undefined
  /** Share of the recurrent state to drop, the same at every step. Default 0. */
  readonly recurrentDropout?: number | undefined
  readonly seed?: number | null | undefined
}

/** A cell with dropout on inputs and recurrent state. */
export abstract class DropoutRNNCell extends RNNCell {
  readonly dropout: number
  readonly recurrentDropout: number
  readonly seed: number | null
  readonly seedGenerator: random.SeedGenerator | null

  constructor({ dropout = 0, recurrentDropout = 0, seed = null, ...options }: DropoutCellOptions) {
    super(options)
    this.dropout = requireRate(dropout, 'dropout', this.name)
    this.recurrentDropout = requireRate(recurrentDropout, 'recurrentDropout', this.name)
    this.seed = seed
    this.seedGenerator = dropout > 0 || recurrentDropout > 0 ? new random.SeedGenerator(seed) : null
  }

  /** `count` masks of 0 or 1 / (1 - rate) for a tensor of this shape; none when nothing is dropped. */
  protected masks(shape: Shape, rate: number, training: boolean, count: number): Tensor[] {
    const { seedGenerator: seed, computeDtype } = this
    if (!training || rate === 0 || rate === 1 || seed === null) return []
    return Array.from({ length: count }, () => random.dropout(lax.full(shape, computeDtype, 1), rate, { seed }))
  }
}

export interface KernelCellOptions extends DropoutCellOptions {
  /** Of the output or its candidate. Default `tanh`. */
  readonly activation?: activations.ActivationLike | undefined
  /** Default true. */
  readonly useBias?: boolean | undefined
  /** Default `glorotUniform`. */
  readonly kernelInitializer?: initializers.InitializerLike | undefined
  /** Default `orthogonal`. */
  readonly recurrentInitializer?: initializers.InitializerLike | undefined
  /** Default `zeros`. */
  readonly biasInitializer?: initializers.InitializerLike | undefined
  readonly kernelRegularizer?: regularizers.RegularizerLike | undefined
  readonly recurrentRegularizer?: regularizers.RegularizerLike | undefined
  readonly biasRegularizer?: regularizers.RegularizerLike | undefined
  readonly kernelConstraint?: constraints.ConstraintLike | undefined
  readonly recurrentConstraint?: constraints.ConstraintLike | undefined
  readonly biasConstraint?: constraints.ConstraintLike | undefined
}

/** These options in configs. */
export const KERNEL_CELL_CONFIG = {
  activation: 'activation',
  useBias: 'value',
  kernelInitializer: 'initializer',
  recurrentInitializer: 'initializer',
  biasInitializer: 'initializer',
  kernelRegularizer: 'regularizer',
  recurrentRegularizer: 'regularizer',
  biasRegularizer: 'regularizer',
  kernelConstraint: 'constraint',
  recurrentConstraint: 'constraint',
  biasConstraint: 'constraint',
  dropout: 'value',
  recurrentDropout: 'value',
  seed: 'value',
} as const satisfies ConfigTable

export abstract class KernelCell extends DropoutRNNCell {
  override readonly outputIsState = true
  readonly activation: activations.Activation
  readonly useBias: boolean
  readonly kernelInitializer: initializers.Initializer
  readonly recurrentInitializer: initializers.Initializer
  readonly biasInitializer: initializers.Initializer
  readonly kernelRegularizer: regularizers.Regularizer | null
  readonly recurrentRegularizer: regularizers.Regularizer | null
  readonly biasRegularizer: regularizers.Regularizer | null
  readonly kernelConstraint: constraints.Constraint | null
  readonly recurrentConstraint: constraints.Constraint | null
  readonly biasConstraint: constraints.Constraint | null
  kernel!: Variable
  recurrentKernel!: Variable
  bias: Variable | null = null

  constructor({
    activation = 'tanh',
    useBias = true,
    kernelInitializer = 'glorot_uniform',
    recurrentInitializer = 'orthogonal',
    biasInitializer = 'zeros',
    kernelRegularizer = null,
    recurrentRegularizer = null,
    biasRegularizer = null,
    kernelConstraint = null,
    recurrentConstraint = null,
    biasConstraint = null,
    ...options
  }: KernelCellOptions) {
    super(options)
    this.activation = activations.get(activation)
    this.useBias = useBias
    this.kernelInitializer = initializers.get(kernelInitializer)
    this.recurrentInitializer = initializers.get(recurrentInitializer)
    this.biasInitializer = initializers.get(biasInitializer)
    this.kernelRegularizer = regularizers.get(kernelRegularizer)
    this.recurrentRegularizer = regularizers.get(recurrentRegularizer)
    this.biasRegularizer = regularizers.get(biasRegularizer)
    this.kernelConstraint = constraints.get(kernelConstraint)
    this.recurrentConstraint = constraints.get(recurrentConstraint)
    this.biasConstraint = constraints.get(biasConstraint)
  }

  protected addKernels(
    kernel: Shape,
    recurrent: Shape,
    bias: Shape,
    biasInitializer: initializers.InitializerLike = this.biasInitializer,
  ): void {
    this.kernel = this.addWeight({
      name: 'kernel',
      shape: kernel,
      initializer: this.kernelInitializer,
      regularizer: this.kernelRegularizer,
      constraint: this.kernelConstraint,
    })
    this.recurrentKernel = this.addWeight({
      name: 'recurrent_kernel',
      shape: recurrent,
      initializer: this.recurrentInitializer,
      regularizer: this.recurrentRegularizer,
      constraint: this.recurrentConstraint,
    })
    if (!this.useBias) return
    this.bias = this.addWeight({
      name: 'bias',
      shape: bias,
      initializer: biasInitializer,
      regularizer: this.biasRegularizer,
      constraint: this.biasConstraint,
    })
  }
}

/** How often the masks of a cell with `gates` gates are drawn: recurrent dropout has one for each gate. */
export const maskCount = ({ recurrentDropout }: DropoutRNNCell, gates: number): number => (recurrentDropout === 0 ? 1 : gates)

/** x · kernel over the last axis. With several masks each belongs to one of as many equal groups of the kernel's columns. */
export function maskedProduct(x: Tensor, kernel: Tensor, masks: readonly Tensor[]): Tensor {
  return masked(x, kernel, masks, -1, (input, columns) => ops.matmul(input, columns))
}

/** `product(x · mask, columns)` for the columns of each mask, next to each other along `axis`. */
export function masked(
  x: Tensor,
  kernel: Tensor,
  masks: readonly Tensor[],
  axis: number,
  product: (x: Tensor, kernel: Tensor) => Tensor,
): Tensor {
  if (masks.length === 0) return product(x, kernel)
  const parts = masks.length === 1 ? [kernel] : ops.split(kernel, masks.length, { axis: -1 })
  const products = parts.map((part, i) => product(ops.multiply(x, masks[i] as Tensor), part))
  return products.length === 1 ? (products[0] as Tensor) : ops.concatenate(products, { axis })
}

/** Gates in columns: number `index` of those that are `size` wide, and `count` of them. */
export const gate = (z: Tensor, index: number, size: number, count = 1): Tensor =>
  lax.slice(z, [0, index * size], [z.shape[0] as number, count * size])

/** A bias whose second of four parts is ones: the forget gate's. */
export const forgetBias =
  (initializer: initializers.Initializer, units: number) =>
  (_shape: Shape, dtype?: DType): Tensor => {
    const make = (count: number, like: initializers.InitializerLike): Tensor => initializers.get(like)([count * units], dtype)
    return ops.concatenate([make(1, initializer), make(1, 'ones'), make(2, initializer)], { axis: 0 })
  }
