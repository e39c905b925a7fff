/**
 * CIFAR-10 and CIFAR-100 in both forms that are published: Python's pickles and plain records; in their archive or in a
 * folder. Follows `keras/src/datasets/cifar.py`.
 */
import { sourceOf } from '../core/bytes.js'
import { DataError } from '../core/errors.js'
import { type Tensor, tensor } from '../engine/index.js'
import { requireDataFormat } from '../ops/config.js'
import { tarMembers } from '../utils/tar.js'
import type { Split } from './digits.js'
import { type Found, type PublishedFile, type PublishedSet, Search, type SourceOptions } from './files.js'
import { NumpyArray, textOf, unpickle } from './unpickle.js'

export interface CifarFiles {
  readonly set: PublishedSet
  /** What is downloaded. */
  readonly python: PublishedFile
  /** Folders in the archives: Python's and the records'. */
  readonly folders: readonly string[]
  /** Names of pickles; records are called the same with `.bin`. */
  readonly train: readonly string[]
  readonly test: readonly string[]
  /** Name of the labels in a pickle. */
  readonly labels: string
  /** Bytes before the pixels of a record, and which of them is the label. */
  readonly header: number
  readonly label: number
  /** What to do where files are missing. */
  readonly hint?: string
}

const SIDE = 32
const PLANE = SIDE * SIDE
const PIXELS = 3 * PLANE

/** No file in the archives is larger. */
const LARGEST = 2 ** 28

interface Batch {
  /** Images one after the other, each as three planes. */
  readonly planes: Uint8Array
  readonly labels: Uint8Array
}

/** Images (n, 32, 32, 3), or channels first where that is the default, and labels (n, 1), all uint8. */
export async function loadCifar(files: CifarFiles, options: SourceOptions): Promise<Split> {
  const search = new Search(files.set, options)
  const names = [...files.train, ...files.test]
  const archives = [files.python.name, files.python.name.replace('python', 'binary')]
  const given = (await search.given()) ?? (await search.local(archives))
  const found = given === undefined ? await inFolder(search, names, files.folders) : await inArchive(given, names)
  const parts = found ?? (await fromNet(search, files, names))
  const load = (part: readonly string[]): [Tensor, Tensor] => {
    const batches = part.map((name) => {
      const file = parts.get(name)
      if (file !== undefined) return batchIn(file, files)
      const received = [...parts.keys()].join(', ') || 'none of its files'
      throw new DataError({
        where: [...parts.values()][0]?.place ?? files.set.where,
        problem: `the file ${name} is missing`,
        received,
        ...(files.hint !== undefined && { hint: files.hint }),
      })
    })
    return tensorsOf(batches)
  }
  return [load(files.train), load(files.test)]
}

async function fromNet(search: Search, files: CifarFiles, names: readonly string[]): Promise<Map<string, Found>> {
  const archive = await search.published(files.python)
  if (archive === undefined) throw search.failure(`neither ${files.python.name} nor ${names[0]} was found`, [files.python])
  return inArchive(archive, names)
}

/** The files by their names without `.bin`; nothing if the first one is not there. */
async function inFolder(search: Search, names: readonly string[], inner: readonly string[]): Promise<Map<string, Found> | undefined> {
  const parts = new Map<string, Found>()
  for (const name of names) {
    const found = await search.local([name, `${name}.bin`], inner)
    if (found !== undefined) parts.set(name, found)
    else if (parts.size === 0) return undefined
  }
  return parts
}

async function inArchive({ bytes, place }: Found, names: readonly string[]): Promise<Map<string, Found>> {
  const parts = new Map<string, Found>()
  for await (const member of tarMembers(sourceOf(bytes, place))) {
    const file = member.name.slice(member.name.lastIndexOf('/') + 1)
    const name = names.find((one) => file === one || file === `${one}.bin`)
    if (name === undefined) continue
    if (member.byteLength > LARGEST)
      throw new DataError({ where: `${place} → ${member.name}`, problem: 'the file is too large', received: `${member.byteLength} bytes` })
    const content = new Uint8Array(member.byteLength)
    let at = 0
    for await (const piece of member.pieces()) {
      content.set(piece, at)
      at += piece.length
    }
    parts.set(name, { bytes: content, place: `${place} → ${member.name}` })
  }
  return parts
}

function batchIn({ bytes, place }: Found, { labels, header, label }: CifarFiles): Batch {
  if (!place.endsWith('.bin')) return unpickled(bytes, place, labels)
  const record = header + PIXELS
  const count = bytes.length / record
  if (!Number.isInteger(count))
    throw new DataError({
      where: place,
      problem: 'the last record is cut off',
      expected: `records of ${record} bytes`,
      received: `${bytes.length} bytes, ${bytes.length % record} after the last whole record`,
    })
  const batch = { planes: new Uint8Array(count * PIXELS), labels: new Uint8Array(count) }
  for (let i = 0; i < count; i++) {
    batch.labels[i] = bytes[i * record + label] as number
    batch.planes.set(bytes.subarray(i * record + header, (i + 1) * record), i * PIXELS)
  }
  return batch
}

function unpickled(bytes: Uint8Array, place: string, key: string): Batch {
  const fail = (problem: string, received?: string): DataError =>
    new DataError({ where: place, problem, ...(received !== undefined && { received }) })
  const content = unpickle(bytes, place)
  if (!(content instanceof Map)) throw fail('this pickle is no batch of CIFAR')
  const [data, labels] = [content.get('data'), content.get(key)]
  const isData =
    data instanceof NumpyArray && data.shape.length === 2 && data.shape[1] === PIXELS && data.dtype.code === 'u1' && !data.isFortran
  if (!isData || !(data.data instanceof Uint8Array))
    throw fail("'data' are no pixels of CIFAR", `entries ${[...content.keys()].join(', ')}`)
  if (!Array.isArray(labels))
    throw fail(`there is no list '${key}'`, `entries ${[...content.keys()].map((name) => textOf(name as string)).join(', ')}`)
  if (labels.length !== data.shape[0]) throw fail('there are not as many labels as images', `${labels.length} for ${data.shape[0]}`)
  const wrong = labels.find((one) => !Number.isInteger(one) || (one as number) < 0 || (one as number) > 255)
  if (wrong !== undefined) throw fail('a label is no class', String(wrong))
  return { planes: data.data, labels: Uint8Array.from(labels as number[]) }
}

function tensorsOf(batches: readonly Batch[]): [Tensor, Tensor] {
  const count = batches.reduce((sum, { labels }) => sum + labels.length, 0)
  const isFirst = requireDataFormat(undefined, 'datasets') === 'channels_first'
  const images = new Uint8Array(count * PIXELS)
  const labels = new Uint8Array(count)
  let row = 0
  for (const batch of batches) {
    if (isFirst) images.set(batch.planes, row * PIXELS)
    else interleave(batch.planes, images, row * PIXELS)
    labels.set(batch.labels, row)
    row += batch.labels.length
  }
  const shape = isFirst ? [count, 3, SIDE, SIDE] : [count, SIDE, SIDE, 3]
  return [tensor(images, shape, 'uint8'), tensor(labels, [count, 1], 'uint8')]
}

/** Three planes an image as three bytes a pixel. */
function interleave(planes: Uint8Array, images: Uint8Array, start: number): void {
  for (let from = 0, to = start; from < planes.length; from += PIXELS) {
    for (let pixel = 0; pixel < PLANE; pixel++, to += 3) {
      images[to] = planes[from + pixel] as number
      images[to + 1] = planes[from + PLANE + pixel] as number
      images[to + 2] = planes[from + 2 * PLANE + pixel] as number
    }
  }
}
