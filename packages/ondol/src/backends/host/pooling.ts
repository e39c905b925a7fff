/** Maximum and mean over windows, and their transposes. Places outside the input are skipped. */
import { writeElement } from '../../core/dtype.js'
import { rowMajorStrides, type Shape, sizeOf } from '../../core/shape.js'
import { layoutAxes, type PoolSpec } from '../../engine/primitives.js'
import { numbersOf } from './array.js'
import type { HostKernels } from './kernel.js'

type PoolingName = 'maxPool' | 'maxPoolGrad' | 'maxPoolGather' | 'avgPool' | 'avgPoolGrad'

/** Visits (offset in x, offset in y, row-major number inside the window) of every place under every window, window by window. */
function forEachPlace(spec: PoolSpec, xShape: Shape, yShape: Shape, visit: (x: number, y: number, place: number) => void): void {
  const { channel, spatial } = layoutAxes(spec.layout, xShape.length)
  const xStrides = rowMajorStrides(xShape)
  const yStrides = rowMajorStrides(yShape)
  const window = rowMajorStrides(spec.window)

  const visitWindow = (depth: number, x: number, y: number, place: number, corner: readonly number[]): void => {
    if (depth === spatial.length) {
      visit(x, y, place)
      return
    }
    const axis = spatial[depth] as number
    for (let tap = 0; tap < (spec.window[depth] as number); tap++) {
      const source = (corner[depth] as number) + tap
      if (source < 0 || source >= (xShape[axis] as number)) continue
      visitWindow(depth + 1, x + source * (xStrides[axis] as number), y, place + tap * (window[depth] as number), corner)
    }
  }

  const visitWindows = (depth: number, x: number, y: number, corner: readonly number[]): void => {
    if (depth === spatial.length) {
      visitWindow(0, x, y, 0, corner)
      return
    }
    const axis = spatial[depth] as number
    const [low] = spec.padding[depth] as readonly [number, number]
    for (let at = 0; at < (yShape[axis] as number); at++) {
      visitWindows(depth + 1, x, y + at * (yStrides[axis] as number), [...corner, at * (spec.strides[depth] as number) - low])
    }
  }

  for (let image = 0; image < (xShape[0] as number); image++) {
    for (let c = 0; c < (xShape[channel] as number); c++) {
      visitWindows(
        0,
        image * (xStrides[0] as number) + c * (xStrides[channel] as number),
        image * (yStrides[0] as number) + c * (yStrides[channel] as number),
        [],
      )
    }
  }
}

/** How many real places each window covers. */
function countPlaces(spec: PoolSpec, xShape: Shape, yShape: Shape): Float64Array {
  const counts = new Float64Array(sizeOf(yShape))
  forEachPlace(spec, xShape, yShape, (_, at) => {
    counts[at] = (counts[at] as number) + 1
  })
  return counts
}

export const poolingKernels: HostKernels<PoolingName> = {
  maxPool: (spec, [x], [y, positions]) => {
    const numbers = numbersOf(x)
    const best = new Float64Array(y.storage.length).fill(Number.NEGATIVE_INFINITY)
    const isSeen = new Uint8Array(best.length)
    forEachPlace(spec, x.shape, y.shape, (from, to, place) => {
      const candidate = numbers[from] as number
      const current = best[to] as number
      const isFirstNaN = Number.isNaN(candidate) && !Number.isNaN(current)
      if (isSeen[to] && !isFirstNaN && !(candidate > current)) return
      isSeen[to] = 1
      best[to] = candidate
      positions.storage[to] = place
    })
    best.forEach((value, i) => writeElement(y.dtype, y.storage, i, value))
  },

  maxPoolGrad: (spec, [dy, positions], [dx]) => {
    const numbers = numbersOf(dy)
    const sums = new Float64Array(dx.storage.length)
    forEachPlace(spec, dx.shape, dy.shape, (to, from, place) => {
      if (positions.storage[from] === place) sums[to] = (sums[to] as number) + (numbers[from] as number)
    })
    sums.forEach((sum, i) => writeElement(dx.dtype, dx.storage, i, sum))
  },

  maxPoolGather: (spec, [x, positions], [output]) => {
    forEachPlace(spec, x.shape, output.shape, (from, to, place) => {
      if (positions.storage[to] === place) output.storage[to] = x.storage[from] as number
    })
  },

  avgPool: (spec, [x], [y]) => {
    const numbers = numbersOf(x)
    const counts = countPlaces(spec, x.shape, y.shape)
    const sums = new Float64Array(y.storage.length)
    forEachPlace(spec, x.shape, y.shape, (from, to) => {
      sums[to] = (sums[to] as number) + (numbers[from] as number)
    })
    sums.forEach((sum, i) => writeElement(y.dtype, y.storage, i, sum / (counts[i] as number)))
  },

  avgPoolGrad: (spec, [dy], [dx]) => {
    const numbers = numbersOf(dy)
    const counts = countPlaces(spec, dx.shape, dy.shape)
    const sums = new Float64Array(dx.storage.length)
    forEachPlace(spec, dx.shape, dy.shape, (to, from) => {
      sums[to] = (sums[to] as number) + (numbers[from] as number) / (counts[from] as number)
    })
    sums.forEach((sum, i) => writeElement(dx.dtype, dx.storage, i, sum))
  },
}
