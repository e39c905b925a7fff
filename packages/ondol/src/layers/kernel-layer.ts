/** What dense and convolutional layers share: a kernel, a bias, an activation. */
import * as activations from '../activations/index.js'
import * as constraints from '../constraints/index.js'
import type { Shape } from '../core/shape.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import * as ops from '../ops/index.js'
import * as regularizers from '../regularizers/index.js'
import { AdaptableLayer, type LoraOptions, type MainWeight } from './adaptable-layer.js'
import type { ConfigTable } from './config-table.js'
import type { LayerOptions } from './layer.js'

export interface KernelOptions extends LayerOptions {
  /** Default: none (`linear`). */
  readonly activation?: activations.ActivationLike | undefined
  /** Default true. */
  readonly useBias?: boolean | undefined
  /** Default `glorotUniform`. */
  readonly kernelInitializer?: initializers.InitializerLike | undefined
  /** Default `zeros`. */
  readonly biasInitializer?: initializers.InitializerLike | undefined
  readonly kernelRegularizer?: regularizers.RegularizerLike | undefined
  readonly biasRegularizer?: regularizers.RegularizerLike | undefined
  readonly kernelConstraint?: constraints.ConstraintLike | undefined
  readonly biasConstraint?: constraints.ConstraintLike | undefined
}

/** These options in configs. */
export const KERNEL_CONFIG = {
  activation: 'activation',
  useBias: 'value',
  kernelInitializer: 'initializer',
  biasInitializer: 'initializer',
  kernelRegularizer: 'regularizer',
  biasRegularizer: 'regularizer',
  kernelConstraint: 'constraint',
  biasConstraint: 'constraint',
} as const satisfies ConfigTable

export abstract class KernelLayer extends AdaptableLayer {
  readonly activation: activations.Activation
  readonly useBias: boolean
  readonly kernelInitializer: initializers.Initializer
  readonly biasInitializer: initializers.Initializer
  readonly kernelRegularizer: regularizers.Regularizer | null
  readonly biasRegularizer: regularizers.Regularizer | null
  readonly kernelConstraint: constraints.Constraint | null
  readonly biasConstraint: constraints.Constraint | null
  kernel!: Variable
  bias: Variable | null = null

  constructor({
    activation = null,
    useBias = true,
    kernelInitializer = 'glorot_uniform',
    biasInitializer = 'zeros',
    kernelRegularizer = null,
    biasRegularizer = null,
    kernelConstraint = null,
    biasConstraint = null,
    ...options
  }: KernelOptions & LoraOptions) {
    super(options)
    this.activation = activations.get(activation)
    this.useBias = useBias
    this.kernelInitializer = initializers.get(kernelInitializer)
    this.biasInitializer = initializers.get(biasInitializer)
    this.kernelRegularizer = regularizers.get(kernelRegularizer)
    this.biasRegularizer = regularizers.get(biasRegularizer)
    this.kernelConstraint = constraints.get(kernelConstraint)
    this.biasConstraint = constraints.get(biasConstraint)
  }

  protected override mainWeight(): MainWeight {
    return { variable: this.kernel, name: 'kernel', regularizer: this.kernelRegularizer, constraint: this.kernelConstraint }
  }

  protected addKernel(shape: Shape, biasShape: Shape, initializer: initializers.Initializer = this.kernelInitializer): void {
    this.kernel = this.addWeight({
      name: 'kernel',
      shape,
      initializer,
      regularizer: this.kernelRegularizer,
      constraint: this.kernelConstraint,
    })
    if (this.useBias) {
      this.bias = this.addWeight({
        name: 'bias',
        shape: biasShape,
        initializer: this.biasInitializer,
        regularizer: this.biasRegularizer,
        constraint: this.biasConstraint,
      })
    }
    this.addLora()
  }

  /** Adds the bias along `axis` (counted from the end), then activates. */
  protected finish(x: Tensor, axis = -1): Tensor {
    const { bias } = this
    if (bias === null) return this.activation(x)
    const along = axis === -1 ? bias.value : ops.reshape(bias, [bias.shape[0] as number, ...new Array<number>(-axis - 1).fill(1)])
    return this.activation(ops.add(x, along))
  }
}
