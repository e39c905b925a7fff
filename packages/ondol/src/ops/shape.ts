/** Shape and layout: `keras.ops.numpy` reshape, transpose, concatenate, pad, … */
import { ShapeError } from '../core/errors.js'
import { formatShape, normalizeAxes, normalizeAxis, type PartialShape, type Shape, sizeOf } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { asTensor, type TensorLike } from './define.js'
import { integers, type None, onTensor, part, resized, valuesOf } from './kinds.js'

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

/** Other sizes, the same elements in order; one size may be -1. */
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

/** Two axes exchanged. */
export const swapaxes = onTensor<{ axis1: number; axis2: number }>('Swapaxes', ['axis1', 'axis2'], (x, { axis1, axis2 }) => {
  const [a, b] = [normalizeAxis(axis1, x.rank, 'swapaxes'), normalizeAxis(axis2, x.rank, 'swapaxes')]
  return lax.transpose(
    x,
    x.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis)),
  )
})

/** Axes moved to other places, the rest in order. */
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

/** Without axes of size 1 (all of them, or those of `axis`). */
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

/** Stretched to a larger shape, as NumPy broadcasts. */
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

/** Reversed along `axis` (all axes without one). */
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

/** Each element `repeats` times (a number, or one for each) along `axis`, or of the flat tensor. */
export const repeat = onTensor<{ repeats: number | readonly number[] | Tensor; axis?: number | null }>(
  'Repeat',
  ['repeats', 'axis'],
  (given, { repeats, axis }) => {
    const isFlat = axis === undefined || axis === null
    const x = isFlat ? lax.reshape(given, [given.size]) : given
    const along = isFlat ? 0 : normalizeAxis(axis, x.rank, 'repeat')
    const n = x.shape[along] as number
    const times = typeof repeats === 'number' ? [repeats] : Array.isArray(repeats) ? repeats : valuesOf(repeats as Tensor, 'repeat')
    if (times.length === 1) return repeatAll(x, along, times[0] as number)
    if (times.length !== n)
      throw new ShapeError({
        where: 'repeat',
        problem: 'repeats must be one number, or one for each element',
        expected: `${n}`,
        received: `${times.length}`,
      })
    const indices = times.flatMap((count, i) => new Array<number>(count).fill(i))
    return lax.gather(x, integers(indices), along)
  },
)

function repeatAll(x: Tensor, axis: number, times: number): Tensor {
  const wide = [...x.shape.slice(0, axis + 1), times, ...x.shape.slice(axis + 1)]
  const spread = lax.broadcast(
    x,
    wide,
    x.shape.map((_, i) => (i <= axis ? i : i + 1)),
  )
  return lax.reshape(spread, resized(x, axis, (x.shape[axis] as number) * times))
}

/** The whole tensor `repeats` times along each axis; a list that is longer than the rank adds axes in front. */
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

/** One axis: (size,). */
export const ravel = onTensor<None>('Ravel', [], (x) => lax.reshape(x, [x.size]))
/** Rows in the other order: axis 0 reversed. */
export const flipud = onTensor<None>('Flipud', [], (x) => lax.flip(x, normalizeAxes(0, x.rank, 'flipud')))
/** Columns in the other order: axis 1 reversed. */
export const fliplr = onTensor<None>('Fliplr', [], (x) => lax.flip(x, normalizeAxes(1, x.rank, 'fliplr')))

/** Elements moved on by `shift` along `axis` (of the flat tensor without one); what leaves at the end comes in at the start. */
export const roll = onTensor<{ shift: number | readonly number[]; axis?: number | readonly number[] | null }>(
  'Roll',
  ['shift', 'axis'],
  (x, { shift, axis }) => {
    const shifts = [shift].flat() as number[]
    if (axis === undefined || axis === null) {
      const total = shifts.reduce((sum, by) => sum + by, 0)
      return lax.reshape(rolled(lax.reshape(x, [x.size]), 0, total), x.shape)
    }
    const axes = ([axis].flat() as number[]).map((at) => normalizeAxis(at, x.rank, 'roll'))
    const length = Math.max(shifts.length, axes.length)
    if ([shifts, axes].some((list) => list.length !== 1 && list.length !== length))
      throw new ShapeError({ where: 'roll', problem: 'shift and axis differ in length', received: `${shifts.length} and ${axes.length}` })
    const at = (list: readonly number[], i: number): number => list[list.length === 1 ? 0 : i] as number
    return Array.from({ length }).reduce<Tensor>((y, _, i) => rolled(y, at(axes, i), at(shifts, i)), x)
  },
)

function rolled(x: Tensor, axis: number, shift: number): Tensor {
  const n = x.shape[axis] as number
  const start = n === 0 ? 0 : ((-shift % n) + n) % n
  return start === 0 ? x : lax.concat([part(x, axis, start, n), part(x, axis, 0, start)], axis)
}

/** `k` quarter turns from the first of two axes towards the second. */
export const rot90 = onTensor<{ k?: number; axes?: readonly [number, number] }>('Rot90', ['k', 'axes'], (x, { k = 1, axes = [0, 1] }) => {
  const [a, b] = axes.map((axis) => normalizeAxis(axis, x.rank, 'rot90')) as [number, number]
  if (x.rank < 2 || axes.length !== 2 || a === b)
    throw new ShapeError({
      where: 'rot90',
      problem: 'a turn needs two different axes',
      received: `axes [${axes}] of ${formatShape(x.shape)}`,
    })
  const swapped = x.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis))
  switch (((k % 4) + 4) % 4) {
    case 1:
      return lax.transpose(lax.flip(x, [b]), swapped)
    case 2:
      return lax.flip(x, [a, b])
    case 3:
      return lax.flip(lax.transpose(x, swapped), [b])
    default:
      return x
  }
})

/** Sizes as a plain list. */
export const shape = (x: TensorLike | { readonly shape: PartialShape }): PartialShape =>
  typeof x === 'object' && x !== null && 'shape' in x ? (x as { shape: PartialShape }).shape : asTensor(x).shape
/** How many axes. */
export const ndim = (x: TensorLike | { readonly shape: PartialShape }): number => shape(x).length
/** How many elements; `null` if a size is not known yet. */
export function size(x: TensorLike | { readonly shape: PartialShape }): number | null {
  const sizes = shape(x)
  return sizes.includes(null) ? null : sizeOf(sizes as Shape)
}
