/** Long short-term memory (Hochreiter and Schmidhuber 1997). Follows `keras/src/layers/rnn/lstm.py`. */
import * as activations from '../../activations/index.js'
import * as constraints from '../../constraints/index.js'
import type { DType } from '../../core/dtype.js'
import { ValueError } from '../../core/errors.js'
import type { PartialShape, Shape } from '../../core/shape.js'
import { lax, type Tensor, type Variable } from '../../engine/index.js'
import * as initializers from '../../initializers/index.js'
import * as ops from '../../ops/index.js'
import * as regularizers from '../../regularizers/index.js'
import type { ConfigTable } from '../config-table.js'
import { InputSpec } from '../input-spec.js'
import type { CallOptions } from '../layer.js'
import { requirePositive, requireSize } from '../options.js'
import { type DropoutCellOptions, DropoutRNNCell } from './cell.js'
import { RNN, type RNNOptions } from './rnn.js'

export interface LSTMCellOptions extends DropoutCellOptions {
  /** Of candidate and output. Default `tanh`. */
  readonly activation?: activations.ActivationLike | undefined
  /** Of the gates. Default `sigmoid`. */
  readonly recurrentActivation?: activations.ActivationLike | undefined
  /** Default true. */
  readonly useBias?: boolean | undefined
  /** Default `glorotUniform`. */
  readonly kernelInitializer?: initializers.InitializerLike | undefined
  /** Default `orthogonal`. */
  readonly recurrentInitializer?: initializers.InitializerLike | undefined
  /** Default `zeros`. */
  readonly biasInitializer?: initializers.InitializerLike | undefined
  /** Begins with a bias of 1 on the forget gate. Default true. */
  readonly unitForgetBias?: boolean | undefined
  readonly kernelRegularizer?: regularizers.RegularizerLike | undefined
  readonly recurrentRegularizer?: regularizers.RegularizerLike | undefined
  readonly biasRegularizer?: regularizers.RegularizerLike | undefined
  readonly kernelConstraint?: constraints.ConstraintLike | undefined
  readonly recurrentConstraint?: constraints.ConstraintLike | undefined
  readonly biasConstraint?: constraints.ConstraintLike | undefined
}

const CELL_CONFIG: ConfigTable = {
  units: 'value',
  activation: 'activation',
  recurrentActivation: 'activation',
  useBias: 'value',
  kernelInitializer: 'initializer',
  recurrentInitializer: 'initializer',
  biasInitializer: 'initializer',
  unitForgetBias: 'value',
  kernelRegularizer: 'regularizer',
  recurrentRegularizer: 'regularizer',
  biasRegularizer: 'regularizer',
  kernelConstraint: 'constraint',
  recurrentConstraint: 'constraint',
  biasConstraint: 'constraint',
  dropout: 'value',
  recurrentDropout: 'value',
  seed: 'value',
}

/**
 * One step: (batch, features) and states [h, c] of (batch, units) each. The columns of the weights are those of
 * input gate, forget gate, candidate and output gate, in this order.
 */
export class LSTMCell extends DropoutRNNCell {
  static override readonly className: string = 'LSTMCell'
  static override readonly positional: readonly string[] = ['units']
  static override readonly configTable: ConfigTable = CELL_CONFIG
  readonly units: number
  readonly stateSize: readonly number[]
  override readonly outputIsState = true
  readonly activation: activations.Activation
  readonly recurrentActivation: activations.Activation
  readonly useBias: boolean
  readonly kernelInitializer: initializers.Initializer
  readonly recurrentInitializer: initializers.Initializer
  readonly biasInitializer: initializers.Initializer
  readonly unitForgetBias: boolean
  readonly kernelRegularizer: regularizers.Regularizer | null
  readonly recurrentRegularizer: regularizers.Regularizer | null
  readonly biasRegularizer: regularizers.Regularizer | null
  readonly kernelConstraint: constraints.Constraint | null
  readonly recurrentConstraint: constraints.Constraint | null
  readonly biasConstraint: constraints.Constraint | null
  kernel!: Variable
  recurrentKernel!: Variable
  bias: Variable | null = null

  constructor(
    units: number,
    {
      activation = 'tanh',
      recurrentActivation = 'sigmoid',
      useBias = true,
      kernelInitializer = 'glorot_uniform',
      recurrentInitializer = 'orthogonal',
      biasInitializer = 'zeros',
      unitForgetBias = true,
      kernelRegularizer = null,
      recurrentRegularizer = null,
      biasRegularizer = null,
      kernelConstraint = null,
      recurrentConstraint = null,
      biasConstraint = null,
      ...options
    }: LSTMCellOptions = {},
  ) {
    super(options)
    this.units = requirePositive(units, 'units', this.name)
    this.stateSize = [units, units]
    this.activation = activations.get(activation)
    this.recurrentActivation = activations.get(recurrentActivation)
    this.useBias = useBias
    this.kernelInitializer = initializers.get(kernelInitializer)
    this.recurrentInitializer = initializers.get(recurrentInitializer)
    this.biasInitializer = initializers.get(biasInitializer)
    this.unitForgetBias = unitForgetBias
    this.kernelRegularizer = regularizers.get(kernelRegularizer)
    this.recurrentRegularizer = regularizers.get(recurrentRegularizer)
    this.biasRegularizer = regularizers.get(biasRegularizer)
    this.kernelConstraint = constraints.get(kernelConstraint)
    this.recurrentConstraint = constraints.get(recurrentConstraint)
    this.biasConstraint = constraints.get(biasConstraint)
  }

