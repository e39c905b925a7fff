/** The opt-in check that no number in the data is NaN or infinite, and that those which name a class or a row name one. */
import { DataError } from '../core/errors.js'
import { mapTree, type Tree } from '../core/tree.js'
import { lax, Tensor, tidy } from '../engine/index.js'
import * as ops from '../ops/index.js'
import type { Arrays } from './convert.js'
import type { Feed } from './source.js'

/** Whole numbers that must be below a count: class numbers of a sparse loss, or rows of an Embedding. */
export interface Numbering {
  readonly where: string
  readonly tensor: Tensor
  readonly count: number
  /** What they number, in the plural. */
  readonly what: string
  /** One that may be there all the same. */
  readonly except?: number | null
}

/** Tells what in the data numbers something. */
export type Numberings = (arrays: Arrays) => readonly Numbering[]

/**
 * Looks through batches as they come; of whole arrays, `requireFiniteArrays` has seen all.
 *
 * @throws DataError that names the input and the place of the first such number.
 */
export async function requireFinite(feeds: readonly Feed[], firstBatch: number, numberings: Numberings): Promise<void> {
  for (const [i, feed] of feeds.entries())
    if (feed.kind === 'batch') await requireFiniteArrays(feed.arrays, numberings, `batch ${firstBatch + i}: `)
}

/** @throws DataError that names the input and the place of the first number that is none. */
export async function requireFiniteArrays(arrays: Arrays, numberings: Numberings, where = ''): Promise<void> {
  const { x, y, sampleWeight } = arrays
  for (const [name, tree] of Object.entries({ x, y, sampleWeight })) {
    const leaves: { readonly tensor: Tensor; readonly path: string }[] = []
    mapTree(tree as Tree<unknown>, (leaf, path) => {
      if (leaf instanceof Tensor && leaf.dtype.includes('float')) leaves.push({ tensor: leaf, path })
    })
    for (const { tensor, path } of leaves) await requireFiniteTensor(tensor, `${where}${path === '' ? name : `${name}.${path}`}`)
  }
  for (const numbering of numberings(arrays)) await requireNumbers(numbering, where)
}

async function requireNumbers({ where, tensor, count, what, except = null }: Numbering, batch: string): Promise<void> {
  const misses = (): Tensor => {
    const isOutside = ops.logicalOr(ops.less(tensor, 0), ops.greaterEqual(tensor, count))
    return except === null ? isOutside : ops.logicalAnd(isOutside, ops.notEqual(tensor, except))
  }
  const found = await firstOf(tensor, misses)
  if (found === undefined) return
  throw new DataError({
    where: `${batch}${where}`,
    problem: `there is a number that none of the ${count} ${what} has`,
    expected: `whole numbers from 0 to ${count - 1}`,
    received: `${found.value} in sample ${found.place[0] ?? 0}, at [${found.place.join(', ')}]; ${found.misses} of ${tensor.size} numbers`,
  })
}

async function requireFiniteTensor(tensor: Tensor, where: string): Promise<void> {
  const found = await firstOf(tensor, () => ops.logicalNot(ops.isfinite(tensor)))
  if (found === undefined) return
  throw new DataError({
    where,
    problem: `there is ${Number.isNaN(found.value) ? 'a NaN' : 'an infinite number'} in the data`,
    expected: 'finite numbers',
    received: `${found.value} in sample ${found.place[0] ?? 0}, at [${found.place.join(', ')}]; ${found.misses} of ${tensor.size} numbers are not finite`,
  })
}

/** The first number that misses what is asked for, where it is, and how many do; undefined where none does. */
async function firstOf(
  tensor: Tensor,
  misses: () => Tensor,
): Promise<{ readonly value: number; readonly place: readonly number[]; readonly misses: number } | undefined> {
  // Their number is all that most data has to tell.
  using count = tidy(() => ops.sum(ops.cast(misses(), 'int32')))
  if ((await count.item()) === 0) return undefined
  using bits = tidy(() => lax.reshape(misses(), [tensor.size]))
  const first = (await bits.data()).findIndex((value) => value !== 0)
  return { value: (await tensor.data())[first] as number, place: unravel(first, tensor.shape), misses: await count.item() }
}

function unravel(index: number, shape: readonly number[]): number[] {
  let rest = index
  const places: number[] = []
  for (const size of [...shape].reverse()) {
    places.unshift(rest % size)
    rest = Math.floor(rest / size)
  }
  return places
}
