/** A dataset of a file: its shape and dtype at once, its elements when asked for, all or some rows of them. */
import { SavingError, ValueError } from '../../core/errors.js'
import { BEST_PACKING } from '../../core/inflate.js'
import { copyBlock } from './copy-block.js'
import { type RawAttribute, readAttributes } from './format/attribute.js'
import { type ChunkedData, type StoredChunk, storedChunks } from './format/chunks.js'
import { Cursor, damagedAt } from './format/cursor.js'
import { type Dataspace, decodeDataspace } from './format/dataspace.js'
import { type Datatype, decodeDatatype } from './format/datatype.js'
import type { FileBytes } from './format/file-bytes.js'
import { decodeFill, decodeOldFill } from './format/fill.js'
import { decodeFilters, type Filters, unfilter } from './format/filters.js'
import { type ChunkedLayout, decodeLayout, type Layout } from './format/layout.js'
import { MESSAGE } from './format/messages.js'
import { findMessage, type ObjectHeader } from './format/object-header.js'
import { decodeTexts, elementsOf, H5Object, located, swapBytes } from './object.js'
import { H5_DTYPES, type H5Data, type H5DType } from './types.js'

/**
 * Elements that were never stored, or that were packed, are given without question up to this many bytes; beyond it only so many times
 * what is stored as the best packing gives.
 */
const UNQUESTIONED = 1 << 20

export interface H5ReadOptions {
  /** First row, along the first axis; 0 unless given. */
  readonly start?: number
  /** Row after the last; all unless given. */
  readonly stop?: number
  /** Where to put the elements, in the storage of the dtype (see `H5_DTYPES`) and of exactly their number. */
  readonly into?: H5Data
}

interface DatasetParts {
  readonly dataspace: Dataspace
  readonly datatype: Datatype
  readonly layout: Layout
  readonly filters: Filters
  /** Bytes of an element that was never written; undefined means zeros. */
  readonly fill: Uint8Array | undefined
}

export class H5Dataset extends H5Object {
  readonly kind = 'dataset'
  /** `[]` for a scalar; `[0]` for a dataset of no shape, see `isNull`. */
  readonly shape: readonly number[]
  readonly dtype: H5DType
  /** Bytes that an element takes in the file. */
  readonly itemSize: number
  /** A dataset without a shape: h5py's `Empty`. */
  readonly isNull: boolean
  readonly #parts: DatasetParts

  constructor(file: FileBytes, path: string, attributes: ReadonlyMap<string, RawAttribute>, parts: DatasetParts) {
    super(file, path, attributes)
    const { datatype, dataspace } = parts
    this.shape = dataspace.shape ?? [0]
    this.isNull = dataspace.shape === null
    this.dtype = datatype.dtype
    this.itemSize = datatype.itemSize
    this.#parts = parts
  }

  /** Number of elements. */
  get size(): number {
    return this.#parts.dataspace.size
  }

  /**
   * The elements in row-major order, or those of the rows from `start` to `stop`. Compare `shape` with what you expect before: a small
   * file may declare a large dataset. Throws a `SavingError` where the file is damaged, or declares much more than it stores.
   *
   * @example
   * const kernel = await file.dataset('layers/dense/vars/0')
   * const values = await kernel.read() // Float32Array
   */
  async read(options: H5ReadOptions = {}): Promise<H5Data> {
    return located(this.file, this.path, async () => {
      const { dtype, itemSize } = this
      if (dtype === 'string') throw new SavingError({ problem: 'the elements are text', hint: 'read them with strings()' })
      const rows = this.#rows(options)
      const bytes = options.into === undefined ? await this.#allocate(rows) : bytesOf(options.into, dtype, rows.size * itemSize)
      await this.#fill(bytes, rows)
      if (options.into === undefined) return elementsOf(this.#parts.datatype, bytes)
      if (this.#parts.datatype.bigEndian) swapBytes(bytes, itemSize)
      return options.into
    })
  }

  /** The elements of a dataset of text. */
  async strings(): Promise<string[]> {
    return located(this.file, this.path, async () => {
      if (this.dtype !== 'string')
        throw new SavingError({ problem: `the elements are ${this.dtype}, not text`, hint: 'read them with read()' })
      const rows = this.#rows({})
      const bytes = await this.#allocate(rows)
      await this.#fill(bytes, rows)
      return decodeTexts(this.file, this.#parts.datatype, new Cursor(bytes, 0, this.file.widths), rows.size)
    })
  }

  #rows({ start = 0, stop }: H5ReadOptions): Rows {
    const count = this.shape[0] ?? 1
    const end = stop ?? count
    if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= count))
      throw new ValueError({ problem: `there are no rows ${start} to ${end}`, expected: `0 to ${count}` })
    const perRow = count === 0 ? 0 : this.size / count
    return { start, stop: end, size: (end - start) * perRow, first: start * perRow }
  }