  override build(inputShape: PartialShape): void {
    const features = requireSize(inputShape, -1, 'features')
    const { units } = this
    this.kernel = this.addWeight({
      name: 'kernel',
      shape: [features, 4 * units],
      initializer: this.kernelInitializer,
      regularizer: this.kernelRegularizer,
      constraint: this.kernelConstraint,
    })
    this.recurrentKernel = this.addWeight({
      name: 'recurrent_kernel',
      shape: [units, 4 * units],
      initializer: this.recurrentInitializer,
      regularizer: this.recurrentRegularizer,
      constraint: this.recurrentConstraint,
    })
    if (!this.useBias) return
    const initializer = this.unitForgetBias ? (_shape: Shape, dtype?: DType): Tensor => this.#forgetBias(dtype) : this.biasInitializer
    this.bias = this.addWeight({
      name: 'bias',
      shape: [4 * units],
      initializer,
      regularizer: this.biasRegularizer,
      constraint: this.biasConstraint,
    })
  }

  #forgetBias(dtype: DType | undefined): Tensor {
    const make = (count: number, initializer: initializers.InitializerLike): Tensor =>
      initializers.get(initializer)([count * this.units], dtype)
    return ops.concatenate([make(1, this.biasInitializer), make(1, 'ones'), make(2, this.biasInitializer)], { axis: 0 })
  }

  override call(inputs: Tensor, states: readonly Tensor[], { training = false }: CallOptions = {}): [Tensor, Tensor[]] {
    const dropped = this.mask(inputs, this.dropout, training)
    return this.step(
      this.#project(dropped === null ? inputs : lax.mul(inputs, dropped)),
      states,
      training,
      this.prepareStep(states, training),
    )
  }

  /** The share of inputs and bias in all gates: one product for all steps. */
  override prepare(sequence: Tensor, training: boolean): Tensor {
    const [, batch, features] = sequence.shape as [number, number, number]
    const dropped = this.mask(lax.full([batch, features], sequence.dtype, 1), this.dropout, training)
    return this.#project(dropped === null ? sequence : lax.mul(sequence, lax.broadcast(dropped, sequence.shape, [1, 2])))
  }

  #project(x: Tensor): Tensor {
    const product = ops.matmul(x, this.kernel)
    return this.bias === null ? product : ops.add(product, this.bias)
  }

  /** The recurrent kernel, read and cast once, and the mask on the recurrent state. */
  override prepareStep([h]: readonly Tensor[], training: boolean): readonly [kernel: Tensor, dropped: Tensor | null] {
    return [this.recurrentKernel.value, this.mask(h as Tensor, this.recurrentDropout, training)]
  }

  override step(
    projected: Tensor,
    states: readonly Tensor[],
    _training: boolean,
    constants: readonly (Tensor | null)[],
  ): [Tensor, Tensor[]] {
    const [kernel, dropped] = constants as readonly [Tensor, Tensor | null]
    const [h, c] = states as [Tensor, Tensor]
    const { units } = this
    const recurrent = ops.matmul(dropped === null ? h : lax.mul(h, dropped), kernel)
    const z = lax.add(projected, recurrent)
    const gate = (index: number): Tensor => lax.slice(z, [0, index * units], [z.shape[0] as number, units])
    const input = this.recurrentActivation(gate(0))
    const forget = this.recurrentActivation(gate(1))
    const nextC = lax.add(lax.mul(forget, c), lax.mul(input, this.activation(gate(2))))
    const nextH = lax.mul(this.recurrentActivation(gate(3)), this.activation(nextC))
    return [nextH, [nextH, nextC]]
  }
}

export interface LSTMOptions extends LSTMCellOptions, RNNOptions {
  /** There is one implementation here. `'auto'` and `false` are accepted. */
  readonly useCudnn?: 'auto' | boolean | undefined
}

/**
 * (batch, steps, features) → (batch, units); with `returnSequences` (batch, steps, units); with `returnState`
 * [output, h, c]. Call options: `mask` (batch, steps) and `initialState: [h, c]`.
 *
 * @example
 * const encoded = layers.lstm(32)(layers.embedding(10000, 64, { maskZero: true })(words))
 */
export class LSTM extends RNN {
  static override readonly className: string = 'LSTM'
  static override readonly positional: readonly string[] = ['units']
  /** Beside those of the cell. */
  static override readonly configTable: ConfigTable = { ...RNN.configTable, activityRegularizer: 'regularizer' }
  declare readonly cell: LSTMCell

  constructor(units: number, options: LSTMOptions = {}) {
    const {
      returnSequences,
      returnState,
      goBackwards,
      stateful,
      unroll,
      zeroOutputForMask,
      useCudnn = 'auto',
      name,
      dtype,
      trainable,
      autocast,
      activityRegularizer,
      inputShape,
      ...cell
    } = options
    if (useCudnn === true)
      throw new ValueError({ where: 'LSTM', problem: 'there is no cuDNN here', hint: "leave useCudnn out, or set it to 'auto'" })
    super(new LSTMCell(units, { ...cell, dtype, trainable, name: 'lstm_cell' }), {
      returnSequences,
      returnState,
      goBackwards,
      stateful,
      unroll,
      zeroOutputForMask,
      name,
      dtype,
      trainable,
      autocast,
      activityRegularizer,
      inputShape,
    })
    this.inputSpec = new InputSpec({ ndim: 3 })
  }

  get units(): number {
    return this.cell.units
  }

  override getConfig(): Record<string, unknown> {
    const { cell: _cell, ...config } = super.getConfig()
    const { name: _name, trainable: _trainable, dtype: _dtype, ...ofCell } = this.cell.getConfig()
    return { ...config, ...ofCell }
  }
}

export const lstm = (...args: ConstructorParameters<typeof LSTM>): LSTM => new LSTM(...args)
export const lstmCell = (...args: ConstructorParameters<typeof LSTMCell>): LSTMCell => new LSTMCell(...args)
