/** The opt-in check that no number in the data is NaN or infinite. */
import { DataError } from '../core/errors.js'
import { mapTree, type Tree } from '../core/tree.js'
import { lax, Tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'
import type { Arrays } from './convert.js'
import type { Feed } from './source.js'

/**
 * Looks through batches as they come; of whole arrays, `requireFiniteArrays` has seen all.
 *
 * @throws DataError that names the input and the place of the first such number.
 */
export async function requireFinite(feeds: readonly Feed[], firstBatch: number): Promise<void> {
  for (const [i, feed] of feeds.entries()) if (feed.kind === 'batch') await requireFiniteArrays(feed.arrays, `batch ${firstBatch + i}: `)
}

/** @throws DataError that names the input and the place of the first number that is none. */
export async function requireFiniteArrays({ x, y, sampleWeight }: Arrays, where = ''): Promise<void> {
  for (const [name, tree] of Object.entries({ x, y, sampleWeight })) {
    const leaves: { readonly tensor: Tensor; readonly path: string }[] = []
    mapTree(tree as Tree<unknown>, (leaf, path) => {
      if (leaf instanceof Tensor && leaf.dtype.includes('float')) leaves.push({ tensor: leaf, path })
    })
    for (const { tensor, path } of leaves) await requireFiniteTensor(tensor, `${where}${path === '' ? name : `${name}.${path}`}`)
  }
}

async function requireFiniteTensor(tensor: Tensor, where: string): Promise<void> {
  // The number of bad values is all that most data has to tell.
  using bad = ops.sum(ops.cast(ops.logicalNot(ops.isfinite(tensor)), 'int32')) as Tensor
  if ((await bad.item()) === 0) return
  using bits = lax.reshape(ops.logicalNot(ops.isfinite(tensor)), [tensor.size])
  const first = (await bits.data()).findIndex((value) => value !== 0)
  const value = (await tensor.data())[first]
  const place = unravel(first, tensor.shape)
  throw new DataError({
    where,
    problem: `there is ${Number.isNaN(value) ? 'a NaN' : 'an infinite number'} in the data`,
    expected: 'finite numbers',
    received: `${value} in sample ${place[0] ?? 0}, at [${place.join(', ')}]; ${await bad.item()} of ${tensor.size} numbers are not finite`,
  })
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
