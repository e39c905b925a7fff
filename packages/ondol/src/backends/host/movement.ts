/** Primitives that make or move elements without computing: bits are copied, so NaN payloads and -0 survive. */
import { writeElement } from '../../core/dtype.js'
import { rowMajorStrides, sizeOf } from '../../core/shape.js'
import { type HostArray, walk } from './array.js'
import type { HostKernels } from './kernel.js'

type MovementName = 'full' | 'constant' | 'iota' | 'reshape' | 'transpose' | 'broadcast' | 'slice' | 'pad' | 'concat'

/** Reads `output`'s elements from `x` at strided places. */
function readStrided(x: HostArray, strides: readonly number[], start: number, output: HostArray): void {
  walk(output.shape, [strides, start], [rowMajorStrides(output.shape), 0], (from, to) => {
    output.storage[to] = x.storage[from] as number
  })
}

/** Writes `x`'s elements to strided places of `output`. */
function writeStrided(x: HostArray, strides: readonly number[], start: number, output: HostArray): void {
  walk(x.shape, [rowMajorStrides(x.shape), 0], [strides, start], (from, to) => {
    output.storage[to] = x.storage[from] as number
  })
}

/** Offset of the element at `index`. */
const offsetOf = (index: readonly number[], strides: readonly number[]): number =>
  index.reduce((offset, place, axis) => offset + place * (strides[axis] as number), 0)

export const movementKernels: HostKernels<MovementName> = {
  full: ({ value }, _, [output]) => {
    for (let i = 0; i < output.storage.length; i++) writeElement(output.dtype, output.storage, i, value)
  },

  constant: ({ storage }, _, [output]) => output.storage.set(storage),

  iota: ({ axis, shape }, _, [output]) => {
    const along = shape.map((_size, at) => (at === axis ? 1 : 0))
    walk(shape, [along, 0], [rowMajorStrides(shape), 0], (count, to) => writeElement(output.dtype, output.storage, to, count))
  },

  reshape: (_, [x], [output]) => output.storage.set(x.storage),

  transpose: ({ permutation }, [x], [output]) => {
    const strides = rowMajorStrides(x.shape)
    readStrided(
      x,
      permutation.map((axis) => strides[axis] as number),
      0,
      output,
    )
  },

  broadcast: ({ axes, shape }, [x], [output]) => {
    const source = rowMajorStrides(x.shape)
    const strides = new Array<number>(shape.length).fill(0)
    axes.forEach((axis, i) => {
      if (x.shape[i] !== 1) strides[axis] = source[i] as number
    })
    readStrided(x, strides, 0, output)
  },

  slice: ({ start, step }, [x], [output]) => {
    const strides = rowMajorStrides(x.shape)
    readStrided(
      x,
      strides.map((stride, axis) => stride * (step[axis] as number)),
      offsetOf(start, strides),
      output,
    )
  },

  pad: ({ low, interior }, [x, value], [output]) => {
    output.storage.fill(value.storage[0] as number)
    const strides = rowMajorStrides(output.shape)
    writeStrided(
      x,
      strides.map((stride, axis) => stride * (1 + (interior[axis] as number))),
      offsetOf(low, strides),
      output,
    )
  },

  concat: ({ axis }, inputs, [output]) => {
    const strides = rowMajorStrides(output.shape)
    let start = 0
    for (const x of inputs) {
      if (sizeOf(x.shape) > 0) writeStrided(x, strides, start * (strides[axis] as number), output)
      start += x.shape[axis] as number
    }
  },
}
