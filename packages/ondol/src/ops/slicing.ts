/** Cutting windows out of tensors, and writing them back: `slice`, `sliceUpdate`. */
import { ShapeError } from '../core/errors.js'
import { formatShape, type Shape } from '../core/shape.js'
import { lax, Tensor } from '../engine/index.js'
import { asTensor, defineOp, type TensorLike } from './define.js'

export interface SliceOptions {
  /** A start for each axis; a tensor may be computed. */
  startIndices: readonly number[] | Tensor
  /** Of the window; -1 for all that is left (where the starts are numbers). */
  shape: readonly number[]
}

/** The window of `shape` that begins at `startIndices`. A computed start is moved so that the window fits. */
export const slice = defineOp<[Tensor], SliceOptions, Tensor>({
  name: 'Slice',
  module: 'core',
  tensors: 1,
  parameters: ['startIndices', 'shape'],
  call: ([input], { startIndices: start, shape }) => {
    const x = asTensor(input)
    if (start instanceof Tensor) return dynamicSlice(x, start, shape)
    const size = shape.map((n, axis) => (n === -1 ? (x.shape[axis] as number) - (start[axis] as number) : n))
    const fits =
      start.length === x.rank &&
      size.length === x.rank &&
      size.every((n, axis) => n >= 0 && (start[axis] as number) >= 0 && (start[axis] as number) + n <= (x.shape[axis] as number))
    if (!fits) {
      throw new ShapeError({
        where: 'slice',
        problem: 'the window reaches outside the tensor',
        expected: `inside ${formatShape(x.shape)}`,
        received: `start [${start}], shape [${shape}]`,
      })
    }
    return lax.slice(x, start, size)
  },
})

/** Starts as a tensor or as numbers, moved so that a slice of `sizes` fits into `shape`. */
function startsOf(where: string, starts: TensorLike, shape: Shape, sizes: Shape): Tensor[] {
  const at = lax.cast(asTensor(starts, 'int32'), 'int32')
  if (
    at.rank !== 1 ||
    at.size !== shape.length ||
    sizes.length !== shape.length ||
    sizes.some((size, axis) => size > (shape[axis] as number))
  ) {
    throw new ShapeError({
      where,
      problem: 'the slice does not fit',
      expected: `a start for each axis of ${formatShape(shape)}, and no larger sizes`,
      received: `starts ${formatShape(at.shape)}, sizes ${formatShape(sizes)}`,
    })
  }
  return shape.map((size, axis) => {
    const start = lax.reshape(lax.slice(at, [axis], [1]), [])
    const last = size - (sizes[axis] as number)
    return lax.min(lax.max(start, lax.full([], 'int32', 0)), lax.full([], 'int32', last))
  })
}

/** A slice whose start is computed; it is moved where it would reach beyond the end. */
export function dynamicSlice(x: Tensor, starts: Tensor, sizes: Shape): Tensor {
  const places = startsOf('slice', starts, x.shape, sizes)
  return places.reduce((y, start, axis) => {
    const size = sizes[axis] as number
    if (size === x.shape[axis]) return y
    return lax.gather(y, lax.add(lax.iota([size], 'int32', 0), lax.broadcast(start, [size], [])), axis)
  }, x)
}

/** `inputs` with `updates` (of the same rank) from `startIndices` on, which is moved so that they fit. */
export const sliceUpdate = defineOp<[Tensor, Tensor, Tensor], Record<never, never>, Tensor>({
  name: 'SliceUpdate',
  module: 'core',
  tensors: 3,
  parameters: [],
  call: ([inputs, startIndices, given]) => {
    const x = asTensor(inputs)
    const updates = lax.cast(asTensor(given), x.dtype)
    const starts = startsOf('sliceUpdate', startIndices, x.shape, updates.shape)
    let wide = updates
    let isInside: Tensor | undefined
    starts.forEach((start, axis) => {
      const [size, length] = [x.shape[axis] as number, updates.shape[axis] as number]
      const place = lax.sub(lax.iota([size], 'int32', 0), lax.broadcast(start, [size], []))
      const clipped = lax.min(lax.max(place, lax.full([size], 'int32', 0)), lax.full([size], 'int32', Math.max(length - 1, 0)))
      wide = length === size ? wide : lax.gather(wide, clipped, axis)
      const here = lax.logicalAnd(lax.withNumber(place, lax.ge, 0), lax.withNumber(place, lax.lt, length))
      const spread = lax.broadcast(here, x.shape, [axis])
      isInside = isInside === undefined ? spread : lax.logicalAnd(isInside, spread)
    })
    return isInside === undefined ? updates : lax.select(isInside, wide, x)
  },
})
