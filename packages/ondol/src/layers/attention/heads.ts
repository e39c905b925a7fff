/** What multi-head and group-query attention share: projections into heads, and attention of heads under masks. */
import * as constraints from '../../constraints/index.js'
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape, type PartialShape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import * as initializers from '../../initializers/index.js'
import * as ops from '../../ops/index.js'
import * as random from '../../ops/random.js'
import * as regularizers from '../../regularizers/index.js'
import type { Softmax } from '../activation-layers.js'
import type { ConfigTable } from '../config-table.js'
import { EinsumDense } from '../einsum-dense.js'
import { type CallOptions, Layer, type LayerOptions } from '../layer.js'
import { maskOf } from '../masks.js'
import { requirePositive, requireRate } from '../options.js'

export interface HeadsOptions extends LayerOptions {
  /** Share of the attention weights to drop in training. Default 0. */
  readonly dropout?: number | undefined
  /** Default true. */
  readonly useBias?: boolean | undefined
  /** Look only at sources less than this many places away. Default: at all. */
  readonly slidingWindow?: number | null | undefined
  /** There is one way to compute it; with `true` dropout and attention scores are refused, as in Keras. */
  readonly flashAttention?: boolean | null | undefined
  /** Default `glorotUniform`. */
  readonly kernelInitializer?: initializers.InitializerLike | undefined
  /** Default `zeros`. */
  readonly biasInitializer?: initializers.InitializerLike | undefined
  readonly kernelRegularizer?: regularizers.RegularizerLike | undefined
  readonly biasRegularizer?: regularizers.RegularizerLike | undefined
  readonly kernelConstraint?: constraints.ConstraintLike | undefined
  readonly biasConstraint?: constraints.ConstraintLike | undefined
  /** Multiplies each head's output by a sigmoid of the query. Default false. */
  readonly useGate?: boolean | undefined
  readonly seed?: number | null | undefined
}

/** These options in configs. */
export const HEADS_CONFIG = {
  dropout: 'value',
  useBias: 'value',
  slidingWindow: 'value',
  kernelInitializer: 'initializer',
  biasInitializer: 'initializer',
  kernelRegularizer: 'regularizer',
  biasRegularizer: 'regularizer',
  activityRegularizer: 'regularizer',
  kernelConstraint: 'constraint',
  biasConstraint: 'constraint',
  useGate: 'value',
  seed: 'value',
} as const satisfies ConfigTable

export interface HeadsCallOptions extends CallOptions {
  /** True for targets that count: (batch, target). Default: the mask that came with the query. */
  readonly queryMask?: Tensor | null | undefined
  /** True for sources that count: (batch, source). Default: the mask that came with the value. */
  readonly valueMask?: Tensor | null | undefined
  readonly keyMask?: Tensor | null | undefined
  /** True where a target may look at a source: (batch, target, source), or with an axis of heads before these. */
  readonly attentionMask?: Tensor | null | undefined
  /** Gives [output, weights (batch, heads, target, source)]. Default false. */
  readonly returnAttentionScores?: boolean | undefined
  /** Look at sources up to the target's own place only. Default false. */
  readonly useCausalMask?: boolean | undefined
}

/** Query, value and key of a call, and what it takes besides. */
export interface HeadsCall {
  readonly query: Tensor
  readonly value: Tensor
  readonly key: Tensor
  readonly options: HeadsCallOptions
}

export abstract class HeadsLayer extends Layer {
  static override readonly buildArguments: readonly string[] = ['query_shape', 'value_shape', 'key_shape']
  readonly dropout: number
  readonly useBias: boolean
  readonly slidingWindow: number | null
  readonly flashAttention: boolean
  readonly kernelInitializer: initializers.Initializer
  readonly biasInitializer: initializers.Initializer
  readonly kernelRegularizer: regularizers.Regularizer | null
  readonly biasRegularizer: regularizers.Regularizer | null
  readonly kernelConstraint: constraints.Constraint | null
  readonly biasConstraint: constraints.Constraint | null
  readonly useGate: boolean
  readonly seed: number | null
  readonly seedGenerator: random.SeedGenerator | null
  queryDense!: EinsumDense
  keyDense!: EinsumDense
  gateDense: EinsumDense | null = null
  valueDense!: EinsumDense
  softmax!: Softmax
  outputDense!: EinsumDense

  constructor({
    dropout = 0,
    useBias = true,
    slidingWindow = null,
    flashAttention = null,
    kernelInitializer = 'glorot_uniform',
    biasInitializer = 'zeros',
    kernelRegularizer = null,
    biasRegularizer = null,
    kernelConstraint = null,
    biasConstraint = null,
    useGate = false,
    seed = null,
    ...options
  }: HeadsOptions) {
    super(options)
    this.dropout = requireRate(dropout, 'dropout', this.name)
    this.useBias = useBias
    this.slidingWindow = slidingWindow === null ? null : requirePositive(slidingWindow, 'slidingWindow', this.name)
    this.flashAttention = flashAttention ?? false
    this.kernelInitializer = initializers.get(kernelInitializer)
    this.biasInitializer = initializers.get(biasInitializer)
    this.kernelRegularizer = regularizers.get(kernelRegularizer)
    this.biasRegularizer = regularizers.get(biasRegularizer)
    this.kernelConstraint = constraints.get(kernelConstraint)
    this.biasConstraint = constraints.get(biasConstraint)
    this.useGate = useGate
    this.seed = seed
    this.seedGenerator = dropout > 0 ? new random.SeedGenerator(seed) : null
    this.supportsMasking = true
    if (this.flashAttention && dropout > 0)
      throw new ValueError({ where: this.name, problem: 'flash attention has no dropout', received: `dropout=${dropout}` })
  }

