/** Attention whose heads share keys and values in groups (Ainslie et al. 2023). Follows `keras/src/layers/attention/grouped_query_attention.py`. */
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape, type PartialShape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import { autoName } from '../../ops/naming.js'
import { Softmax } from '../activation-layers.js'
import type { ConfigTable } from '../config-table.js'
import { maskOf } from '../masks.js'
import { requirePositive } from '../options.js'
import { HEADS_CONFIG, HeadsLayer, type HeadsOptions, overHeads, requireSamePlaces } from './heads.js'

/**
 * query (batch, target, size), value and key (batch, source, size) → (batch, target, size):
 * `layer(query, value, key?, options?)`.
 *
 * @example
 * const attended = layers.groupQueryAttention(64, 8, 2)(x, x, { useCausalMask: true })
 */
export class GroupQueryAttention extends HeadsLayer {
  static override readonly className: string = 'GroupQueryAttention'
  static override readonly positional: readonly string[] = ['headDim', 'numQueryHeads', 'numKeyValueHeads']
  static override readonly configTable: ConfigTable = {
    headDim: 'value',
    numQueryHeads: 'value',
    numKeyValueHeads: 'value',
    ...HEADS_CONFIG,
  }
  readonly headDim: number
  readonly numQueryHeads: number
  readonly numKeyValueHeads: number

  constructor(headDim: number, numQueryHeads: number, numKeyValueHeads: number, options: HeadsOptions = {}) {
    // Keras names it after another name of the class than its files have.
    super({ ...options, name: options.name ?? autoName('GroupedQueryAttention') })
    this.headDim = requirePositive(headDim, 'headDim', this.name)
    this.numQueryHeads = requirePositive(numQueryHeads, 'numQueryHeads', this.name)
    this.numKeyValueHeads = requirePositive(numKeyValueHeads, 'numKeyValueHeads', this.name)
    if (numQueryHeads % numKeyValueHeads !== 0) {
      throw new ValueError({
        where: this.name,
        problem: 'numQueryHeads must be a multiple of numKeyValueHeads',
        received: `numQueryHeads=${numQueryHeads}, numKeyValueHeads=${numKeyValueHeads}`,
      })
    }
  }

  override build(query: PartialShape, value: PartialShape, key: PartialShape = value): void {
    requireSamePlaces(value, key)
    if (query.length !== 3 || value.length !== 3) {
      throw new ShapeError({ problem: 'it works on (batch, places, size)', received: `${formatShape(query)}, ${formatShape(value)}` })
    }
    const { headDim, numQueryHeads, numKeyValueHeads } = this
    this.queryDense = this.project('query', 'bqm,muh->bquh', [null, numQueryHeads, headDim], 'uh', query)
    this.keyDense = this.project('key', 'bkm,mvh->bkvh', [null, numKeyValueHeads, headDim], 'vh', key)
    if (this.useGate) this.gateDense = this.project('gate', 'bqm,muh->bquh', [null, numQueryHeads, headDim], 'uh', query)
    this.valueDense = this.project('value', 'bkm,mvh->bkvh', [null, numKeyValueHeads, headDim], 'vh', value)
    this.softmax = new Softmax({ axis: -1, dtype: this.dtypePolicy })
    const size = query[2] as number
    this.outputDense = this.project('attention_output', 'bquh,uhm->bqm', [null, size], 'm', [null, null, numQueryHeads, headDim])
  }

  /** Named as in Keras's files: after the fields there. */
  saveableChildren(): Iterable<readonly [string, unknown]> {
    const { queryDense, keyDense, gateDense, valueDense, outputDense } = this
    const parts = {
      _query_dense: queryDense,
      _key_dense: keyDense,
      _gate_dense: gateDense,
      _value_dense: valueDense,
      _output_dense: outputDense,
    }
    return Object.entries(parts).filter(([, part]) => part !== null && part !== undefined)
  }

  override call(...args: readonly unknown[]): Tensor | Tensor[] {
    const call = this.callOf(args)
    const { query, value, key, options } = call
    this.refuseScores(options)
    const { training = false, returnAttentionScores = false } = options
    const isSimple = this.dropout === 0 && !returnAttentionScores
    const isCausal = isSimple && (options.useCausalMask ?? false)
    const queryMask = options.queryMask ?? maskOf(query) ?? null
    const own = isCausal ? { ...call, options: { ...options, useCausalMask: false } } : call
    const mask = overHeads(this.maskFor(own, queryMask), 4, 2)
    const [q, k, v] = [this.queryDense.callOn([query]), this.keyDense.callOn([key]), this.valueDense.callOn([value])] as [
      Tensor,
      Tensor,
      Tensor,
    ]
    const scale = 1 / Math.sqrt(this.headDim)
    const [heads, scores] = isSimple
      ? [ops.dotProductAttention(q, k, v, { mask, scale, isCausal }), null]
      : this.#scored(lax.withNumber(q, lax.mul, scale), k, v, mask, training)
    const gated = this.gateDense === null ? heads : ops.multiply(heads, this.gateDense.callOn([query]) as Tensor)
    const output = this.outputDense.callOn([gated]) as Tensor
    return returnAttentionScores ? [output, scores as Tensor] : output
  }

  #scored(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | null, training: boolean): readonly [Tensor, Tensor] {
    const group = this.numQueryHeads / this.numKeyValueHeads
    const spread = (x: Tensor): Tensor => ops.repeat(x, group, { axis: 2 })
    const weights = this.weigh(ops.einsum('bquh,bkuh->buqk', query, spread(key)), mask)
    return [ops.einsum('buqk,bkuh->bquh', this.drop(weights, training), spread(value)), weights]
  }
}

export const groupQueryAttention = (...args: ConstructorParameters<typeof GroupQueryAttention>): GroupQueryAttention =>
  new GroupQueryAttention(...args)
