/** NumPy's archives as data sets have them: arrays of numbers, and of lists of numbers, which NumPy keeps as pickles. */
import { sourceOf } from '../core/bytes.js'
import { DataError } from '../core/errors.js'
import { formatShape, type Shape } from '../core/shape.js'
import type { H5Data } from '../saving/hdf5/index.js'
import { storedArray } from '../saving/npz.js'
import { ZipReader } from '../saving/zip/reader.js'
import { type Found, reading } from './files.js'
import { NumpyArray, type PickleValue, unpickle } from './unpickle.js'

export interface Numbers {
  readonly data: H5Data
  readonly shape: Shape
}

/** No array of a data set is larger. */
const LARGEST = 2 ** 31

export class NpzFile {
  readonly #zip: ZipReader
  readonly place: string

  private constructor(zip: ZipReader, place: string) {
    this.#zip = zip
    this.place = place
  }

  /** @throws DataError when it is no such archive, or damaged. */
  static open({ bytes, place }: Found): Promise<NpzFile> {
    return reading(place, async () => new NpzFile(await ZipReader.open(sourceOf(bytes, place)), place))
  }

  async #member(name: string): Promise<Uint8Array> {
    const member = `${name}.npy`
    if (!this.#zip.members.has(member))
      throw new DataError({
        where: this.place,
        problem: `the archive has no array '${name}'`,
        received: [...this.#zip.members.keys()].slice(0, 10).join(', ') || 'an empty archive',
        hint: 'is it the file of another data set?',
      })
    return this.#zip.read(member, LARGEST)
  }

  /** An array of numbers with `rank` axes. */
  numbers(name: string, rank: number): Promise<Numbers> {
    const where = `${this.place} → ${name}`
    return reading(where, async () => {
      const array = await storedArray(sourceOf(await this.#member(name), where))
      if (array.shape.length !== rank)
        throw new DataError({
          where,
          problem: 'the array has another shape',
          expected: `${rank} axes`,
          received: `${array.dtype} ${formatShape(array.shape)}`,
        })
      return { data: await array.read(), shape: array.shape }
    })
  }

  /** An array of lists of whole numbers. */
  lists(name: string): Promise<number[][]> {
    const where = `${this.place} → ${name}`
    return reading(where, async () => {
      const bytes = await this.#member(name)
      const start = pickleIn(bytes)
      if (start === undefined) return rowsOf(await this.numbers(name, 2))
      const array = unpickle(bytes.subarray(start), where)
      if (!(array instanceof NumpyArray) || array.shape.length !== 1 || array.data instanceof Uint8Array)
        throw new DataError({ where, problem: 'this is no array of lists' })
      // Lists that are there once may stand at many places: what is written down is not longer than the file.
      let room = bytes.length
      return array.data.map((list, row) => {
        const numbers = integersOf(list)
        room -= numbers?.length ?? 0
        if (numbers === undefined || room < 0)
          throw new DataError({
            where: `${where}[${row}]`,
            problem: room < 0 ? 'there are more numbers than bytes' : 'this is no list of whole numbers',
          })
        return numbers
      })
    })
  }
}

/** Where the pickle begins in an array of objects. */
function pickleIn(bytes: Uint8Array): number | undefined {
  const isFirst = bytes[6] === 1
  const [length, begin] = isFirst ? [bytes.subarray(8, 10), 10] : [bytes.subarray(8, 12), 12]
  const start = begin + length.reduceRight((value, byte) => value * 256 + byte, 0)
  const header = new TextDecoder('latin1').decode(bytes.subarray(begin, Math.min(start, begin + 100)))
  return /'descr': '[|<>=]O\d*'/.test(header) ? start : undefined
}

function integersOf(value: PickleValue): number[] | undefined {
  if (Array.isArray(value)) return value.every(Number.isSafeInteger) ? (value as number[]) : undefined
  if (!(value instanceof NumpyArray) || value.shape.length !== 1) return undefined
  const { data, dtype } = value
  if (!(data instanceof Uint8Array)) return integersOf(data)
  const width = Number(dtype.code.slice(1))
  if (!/^[iu][1248]$/.test(dtype.code)) return undefined
  const isBig = dtype.order === '>'
  const numbers: number[] = []
  for (let at = 0; at < data.length; at += width) {
    let bits = 0n
    for (let i = 0; i < width; i++) bits = bits * 256n + BigInt(data[isBig ? at + i : at + width - 1 - i] as number)
    numbers.push(Number(dtype.code.startsWith('i') ? BigInt.asIntN(8 * width, bits) : bits))
  }
  return integersOf(numbers)
}

const rowsOf = ({ data, shape }: Numbers): number[][] => {
  const [rows, length] = shape as [number, number]
  return Array.from({ length: rows }, (_, row) =>
    Array.from(data.subarray(row * length, (row + 1) * length) as Iterable<number | bigint>, Number),
  )
}
