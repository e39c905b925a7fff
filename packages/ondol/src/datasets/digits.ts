/** Data sets of the MNIST kind: four IDX files, training and test, images and labels. */
import { DataError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { type Tensor, tensor } from '../engine/index.js'
import { gunzip, isGzip } from '../utils/gzip.js'
import type { Found, PublishedFile, Search } from './files.js'
import { parseIdx } from './idx.js'

/** Training and test data, each `[x, y]`. */
export type Split<X = Tensor, Y = Tensor> = [train: [x: X, y: Y], test: [x: X, y: Y]]

/** Names of the four files, as they are published. */
export const IDX_NAMES = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'] as const

/** What is packed holds no more than this: files that people made themselves may have other pictures, but not many more. */
const LARGEST = 2 ** 28

/** The four files as tensors; `find` gets one of them. */
export async function loadIdxSet(
  search: Search,
  find: (name: string) => Promise<Found | undefined>,
  files: readonly PublishedFile[],
): Promise<Split> {
  const parts: Part[] = []
  // One after the other: a missing network is told once, and progress lines do not mix.
  for (const [index, name] of IDX_NAMES.entries()) {
    const found = await find(name)
    if (found === undefined) throw search.failure(`${name}.gz was not found`, files)
    parts.push(await readPart(found, index % 2 === 0 ? 3 : 1))
  }
  const [xTrain, yTrain, xTest, yTest] = parts as [Part, Part, Part, Part]
  return [pairOf(xTrain, yTrain), pairOf(xTest, yTest)]
}

/** Local files may be packed or not. */
export const idxNames = (name: string): readonly string[] => [`${name}.gz`, name]

export interface Part {
  readonly data: Uint8Array
  readonly shape: readonly number[]
  readonly place: string
}

async function readPart({ bytes, place }: Found, rank: number): Promise<Part> {
  const content = isGzip(bytes) ? await gunzip(bytes, LARGEST, place) : bytes
  const { data, shape } = parseIdx(content, place)
  if (data instanceof Uint8Array && shape.length === rank) return { data, shape, place }
  throw new DataError({
    where: place,
    problem: 'this IDX file is not of the MNIST kind',
    expected: `uint8 of rank ${rank}`,
    received: `${data.constructor.name} ${formatShape(shape)}`,
  })
}

/** @throws DataError when there are not as many labels as images. */
export function pairOf(x: Part, y: Part): [Tensor, Tensor] {
  if (x.shape[0] === y.shape[0]) return [tensor(x.data, x.shape, 'uint8'), tensor(y.data, y.shape, 'uint8')]
  throw new DataError({
    where: x.place,
    problem: 'there are not as many labels as images',
    received: `images ${formatShape(x.shape)}, labels ${formatShape(y.shape)}`,
  })
}
