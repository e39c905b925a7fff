/** Strings to indices of a vocabulary and back. Follows `keras/src/layers/preprocessing/string_lookup.py`. */
import { ValueError } from '../../core/errors.js'
import type { Tensor } from '../../engine/index.js'
import type { ConfigTable } from '../config-table.js'
import { IndexLookup, type IndexLookupOptions } from './index-lookup.js'
import { asStrings, StringTensor } from './string-tensor.js'
import { hostValues } from './text-layer.js'

export interface StringLookupOptions extends IndexLookupOptions<string> {
  /** Only `'utf-8'`. */
  readonly encoding?: string | undefined
}

/**
 * Strings (…) → int32 indices (…), or encoded as `outputMode` says; with `invert`, indices → `StringTensor`.
 *
 * @example
 * const lookup = layers.stringLookup({ vocabulary: ['a', 'b'] })
 * lookup([['b', 'c']])   // [[2, 0]]
 */
export class StringLookup extends IndexLookup<string> {
  static override readonly className: string = 'StringLookup'
  static override readonly configTable: ConfigTable = { ...IndexLookup.configTable, encoding: 'value' }
  readonly encoding: string

  constructor({ encoding = 'utf-8', ...options }: StringLookupOptions = {}) {
    super('StringLookup', 'string', '[UNK]', options)
    this.encoding = requireUtf8(encoding, this.name)
  }

  protected override tokensOf(vocabulary: unknown): string[] {
    return [...asStrings(vocabulary, this.name).dataSync()]
  }

  protected override parseToken(line: string): string {
    return line
  }

  protected override callOnStrings(inputs: StringTensor): Tensor {
    if (this.invert) throw new ValueError({ problem: 'with invert, indices go in', received: 'strings' })
    return this.lookUp({ values: inputs.dataSync(), shape: inputs.shape })
  }

  override call(inputs: Tensor): Tensor {
    if (!this.invert) throw this.needsStrings(inputs)
    const { values, shape } = hostValues(inputs, this, 'makes strings')
    // What comes out is strings: outside of models everything may.
    return new StringTensor(
      Array.from(values, (index) => this.tokenAt(index as number)),
      shape,
    ) as unknown as Tensor
  }
}

/** Strings are Unicode here. */
export function requireUtf8(encoding: string, where: string): string {
  if (/^utf-?8$/i.test(encoding)) return encoding
  throw new ValueError({ where, problem: 'strings are Unicode already', expected: "'utf-8'", received: `'${encoding}'` })
}

export const stringLookup = (...args: ConstructorParameters<typeof StringLookup>): StringLookup => new StringLookup(...args)
