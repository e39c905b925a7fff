/** Shape and layout: `keras.ops.numpy` reshape, transpose, concatenate, pad, … */
import { ShapeError } from '../core/errors.js'
import { formatShape, normalizeAxes, normalizeAxis, type PartialShape, type Shape, sizeOf } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { asTensor, type TensorLike } from './define.js'
import { onTensor } from './kinds.js'

/** A target shape with one -1 worked out from the number of elements. */
export function resolveShape(target: readonly number[], size: number, where: string): number[] {
  const unknown = target.indexOf(-1)
  const known = sizeOf(target.filter((n) => n !== -1))
  const fits = unknown < 0 ? known === size : target.lastIndexOf(-1) === unknown && known > 0 && size % known === 0
  if (!fits) {
    throw new ShapeError({
      where,
      problem: 'the number of elements must stay the same',
      expected: `a shape of ${size} elements${unknown >= 0 ? ', with at most one -1' : ''}`,
      received: formatShape(target),
    })
  }
  return target.map((n) => (n === -1 ? size / known : n))
}

export const reshape = onTensor<{ newshape: readonly number[] }>('Reshape', ['newshape'], (x, { newshape }) => {
  return lax.reshape(x, resolveShape(newshape, x.size, 'reshape'))
})

/** Axes in another order; reversed without `axes`. */
export const transpose = onTensor<{ axes?: readonly number[] }>('Transpose', ['axes'], (x, { axes }) => {
  const order = axes?.map((axis) => normalizeAxis(axis, x.rank, 'transpose')) ?? x.shape.map((_, axis) => x.rank - 1 - axis)
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new ShapeError({
      where: 'transpose',
      problem: 'axes must be a permutation',
      expected: `each of 0..${x.rank - 1} once`,
      received: `[${axes}]`,
    })
  }
  return lax.transpose(x, order)
})

export const swapaxes = onTensor<{ axis1: number; axis2: number }>('Swapaxes', ['axis1', 'axis2'], (x, { axis1, axis2 }) => {
  const [a, b] = [normalizeAxis(axis1, x.rank, 'swapaxes'), normalizeAxis(axis2, x.rank, 'swapaxes')]
  return lax.transpose(
    x,
    x.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis)),
  )
})

export const moveaxis = onTensor<{ source: number | readonly number[]; destination: number | readonly number[] }>(
  'Moveaxis',
  ['source', 'destination'],
  (x, { source, destination }) => {
    const list = (axes: number | readonly number[]): number[] =>
      [axes].flat().map((axis) => normalizeAxis(axis as number, x.rank, 'moveaxis'))
    const [from, to] = [list(source), list(destination)]
    if (from.length !== to.length)
      throw new ShapeError({
        where: 'moveaxis',
        problem: 'source and destination differ in length',
        received: `${from.length} and ${to.length}`,
      })
    const order = x.shape.map((_, axis) => axis).filter((axis) => !from.includes(axis))
    to.map((at, i) => [at, from[i] as number] as const)
      .sort(([a], [b]) => a - b)
      .forEach(([at, axis]) => order.splice(at, 0, axis))
    return lax.transpose(x, order)
  },
)

/** New axes of size 1; positions refer to the result. */
export const expandDims = onTensor<{ axis: number | readonly number[] }>('ExpandDims', ['axis'], (x, { axis }) => {
  const added = normalizeAxes(axis, x.rank + [axis].flat().length, 'expandDims')
  const shape = [...x.shape]
  for (const at of added) shape.splice(at, 0, 1)
  return lax.reshape(x, shape)
})

export const squeeze = onTensor<{ axis?: number | readonly number[] | null }>('Squeeze', ['axis'], (x, { axis }) => {
  const all = axis === undefined || axis === null
  const removed = all ? x.shape.flatMap((size, i) => (size === 1 ? [i] : [])) : normalizeAxes(axis, x.rank, 'squeeze')
  const wrong = removed.find((i) => x.shape[i] !== 1)
  if (wrong !== undefined)
    throw new ShapeError({ where: 'squeeze', problem: `axis ${wrong} is not of size 1`, received: formatShape(x.shape) })
  return lax.reshape(
    x,
    x.shape.filter((_, i) => !removed.includes(i)),
  )
})

export const broadcastTo = onTensor<{ shape: Shape }>('BroadcastTo', ['shape'], (x, { shape }) => {
  const offset = shape.length - x.rank
  const fits = offset >= 0 && x.shape.every((size, axis) => size === 1 || size === shape[axis + offset])
  if (!fits)
    throw new ShapeError({
      where: 'broadcastTo',
      problem: 'the tensor cannot be broadcast to the shape',
      expected: formatShape(shape),
      received: formatShape(x.shape),
    })
  return lax.broadcastTo(x, shape)
})

