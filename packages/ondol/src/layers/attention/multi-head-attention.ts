/** Multi-head attention (Vaswani et al. 2017). Follows `keras/src/layers/attention/multi_head_attention.py`. */
import { ValueError } from '../../core/errors.js'
import type { PartialShape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import { Softmax } from '../activation-layers.js'
import type { ConfigTable } from '../config-table.js'
import { maskOf } from '../masks.js'
import { requirePositive } from '../options.js'
import { HEADS_CONFIG, HeadsLayer, type HeadsOptions, overHeads, requireSamePlaces } from './heads.js'

export interface MultiHeadAttentionOptions extends HeadsOptions {
  /** Size of each head of the value. Default: that of the key. */
  readonly valueDim?: number | null | undefined
  /** Sizes of the output behind batch and places. Default: the size of the query. */
  readonly outputShape?: number | readonly number[] | null | undefined
  /** Axes over which to attend. Default: all but the batch and the last. */
  readonly attentionAxes?: number | readonly number[] | null | undefined
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/**
 * query (batch, target, size), value and key (batch, source, …) → (batch, target, size): `layer(query, value, key?, options?)`.
 *
 * @example
 * const attended = layers.multiHeadAttention(8, 64)(x, x, { useCausalMask: true })
 */
export class MultiHeadAttention extends HeadsLayer {
  static override readonly className: string = 'MultiHeadAttention'
  static override readonly positional: readonly string[] = ['numHeads', 'keyDim']
  static override readonly configTable: ConfigTable = {
    numHeads: 'value',
    keyDim: 'value',
    valueDim: 'value',
    outputShape: 'value',
    attentionAxes: 'value',
    ...HEADS_CONFIG,
  }
  readonly numHeads: number
  readonly keyDim: number
  readonly valueDim: number
  readonly outputShape: readonly number[] | null
  /** As given, and counted from the front once built. */
  attentionAxes: readonly number[] | null

  constructor(numHeads: number, keyDim: number, options: MultiHeadAttentionOptions = {}) {
    const { valueDim, outputShape, attentionAxes, ...rest } = options
    super(rest)
    this.numHeads = requirePositive(numHeads, 'numHeads', this.name)
    this.keyDim = requirePositive(keyDim, 'keyDim', this.name)
    this.valueDim = requirePositive(valueDim ?? keyDim, 'valueDim', this.name)
    this.outputShape = listed(outputShape, 'outputShape', this.name)
    this.attentionAxes = listed(attentionAxes, 'attentionAxes', this.name)
  }

  override build(query: PartialShape, value: PartialShape, key: PartialShape = value): void {
    requireSamePlaces(value, key)
    const { numHeads, keyDim, valueDim } = this
    const into = (name: string, shape: PartialShape, size: number): ReturnType<HeadsLayer['project']> => {
      const places = LETTERS.slice(0, shape.length - 1)
      return this.project(name, `${places}x,xyz->${places}yz`, [...openAxes(shape), numHeads, size], 'yz', shape)
    }
    this.queryDense = into('query', query, keyDim)
    this.keyDense = into('key', key, keyDim)
    if (this.useGate) this.gateDense = into('gate', query, valueDim)
    this.valueDense = into('value', value, valueDim)
    const outputs = this.outputShape ?? [query.at(-1) as number]
    const [places, sizes] = [LETTERS.slice(0, query.length - 1), LETTERS.slice(query.length - 1, query.length - 1 + outputs.length)]
    this.outputDense = this.project(
      'attention_output',
      `${places}yz,yz${sizes}->${places}${sizes}`,
      [...openAxes(query), ...outputs],
      sizes,
      [...query.slice(0, -1), numHeads, valueDim],
    )
    const rank = value.length + 1
    const axes = this.attentionAxes ?? Array.from({ length: rank - 3 }, (_, i) => i + 1)
    this.attentionAxes = axes.map((axis) => (axis >= 0 ? axis : rank - 1 + axis))
    this.softmax = new Softmax({ axis: axes.map((_, i) => i - axes.length), dtype: this.dtypePolicy })
  }

  override call(...args: readonly unknown[]): Tensor | Tensor[] {
    const call = this.callOf(args)
    const { query, value, key, options } = call
    this.refuseScores(options)
    const { training = false, returnAttentionScores = false } = options
    const queryMask = options.queryMask ?? maskOf(query) ?? null
    const isSimple = query.rank === 3 && value.rank === 3 && this.dropout === 0 && !returnAttentionScores
    // A causal mask alone need not be made: the fused path knows where it is.
    const isCausal = isSimple && (options.useCausalMask ?? false)
    const mask = this.maskFor(isCausal ? { ...call, options: { ...options, useCausalMask: false } } : call, queryMask)
    const [q, k, v] = [this.queryDense.callOn([query]), this.keyDense.callOn([key]), this.valueDense.callOn([value])] as Tensor[]
    const [heads, scores] = isSimple
      ? [this.#fused(q as Tensor, k as Tensor, v as Tensor, mask, isCausal), null]
      : this.#scored(q as Tensor, k as Tensor, v as Tensor, mask, training)
    const gated = this.gateDense === null ? heads : ops.multiply(heads, this.gateDense.callOn([query]) as Tensor)
    const output = this.outputDense.callOn([gated]) as Tensor
    return returnAttentionScores ? [output, scores as Tensor] : output
  }

  #fused(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | null, isCausal: boolean): Tensor {
    return ops.dotProductAttention(query, key, value, { mask: overHeads(mask, 4, 2), scale: 1 / Math.sqrt(this.keyDim), isCausal })
  }

  /** Any axes, with the weights at hand: (batch, …, heads, size) each. */
  #scored(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | null, training: boolean): readonly [Tensor, Tensor] {
    const axes = this.attentionAxes as readonly number[]
    const { targets, sources, weights: labels } = labelsFor(query.rank, axes)
    const scaled = lax.withNumber(query, lax.mul, 1 / Math.sqrt(this.keyDim))
    const logits = ops.einsum(`${sources},${targets}->${labels}`, key, scaled)
    const weights = this.weigh(logits, overHeads(mask, logits.rank, 2 * axes.length))
    return [ops.einsum(`${labels},${sources}->${targets}`, this.drop(weights, training), value), weights]
  }
}

const openAxes = (shape: PartialShape): null[] => new Array<null>(shape.length - 2).fill(null)

function listed(value: number | readonly number[] | null | undefined, name: string, where: string): readonly number[] | null {
  if (value === null || value === undefined) return null
  const list = typeof value === 'number' ? [value] : value
  if (Array.isArray(list) && list.every((item) => Number.isInteger(item))) return [...list]
  throw new ValueError({ where, problem: `${name} must be a whole number or a list of them`, received: JSON.stringify(value) })
}

/** Letters of targets and sources (batch, …, heads, size), which differ where one attends, and of the weights. */
function labelsFor(rank: number, axes: readonly number[]): { targets: string; sources: string; weights: string } {
  const target = [...LETTERS.slice(0, rank)]
  const source = target.map((label, axis) => (axes.includes(axis) ? (LETTERS[rank + axes.indexOf(axis)] as string) : label))
  const shared = target.filter((_, axis) => axis < rank - 1 && !axes.includes(axis))
  const weights = [...shared, ...axes.map((axis) => target[axis]), ...axes.map((axis) => source[axis])]
  return { targets: target.join(''), sources: source.join(''), weights: weights.join('') }
}

export const multiHeadAttention = (...args: ConstructorParameters<typeof MultiHeadAttention>): MultiHeadAttention =>
  new MultiHeadAttention(...args)
