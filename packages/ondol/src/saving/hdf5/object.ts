/** What groups and datasets of a file have in common: a place in it, and attributes. */
import { SavingError } from '../../core/errors.js'
import type { RawAttribute } from './format/attribute.js'
import type { Cursor } from './format/cursor.js'
import type { Datatype } from './format/datatype.js'
import type { FileBytes } from './format/file-bytes.js'
import { H5_DTYPES, type H5Data, type H5NumericDType, type H5Value } from './types.js'

export class H5Object {
  readonly #attributes: ReadonlyMap<string, RawAttribute>

  /** `path` begins with `/`. */
  constructor(
    protected readonly file: FileBytes,
    readonly path: string,
    attributes: ReadonlyMap<string, RawAttribute>,
  ) {
    this.#attributes = attributes
  }

  get attributeNames(): readonly string[] {
    return [...this.#attributes.keys()]
  }

  /**
   * The value of an attribute, or undefined if there is none: a plain value for a scalar (int64 as a number where it is exact), a list
   * for text, a typed array for numbers, null for h5py's `Empty`. Throws a `SavingError` for types that cannot be read.
   */
  async attribute(name: string): Promise<H5Value | undefined> {
    const attribute = this.#attributes.get(name)
    if (attribute === undefined) return undefined
    return located(this.file, `${this.path} → attribute '${name}'`, async () => {
      const { datatype, dataspace, value } = await attribute.read()
      if (dataspace.shape === null) return null
      const isScalar = dataspace.shape.length === 0
      if (datatype.dtype === 'string') {
        const texts = await decodeTexts(this.file, datatype, value, dataspace.size)
        return isScalar ? texts[0]! : texts
      }
      const bytes = value.bytes.slice()
      const data = elementsOf(datatype, bytes)
      return isScalar ? scalarOf(datatype.dtype, data) : data
    })
  }
}

function scalarOf(dtype: H5NumericDType, data: H5Data): H5Value {
  const value = data[0]!
  if (dtype === 'bool') return value !== 0
  if (dtype === 'opaque' || dtype === 'float16' || dtype === 'bfloat16') return data
  return typeof value === 'bigint' && BigInt.asIntN(53, value) === value ? Number(value) : value
}

/** Bytes of a file as elements of its datatype; `bytes` has been allocated for this alone. Every engine's typed arrays are little-endian. */
export function elementsOf({ dtype, bigEndian, itemSize }: Datatype, bytes: Uint8Array): H5Data {
  if (bigEndian) swapBytes(bytes, itemSize)
  if (dtype === 'string') throw new SavingError({ problem: 'text is not numbers' })
  const { array: Elements, bytes: size } = H5_DTYPES[dtype]
  return new Elements(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / size)
}

export function swapBytes(bytes: Uint8Array, itemSize: number): void {
  for (let start = 0; start < bytes.byteLength; start += itemSize) bytes.subarray(start, start + itemSize).reverse()
}

/** `count` texts, from the bytes of their elements. */
export async function decodeTexts(file: FileBytes, { text, itemSize }: Datatype, elements: Cursor, count: number): Promise<string[]> {
  const texts: string[] = []
  const known = new Map<string, string>()
  const utf8 = new TextDecoder()
  for (let i = 0; i < count; i++) {
    const element = elements.part(itemSize)
    if (text === 'variable') {
      texts.push(await file.globalHeap.text(element, known))
      continue
    }
    const end = element.bytes.indexOf(0)
    const whole = utf8.decode(end < 0 ? element.bytes : element.bytes.subarray(0, end))
    texts.push(text === 'space' ? whole.replace(/ +$/, '') : whole)
  }
  return texts
}

/** Runs `action`; a `SavingError` from it says in which file and at which object it happened. */
export async function located<T>(file: FileBytes, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw error instanceof SavingError ? error.within(`${file.source.name} → ${path}`) : error
  }
}
