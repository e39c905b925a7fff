/** Integers to indices of a vocabulary and back. Follows `keras/src/layers/preprocessing/integer_lookup.py`. */
import { ValueError } from '../../core/errors.js'
import { lax, type Tensor, tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { tensorOf } from './batches.js'
import { countBelow } from './bins.js'
import { IndexLookup, type IndexLookupOptions } from './index-lookup.js'
import { hostValues } from './text-layer.js'

export interface IntegerLookupOptions extends IndexLookupOptions<number> {
  /** Only `'int64'`, as in Keras; numbers are kept as int32. */
  readonly vocabularyDtype?: string | undefined
}

/**
 * int (…) → int32 indices (…), or encoded as `outputMode` says; with `invert`, indices → integers. Works inside of models.
 *
 * @example
 * const lookup = layers.integerLookup({ vocabulary: [12, 36, 1138] })
 * lookup([[12, 1138, 42]])   // [[1, 3, 0]]
 */
export class IntegerLookup extends IndexLookup<number> {
  static override readonly className: string = 'IntegerLookup'
  static override readonly configTable: ConfigTable = { ...IndexLookup.configTable, vocabularyDtype: 'value' }
  readonly vocabularyDtype: string

  constructor({ vocabularyDtype = 'int64', ...options }: IntegerLookupOptions = {}) {
    super('IntegerLookup', 'number', -1, options)
    if (vocabularyDtype !== 'int64')
      throw new ValueError({ where: this.name, problem: 'unknown dtype of the vocabulary', expected: "'int64'", received: vocabularyDtype })
    this.vocabularyDtype = vocabularyDtype
  }

  protected override tokensOf(vocabulary: unknown): number[] {
    return Array.isArray(vocabulary) && vocabulary.length === 0
      ? []
      : Array.from(tensorOf(vocabulary, this.name).dataSync(), (value) => whole(value, this.name))
  }

  protected override parseToken(line: string): number {
    return whole(line.trim() === '' ? Number.NaN : Number(line), this.name)
  }

  protected override callOnStrings(): Tensor {
    throw new ValueError({ problem: 'only integers can be looked up', received: 'strings', hint: 'use a StringLookup' })
  }

  override call(inputs: Tensor): Tensor {
    if (inputs.isTraced) return this.#callTraced(lax.cast(inputs, 'int32'))
    const { values, shape } = hostValues(inputs, this, '')
    if (!this.invert) return this.lookUp({ values, shape })
    return tensor(
      Int32Array.from(values as ArrayLike<number>, (index) => this.tokenAt(index)),
      shape,
    )
  }

  #callTraced(x: Tensor): Tensor {
    const mask = this.maskToken
    const fill = (value: number): Tensor => lax.full(x.shape, 'int32', value)
    const masked = (y: Tensor, key: number, value: number): Tensor =>
      mask === null ? y : lax.select(lax.withNumber(x, lax.eq, key), fill(value), y)
    const count = this.tokens.length
    if (this.invert) {
      const at = lax.withNumber(x, lax.sub, this.tokenStart)
      const isInside = lax.logicalAnd(lax.withNumber(at, lax.ge, 0), lax.withNumber(at, lax.lt, count))
      const table = lax.constant(Int32Array.from(count === 0 ? [0] : this.tokens), [Math.max(1, count)], 'int32')
      const found = lax.gather(table, ops.clip(at, 0, Math.max(0, count - 1)), 0)
      return masked(lax.select(isInside, found, fill(this.oovToken as number)), 0, mask as number)
    }
    if (this.numOovIndices > 1 && this.oovMethod === 'farmhash') hostValues(x, this, 'hashes text')
    const oov =
      this.numOovIndices > 1
        ? lax.withNumber(lax.withNumber(x, lax.mod, this.numOovIndices), lax.add, this.oovStart)
        : fill(this.numOovIndices === 1 ? this.oovStart : -1)
    let indices = oov
    if (count > 0) {
      const order = [...this.tokens.keys()].sort((a, b) => (this.tokens[a] as number) - (this.tokens[b] as number))
      const sorted = lax.constant(
        Int32Array.from(order, (i) => this.tokens[i] as number),
        [count],
        'int32',
      )
      const places = lax.constant(
        Int32Array.from(order, (i) => i + this.tokenStart),
        [count],
        'int32',
      )
      const at = lax.withNumber(countBelow(x, sorted, true), lax.min, count - 1)
      indices = lax.select(lax.eq(lax.gather(sorted, at, 0), x), lax.gather(places, at, 0), oov)
    }
    return this.encode(masked(indices, mask as number, this.outputMode === 'int' ? 0 : 2 ** 31 - 1))
  }
}

function whole(value: number, where: string): number {
  if (Number.isInteger(value)) return value
  throw new ValueError({ where, problem: 'only integers can be looked up', received: String(value) })
}

export const integerLookup = (...args: ConstructorParameters<typeof IntegerLookup>): IntegerLookup => new IntegerLookup(...args)