export const flip = onTensor<{ axis?: number | readonly number[] | null }>('Flip', ['axis'], (x, { axis }) => {
  return lax.flip(x, normalizeAxes(axis, x.rank, 'flip'))
})

export type PadMode = 'constant' | 'reflect' | 'symmetric' | 'edge'

/** Grows a tensor; `padWidth` is a number, [low, high], or one pair for each axis. */
export const pad = onTensor<{
  padWidth: number | readonly [number, number] | readonly (readonly [number, number])[]
  mode?: PadMode
  constantValues?: number
}>('Pad', ['padWidth', 'mode', 'constantValues'], (x, { padWidth, mode = 'constant', constantValues = 0 }) => {
  const pairs = padPairs(padWidth, x.rank)
  if (mode === 'constant')
    return lax.pad(
      x,
      lax.full([], x.dtype, constantValues),
      pairs.map(([low]) => low),
      pairs.map(([, high]) => high),
    )
  return pairs.reduce((y, [low, high], axis) => padByIndex(y, axis, low, high, mode), x)
})

function padPairs(
  padWidth: number | readonly [number, number] | readonly (readonly [number, number])[],
  rank: number,
): (readonly [number, number])[] {
  if (typeof padWidth === 'number') return Array.from({ length: rank }, () => [padWidth, padWidth] as const)
  if (typeof padWidth[0] === 'number') return Array.from({ length: rank }, () => padWidth as readonly [number, number])
  const pairs = padWidth as readonly (readonly [number, number])[]
  if (pairs.length === 1) return Array.from({ length: rank }, () => pairs[0] as readonly [number, number])
  if (pairs.length !== rank)
    throw new ShapeError({
      where: 'pad',
      problem: 'padWidth needs one pair for each axis',
      expected: `${rank} pairs`,
      received: `${pairs.length}`,
    })
  return [...pairs]
}

/** Padding with the tensor's own elements: a gather of mirrored or clamped indices. */
function padByIndex(x: Tensor, axis: number, low: number, high: number, mode: Exclude<PadMode, 'constant'>): Tensor {
  if (low === 0 && high === 0) return x
  const n = x.shape[axis] as number
  const limit = mode === 'reflect' ? n - 1 : n
  if (mode !== 'edge' && Math.max(low, high) > limit) {
    throw new ShapeError({
      where: 'pad',
      problem: `${mode} padding reaches further than the tensor`,
      expected: `at most ${limit} on axis ${axis}`,
      received: `[${low}, ${high}]`,
    })
  }
  const source = (i: number): number => {
    if (mode === 'edge') return Math.min(Math.max(i, 0), n - 1)
    const mirror = mode === 'reflect' ? 0 : 1
    if (i < 0) return -i - mirror
    return i >= n ? 2 * n - 2 + mirror - i : i
  }
  const indices = Int32Array.from({ length: low + n + high }, (_, i) => source(i - low))
  return lax.gather(x, lax.constant(indices, [indices.length], 'int32'), axis)
}

export const repeat = onTensor<{ repeats: number; axis?: number | null }>('Repeat', ['repeats', 'axis'], (given, { repeats, axis }) => {
  const isFlat = axis === undefined || axis === null
  const x = isFlat ? lax.reshape(given, [given.size]) : given
  const along = isFlat ? 0 : normalizeAxis(axis, x.rank, 'repeat')
  const wide = [...x.shape.slice(0, along + 1), repeats, ...x.shape.slice(along + 1)]
  const spread = lax.broadcast(
    x,
    wide,
    x.shape.map((_, i) => (i <= along ? i : i + 1)),
  )
  return lax.reshape(
    spread,
    x.shape.map((size, i) => (i === along ? size * repeats : size)),
  )
})

export const tile = onTensor<{ repeats: number | readonly number[] }>('Tile', ['repeats'], (given, { repeats }) => {
  const times = [repeats].flat() as number[]
  const rank = Math.max(times.length, given.rank)
  const shape = [...new Array<number>(rank - given.rank).fill(1), ...given.shape]
  const counts = [...new Array<number>(rank - times.length).fill(1), ...times]
  const wide = shape.flatMap((size, i) => [counts[i] as number, size])
  const spread = lax.broadcast(
    lax.reshape(given, shape),
    wide,
    shape.map((_, i) => 2 * i + 1),
  )
  return lax.reshape(
    spread,
    shape.map((size, i) => size * (counts[i] as number)),
  )
})

/** Sizes as a plain list. */
export const shape = (x: TensorLike | { readonly shape: PartialShape }): PartialShape =>
  typeof x === 'object' && x !== null && 'shape' in x ? (x as { shape: PartialShape }).shape : asTensor(x).shape