  /** Room for the elements, once it is sure that the file has about as many. */
  async #allocate(rows: Rows): Promise<Uint8Array> {
    const size = rows.size * this.itemSize
    const { layout } = this.#parts
    const isStored = layout.kind === 'compact' || (layout.kind === 'contiguous' && layout.address !== undefined)
    if (isStored) this.#checkStored(layout, rows)
    else if (size > UNQUESTIONED) {
      const stored = layout.kind === 'chunked' ? await this.#storedSize(layout) : 0
      if (size > stored * BEST_PACKING)
        throw new SavingError({
          problem: `the dataset declares ${size} bytes, but ${stored} are stored`,
          hint: 'a file that is small and asks for much memory may mean harm; if it does not, read the rows in parts or into an array',
        })
    }
    return new Uint8Array(size)
  }

  async #storedSize(layout: ChunkedLayout): Promise<number> {
    let stored = 0
    for await (const { size } of storedChunks(this.file, this.#chunkedData(layout))) stored += size
    return Math.min(stored, this.file.byteLength)
  }

  #checkStored(layout: Layout, rows: Rows): number {
    const needed = this.size * this.itemSize
    if (layout.kind === 'compact') {
      if (layout.value.bytes.byteLength < needed)
        throw layout.value.damaged(`the dataset needs ${needed} bytes and has ${layout.value.bytes.byteLength}`)
      return 0
    }
    const { address, size } = layout as { address: number; size: number | undefined }
    if (size !== undefined && size < needed) throw damagedAt(this.file.base + address, `the dataset needs ${needed} bytes and has ${size}`)
    this.file.check(address, needed)
    return address + rows.first * this.itemSize
  }

  /** Puts the rows into `target`, as they are in the file. */
  async #fill(target: Uint8Array, rows: Rows): Promise<void> {
    if (target.byteLength === 0) return
    const { layout, fill, datatype } = this.#parts
    if (layout.kind === 'compact') {
      this.#checkStored(layout, rows)
      target.set(layout.value.bytes.subarray(rows.first * this.itemSize).subarray(0, target.byteLength))
      return
    }
    if (layout.kind === 'contiguous' && layout.address !== undefined) {
      await this.file.read(this.#checkStored(layout, rows), target)
      return
    }
    fillWith(target, fill, datatype.itemSize)
    if (layout.kind === 'chunked') await this.#fillFromChunks(target, rows, layout)
  }

  async #fillFromChunks(target: Uint8Array, rows: Rows, layout: ChunkedLayout): Promise<void> {
    const data = this.#chunkedData(layout)
    const { itemSize } = this
    const shape = [rows.stop - rows.start, ...this.shape.slice(1)]
    for await (const chunk of storedChunks(this.file, data)) {
      const firstRow = chunk.origin[0]!
      if (firstRow >= rows.stop || firstRow + layout.chunkShape[0]! <= rows.start) continue
      const bytes = await this.#chunkBytes(chunk, data.chunkSize)
      const origin = chunk.origin.map((position, axis) => (axis === 0 ? position - rows.start : position))
      copyBlock(bytes, layout.chunkShape, target, shape, origin, itemSize)
    }
  }

  async #chunkBytes({ address, size, mask }: StoredChunk, chunkSize: number): Promise<Uint8Array> {
    const { filters } = this.#parts
    const position = this.file.check(address, size)
    const isPlain = filters.length === 0
    if (isPlain && size !== chunkSize) throw damagedAt(position, `a chunk has ${size} bytes instead of ${chunkSize}`)
    if (chunkSize > UNQUESTIONED && chunkSize > size * BEST_PACKING)
      throw damagedAt(position, `a chunk of ${chunkSize} bytes cannot come out of ${size}`)
    const stored = new Uint8Array(size)
    await this.file.read(address, stored)
    return isPlain ? stored : unfilter(stored, chunkSize, mask, filters, position)
  }

  #chunkedData(layout: ChunkedLayout): ChunkedData {
    const { dataspace, filters } = this.#parts
    const chunkSize = layout.chunkShape.reduce((size, axis) => size * axis, this.itemSize)
    if (
      chunkSize > UNQUESTIONED &&
      chunkSize > this.size * this.itemSize &&
      layout.chunkShape.some((size, axis) => size > this.shape[axis]!)
    )
      throw new SavingError({ problem: `chunks of ${chunkSize} bytes are larger than the dataset of shape [${this.shape}]` })
    return { layout, shape: this.shape, maxShape: dataspace.maxShape, chunkSize, filtered: filters.length > 0 }
  }
}

