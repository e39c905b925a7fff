/** Data as people have it → tensors with samples along axis 0. */
import { DataError, OndolError } from '../core/errors.js'
import { formatShape, type PartialShape, sizeOf } from '../core/shape.js'
import { flatten, type Tree } from '../core/tree.js'
import { HostArray } from '../data/host-array.js'
import { lax, Tensor, tensor, Variable } from '../engine/index.js'
import type { TensorLike } from '../ops/define.js'
import type { KerasTensor } from '../ops/operation.js'
import { isRecord } from './outputs.js'

/** Tensors, typed arrays or nested arrays of numbers, samples first; several in a list, or a record by name; null for none. */
export type DataLike = TensorLike | HostArray | readonly (DataLike | null)[] | { readonly [name: string]: DataLike | null }

/** What the data is for. */
export interface Expected {
  readonly symbols?: readonly KerasTensor[] | undefined
  readonly names?: readonly string[] | undefined
  readonly count?: number | undefined
  /** How they are nested. */
  readonly structure?: Tree<unknown> | undefined
}

/** Makes tensors, and remembers those that it made, to give their memory back at the end. */
export class Converter {
  readonly #made: Tensor[] = []

  /**
   * `what` is `x`, `y`, … for messages; `symbols` are the model's inputs, as far as known: they say how many
   * tensors a list of number arrays means (`count` does where shapes do not matter), and what shape a flat
   * typed array has.
   */
  convert(data: DataLike, what: string, expected: Expected = {}): Tree<Tensor> {
    const { symbols, names, structure, count = symbols?.length ?? 1 } = expected
    if (isLeaf(data)) return this.#leaf(data, what, symbols?.length === 1 ? symbols[0] : undefined)
    if (isRecord(data)) {
      const entries = Object.entries(data).filter(([, item]) => item !== null && item !== undefined)
      return Object.fromEntries(
        entries.map(([name, item]) => {
          const inner = isRecord(structure) ? structure[name] : undefined
          return [name, this.convert(item as DataLike, `${what}.${name}`, partOf(expected, names?.indexOf(name) ?? -1, inner))]
        }),
      )
    }
    if (Array.isArray(data)) {
      const nested = Array.isArray(structure) ? structure : undefined
      const isListOfInputs = !isNumeric(data) || (count > 1 && (data.length === count || data.length === nested?.length))
      if (!isListOfInputs) return this.#leaf(data as TensorLike, what, symbols?.[0])
      const isNested = nested !== undefined && nested.length === data.length && nested.length !== count
      const items = (data as readonly DataLike[]).flatMap((item, place) => (item === null || item === undefined ? [] : [{ item, place }]))
      return items.map(({ item, place }) =>
        this.convert(item, `${what}[${place}]`, partOf(expected, count === data.length ? place : -1, isNested ? nested[place] : undefined)),
      )
    }
    throw new DataError({
      where: what,
      problem: 'this is no data',
      expected: 'tensors, typed arrays or nested arrays of numbers, samples first',
      received: data === null ? 'null' : `${typeof data} ${String(data)}`,
    })
  }

  #leaf(data: TensorLike | HostArray, what: string, symbol: KerasTensor | undefined): Tensor {
    if (data instanceof Tensor) return data
    if (data instanceof Variable) return data.value
    if (data instanceof HostArray) return this.own(data.toTensor())
    try {
      return this.own(tensor(data, ArrayBuffer.isView(data) && symbol !== undefined ? flatShape(data.length, symbol.shape) : undefined))
    } catch (error) {
      throw error instanceof OndolError ? error.within(what) : error
    }
  }

  /** Takes over a tensor, to be disposed with the others. */
  own(made: Tensor): Tensor {
    this.#made.push(made)
    return made
  }

  dispose(): void {
    for (const made of this.#made.splice(0)) made.dispose()
  }
}

/** What is expected of one of several: the input at that place, or a structure of its own. */
function partOf({ symbols }: Expected, place: number, structure: Tree<unknown> | undefined): Expected {
  if (Array.isArray(structure) || isRecord(structure)) return { structure, count: flatten(structure).length }
  const symbol = symbols?.[place]
  return symbol === undefined ? {} : { symbols: [symbol] }
}

const isLeaf = (data: DataLike): data is Tensor | Variable | HostArray | Exclude<TensorLike, readonly unknown[]> =>
  data instanceof Tensor ||
  data instanceof Variable ||
  data instanceof HostArray ||
  ArrayBuffer.isView(data) ||
  typeof data === 'number' ||
  typeof data === 'boolean'

function isNumeric(data: readonly unknown[]): boolean {
  let first: unknown = data
  while (Array.isArray(first) && first.length > 0) first = first[0]
  return typeof first === 'number' || typeof first === 'boolean' || (Array.isArray(first) && first.length === 0)
}

/** A flat array gets the shape of the input it is for, if it fills whole samples. */
function flatShape(length: number, shape: PartialShape): number[] | undefined {
  const sample = shape.slice(1)
  if (sample.length === 0 || sample.some((size) => size === null)) return undefined
  const sampleSize = sizeOf(sample as number[])
  return sampleSize > 1 && length % sampleSize === 0 ? [length / sampleSize, ...(sample as number[])] : undefined
}

/** The x, y and sample weights of one run. */
export interface Arrays {
  readonly x: Tree<Tensor>
  readonly y: Tree<Tensor> | null
  readonly sampleWeight: Tree<Tensor> | null
}

/**
 * The number of samples, the same in all of them.
 *
 * @throws DataError that lists the numbers.
 */
export function countSamples({ x, y, sampleWeight }: Arrays): number {
  const parts = { x, y, sampleWeight }
  const sizes = Object.entries(parts).flatMap(([name, tree]) =>
    tree === null ? [] : [{ name, counts: flatten(tree).map((leaf) => samplesOf(leaf, name)) }],
  )
  const first = sizes[0]?.counts[0] as number
  if (sizes.every(({ counts }) => counts.every((count) => count === first))) return first
  throw new DataError({
    where: 'data',
    problem: 'the arrays do not have the same number of samples',
    expected: 'one size of axis 0 in all of them',
    received: sizes.map(({ name, counts }) => `${name}: ${counts.join(', ')}`).join('; '),
  })
}

function samplesOf({ shape }: Tensor, name: string): number {
  const [count] = shape
  if (count === undefined)
    throw new DataError({
      where: name,
      problem: 'a single number is no array of samples',
      expected: 'samples along axis 0',
      received: formatShape(shape),
    })
  return count
}

/** Rows `from` to `to` of every array. */
export function sliceArrays(arrays: Arrays, from: number, to: number, converter: Converter): Arrays {
  const slice = (leaf: Tensor): Tensor => {
    const rest = leaf.shape.slice(1)
    const part = lax.slice(leaf, [from, ...rest.map(() => 0)], [to - from, ...rest])
    return part === leaf ? part : converter.own(part)
  }
  const sliceTree = (tree: Tree<Tensor>): Tree<Tensor> => {
    if (tree instanceof Tensor) return slice(tree)
    if (Array.isArray(tree)) return tree.map(sliceTree)
    return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, sliceTree(item as Tree<Tensor>)]))
  }
  const { x, y, sampleWeight } = arrays
  return { x: sliceTree(x), y: y === null ? null : sliceTree(y), sampleWeight: sampleWeight === null ? null : sliceTree(sampleWeight) }
}