  /** A projection of this layer's: by an equation, with the axes of the bias named, built for inputs of this shape. */
  protected project(name: string, equation: string, outputShape: PartialShape, biasAxes: string, inputShape: PartialShape): EinsumDense {
    // Each has an initializer of its own, so that they do not begin alike.
    const fresh = (initializer: initializers.Initializer): initializers.Initializer =>
      initializers.get(initializers.serialize(initializer) as never)
    const dense = new EinsumDense(equation, outputShape, {
      name,
      dtype: this.dtypePolicy,
      trainable: this.trainable,
      biasAxes: this.useBias ? biasAxes : null,
      activation: name === 'gate' ? 'sigmoid' : null,
      kernelInitializer: fresh(this.kernelInitializer),
      biasInitializer: fresh(this.biasInitializer),
      kernelRegularizer: this.kernelRegularizer,
      biasRegularizer: this.biasRegularizer,
      activityRegularizer: this.activityRegularizer,
      kernelConstraint: this.kernelConstraint,
      biasConstraint: this.biasConstraint,
    })
    // Masks are looked at here: none gets lost in there.
    dense.supportsMasking = true
    dense.build(inputShape)
    return dense
  }

  /** Tells the arguments of a call apart: query, value, key if it is another, options. */
  protected callOf(args: readonly unknown[]): HeadsCall {
    const tensors = args.filter((arg) => arg !== null && arg !== undefined && 'shape' in (arg as object)) as Tensor[]
    const last = args.at(-1)
    const options = (tensors.includes(last as Tensor) ? {} : (last ?? {})) as HeadsCallOptions
    const [query, value, key = value] = tensors
    if (query === undefined || value === undefined || key === undefined) {
      throw noValue(`${tensors.length} tensors`)
    }
    return { query, value, key, options }
  }

  /** All masks of a call as one, true where a target (second-last axis) may look at a source (last); `null` without any. */
  protected maskFor({ query, value, key, options }: HeadsCall, givenQueryMask: Tensor | null): Tensor | null {
    const { valueMask = maskOf(value), keyMask = key === value ? null : maskOf(key), attentionMask, useCausalMask = false } = options
    const bool = (mask: Tensor): Tensor => ops.cast(mask, 'bool')
    const [target, source] = [query.shape[1] as number, value.shape[1] as number]
    const places = (axis: number): Tensor => lax.iota([1, target, source], 'int32', axis)
    const parts = [
      ...(givenQueryMask ? [ops.expandDims(bool(givenQueryMask), -1)] : []),
      ...(valueMask ? [ops.expandDims(bool(valueMask), -2)] : []),
      ...(keyMask ? [ops.expandDims(bool(keyMask), -2)] : []),
      ...(useCausalMask ? [lax.ge(places(1), places(2))] : []),
      ...(this.slidingWindow === null ? [] : [ops.less(ops.abs(lax.sub(places(1), places(2))), this.slidingWindow)]),
    ]
    const own = parts.length === 0 ? null : parts.reduce((a, b) => ops.logicalAnd(a, b))
    if (attentionMask === null || attentionMask === undefined) return own
    return own === null ? bool(attentionMask) : ops.logicalAnd(bool(attentionMask), own)
  }

  protected refuseScores({ returnAttentionScores = false }: HeadsCallOptions): void {
    if (!this.flashAttention || !returnAttentionScores) return
    throw new ValueError({ problem: 'flash attention gives no scores', hint: 'leave flashAttention out' })
  }

  /** The softmax over some axes; what the mask hides weighs nothing. */
  protected weigh(scores: Tensor, mask: Tensor | null): Tensor {
    return this.softmax.callOn([scores], mask === null ? {} : { mask }) as Tensor
  }

  protected drop(weights: Tensor, training: boolean): Tensor {
    if (!training || this.seedGenerator === null) return weights
    return random.dropout(weights, this.dropout, { seed: this.seedGenerator })
  }
}

/** Leading axes for a mask that lacks those of the heads, before the last `kept`. */
export function overHeads(mask: Tensor | null, rank: number, kept: number): Tensor | null {
  if (mask === null) return null
  let wide = mask
  while (wide.rank < rank) wide = ops.expandDims(wide, -kept - 1)
  return wide
}

const noValue = (received: string): ValueError =>
  new ValueError({
    problem: 'it needs a query and a value',
    expected: 'layer(query, value, key?, options?)',
    received,
    hint: 'for self-attention pass the same tensor twice',
  })

/** @throws ValueError without a value; ShapeError when value and key do not have the same places. */
export function requireSamePlaces(value: PartialShape | undefined, key: PartialShape | undefined): void {
  if (value === undefined || key === undefined) throw noValue('a query alone')
  if (formatShape(value.slice(1, -1)) === formatShape(key.slice(1, -1))) return
  throw new ShapeError({
    problem: 'value and key must have the same axes but the last',
    received: `value ${formatShape(value)}, key ${formatShape(key)}`,
  })
}