/** What the header of a dataset says. */
export async function readDataset(path: string, header: ObjectHeader): Promise<H5Dataset> {
  const { file } = header
  const required = async (kind: number, what: string): Promise<Cursor> => {
    const message = await findMessage(header, kind)
    if (message === undefined) throw damagedAt(file.base + header.address, `a dataset has no ${what}`)
    return message
  }
  if (await findMessage(header, MESSAGE.externalFiles))
    throw new SavingError({
      problem: 'the elements lie in other files',
      hint: 'only what is in the file itself is read: store the dataset in it',
    })
  const dataspace = decodeDataspace(await required(MESSAGE.dataspace, 'shape'))
  const stored = decodeDatatype(await required(MESSAGE.datatype, 'datatype'))
  const layout = decodeLayout(await required(MESSAGE.layout, 'layout'), dataspace)
  const filterMessage = await findMessage(header, MESSAGE.filters)
  const filters = filterMessage === undefined ? [] : decodeFilters(filterMessage)
  const [fillMessage, oldFill] = [await findMessage(header, MESSAGE.fillValue), await findMessage(header, MESSAGE.fillValueOld)]
  const fill = fillMessage ? decodeFill(fillMessage) : oldFill ? decodeOldFill(oldFill) : undefined
  if (fill !== undefined && fill.byteLength !== stored.itemSize && stored.dtype !== 'string')
    throw damagedAt(file.base + header.address, `the fill value has ${fill.byteLength} bytes, an element ${stored.itemSize}`)
  if (!Number.isSafeInteger(dataspace.size * stored.itemSize))
    throw damagedAt(file.base + header.address, 'the dataset is larger than anything')
  const attributes = await readAttributes(header)
  const datatype = { ...stored, dtype: await dtypeOf(stored, new H5Object(file, path, attributes)) }
  return new H5Dataset(file, path, attributes, { dataspace, datatype, layout, filters, fill })
}

/** Keras marks bfloat16, opaque bytes to h5py, with an attribute. */
async function dtypeOf({ dtype, itemSize }: Datatype, node: H5Object): Promise<H5DType> {
  if (dtype !== 'opaque' || itemSize !== 2 || !node.attributeNames.includes('dtype')) return dtype
  return (await node.attribute('dtype')) === 'bfloat16' ? 'bfloat16' : dtype
}

interface Rows {
  readonly start: number
  readonly stop: number
  /** Number of elements in them, and of those before. */
  readonly size: number
  readonly first: number
}

function bytesOf(into: H5Data, dtype: Exclude<H5DType, 'string'>, size: number): Uint8Array {
  const { array } = H5_DTYPES[dtype]
  if (!(into instanceof array) || into.byteLength !== size)
    throw new ValueError({
      problem: `the elements do not fit into the given array`,
      expected: `${array.name} of ${size} bytes`,
      received: `${into.constructor.name} of ${into.byteLength} bytes`,
    })
  return new Uint8Array(into.buffer, into.byteOffset, into.byteLength)
}

function fillWith(target: Uint8Array, fill: Uint8Array | undefined, itemSize: number): void {
  if (fill === undefined || fill.byteLength !== itemSize) {
    target.fill(0)
    return
  }
  target.set(fill)
  for (let done = fill.byteLength; done < target.byteLength; done *= 2) target.copyWithin(done, 0, Math.min(done, target.byteLength - done))
}
