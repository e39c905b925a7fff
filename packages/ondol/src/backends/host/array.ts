/**
 * The value that host kernels work on: dense, row-major, in storage form; and the walks over
 * strided indices that most of them are made of.
 */
import { allocate, type DType, readElement, type TypedArray } from '../../core/dtype.js'
import { rowMajorStrides, type Shape, sizeOf } from '../../core/shape.js'

export interface HostArray {
  readonly shape: Shape
  readonly dtype: DType
  /** Dense, row-major, `sizeOf(shape)` elements. */
  readonly storage: TypedArray
}

export function makeArray(dtype: DType, shape: Shape): HostArray {
  return { dtype, shape, storage: allocate(dtype, sizeOf(shape)) }
}

/** The elements as JavaScript numbers; 16-bit floats are decoded, everything else is its own storage. */
export function numbersOf({ dtype, storage }: HostArray): Readonly<TypedArray> {
  if (dtype !== 'bfloat16' && dtype !== 'float16') return storage
  return Float64Array.from(storage, (_, index) => readElement(dtype, storage, index))
}

/**
 * Visits every index of `shape` in row-major order. `visit` gets the offsets that the index has in
 * two operands, each given by its strides and its offset at the index of zeros.
 */
export function walk(
  shape: Shape,
  [stridesA, startA]: readonly [strides: readonly number[], start: number],
  [stridesB, startB]: readonly [strides: readonly number[], start: number],
  visit: (offsetA: number, offsetB: number) => void,
): void {
  const rank = shape.length
  const step = (axis: number, a: number, b: number): void => {
    if (axis === rank) {
      visit(a, b)
      return
    }
    const size = shape[axis] as number
    const strideA = stridesA[axis] as number
    const strideB = stridesB[axis] as number
    for (let i = 0; i < size; i++) step(axis + 1, a + i * strideA, b + i * strideB)
  }
  step(0, startA, startB)
}

/** Offsets, in a dense tensor of `shape`, of all indices over some of its axes (the others at 0), row-major in the order of `axes`. */
export function offsetsOver(shape: Shape, axes: readonly number[]): number[] {
  const strides = rowMajorStrides(shape)
  let offsets = [0]
  for (const axis of axes) {
    const stride = strides[axis] as number
    const along = Array.from({ length: shape[axis] as number }, (_, i) => i * stride)
    offsets = offsets.flatMap((offset) => along.map((more) => offset + more))
  }
  return offsets
}

/** A tensor seen as (outer, size, inner) around one axis. */
export function aroundAxis(shape: Shape, axis: number): { readonly outer: number; readonly size: number; readonly inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), size: shape[axis] as number, inner: sizeOf(shape.slice(axis + 1)) }
}
