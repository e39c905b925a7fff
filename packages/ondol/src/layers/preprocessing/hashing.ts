/** Strings and numbers put into bins by their hash. Follows `keras/src/layers/preprocessing/hashing.py`. */
import { isFloat } from '../../core/dtype.js'
import { DTypeError, ValueError } from '../../core/errors.js'
import { type Tensor, tensor } from '../../engine/index.js'
import { floatx } from '../../ops/config.js'
import type { ConfigTable } from '../config-table.js'
import type { LayerOptions } from '../layer.js'
import { requirePositive } from '../options.js'
import { encodeCategorical, type OutputMode, refuseSparse, requireMode } from './encode.js'
import { binOf, type Salt } from './fingerprint.js'
import type { StringTensor } from './string-tensor.js'
import { hostValues, TextLayer } from './text-layer.js'

export interface HashingOptions extends LayerOptions {
  /** This value alone goes to bin 0. */
  readonly maskValue?: string | number | null | undefined
  /** Key of a hash that nobody can guess: SipHash instead of FarmHash. */
  readonly salt?: Salt | null | undefined
  /** `'int'` (default), `'one_hot'`, `'multi_hot'` or `'count'`. */
  readonly outputMode?: string | undefined
  readonly sparse?: boolean | undefined
}

/** A salt as two numbers. @throws ValueError when it is something else. */
export function keyOf(salt: Salt | null | undefined, where: string): readonly [number, number] | null {
  if (salt === null || salt === undefined) return null
  const key = typeof salt === 'number' ? [salt, salt] : salt
  if (key.length === 2 && key.every(Number.isInteger)) return [key[0] as number, key[1] as number]
  throw new ValueError({ where, problem: 'this is no salt', expected: 'a whole number, or two', received: String(salt) })
}

/**
 * Strings or ints (…) → int32 bins (…), or encoded as `outputMode` says. Without a vocabulary: what hashes alike falls together.
 *
 * @example
 * layers.hashing(3)([['A'], ['B'], ['C']])   // [[1], [0], [1]]
 */
export class Hashing extends TextLayer {
  static override readonly className: string = 'Hashing'
  static override readonly positional: readonly string[] = ['numBins']
  static override readonly configTable: ConfigTable = {
    numBins: 'value',
    salt: 'value',
    maskValue: 'value',
    outputMode: 'value',
    sparse: 'value',
  }
  readonly numBins: number
  readonly maskValue: string | number | null
  readonly salt: readonly [number, number] | null
  readonly outputMode: OutputMode
  readonly sparse: boolean

  constructor(numBins: number, options: HashingOptions = {}) {
    const { maskValue = null, salt = null, outputMode = 'int', sparse = false, dtype, ...rest } = options
    const mode = requireMode(outputMode, ['int', 'one_hot', 'multi_hot', 'count'], 'Hashing')
    super({ ...rest, dtype: dtype ?? (mode === 'int' ? 'int64' : floatx()) })
    refuseSparse(sparse, this.name)
    if (mode === 'int' && this.dtype !== 'int32')
      throw new DTypeError({
        where: this.name,
        problem: "the output mode 'int' gives whole numbers",
        expected: "dtype 'int32' or 'int64'",
        received: this.dtype,
      })
    this.numBins = requirePositive(numBins, 'numBins', this.name)
    this.maskValue = maskValue
    this.salt = keyOf(salt, this.name)
    this.outputMode = mode
    this.sparse = sparse
  }

  protected override callOnStrings(inputs: StringTensor): Tensor {
    return this.#hash(inputs)
  }

  override call(inputs: Tensor): Tensor {
    return this.#hash(inputs)
  }

  #hash(inputs: StringTensor | Tensor): Tensor {
    const { values, shape } = hostValues(inputs, this, 'hashes text')
    // One bin is kept for what is masked.
    const masks = this.maskValue !== null && this.numBins > 1
    const bins = masks ? this.numBins - 1 : this.numBins
    const isNumber = inputs.dtype !== 'string' && isFloat(inputs.dtype)
    const indices = Int32Array.from(values as ArrayLike<unknown> as ArrayLike<number>, (value: string | number) => {
      if (masks && value === this.maskValue) return 0
      return binOf(isNumber ? String(Math.trunc(value as number)) : String(value), bins, this.salt) + (masks ? 1 : 0)
    })
    return encodeCategorical(tensor(indices, shape), this.outputMode, this.numBins, this.computeDtype)
  }
}

export const hashing = (...args: ConstructorParameters<typeof Hashing>): Hashing => new Hashing(...args)
