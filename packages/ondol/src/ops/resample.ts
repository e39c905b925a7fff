/**
 * Resampling of one axis to another size, as a product with a matrix of weights: what resizing of images and
 * up-sampling are made of. Pixels are squares, whose centres stand at halves; weights as in `jax.image.scale_and_translate`.
 */
import { ValueError } from '../core/errors.js'
import { lax, type Tensor } from '../engine/index.js'

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
const lanczos =
  (radius: number): Kernel =>
  (x) =>
    x < radius ? sinc(x) * sinc(x / radius) : 0

/** Weight of a pixel by its distance, at least 0, in pixels. */
type Kernel = (distance: number) => number

const KERNELS = {
  bilinear: (x) => Math.max(0, 1 - x),
  // Keys's cubic with a = -1/2.
  bicubic: (x) => (x >= 2 ? 0 : x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1),
  lanczos3: lanczos(3),
  lanczos5: lanczos(5),
} as const satisfies Record<string, Kernel>

export type Interpolation = 'nearest' | keyof typeof KERNELS

/** One of the interpolations, in lower case. */
export function requireInterpolation(interpolation: Interpolation, where: string): Interpolation {
  const name = String(interpolation).toLowerCase() as Interpolation
  const known = ['nearest', ...Object.keys(KERNELS)]
  if (known.includes(name)) return name
  throw new ValueError({
    where,
    problem: 'unknown interpolation',
    expected: known.map((one) => `'${one}'`).join(', '),
    received: `interpolation='${String(interpolation)}'`,
  })
}

/** Weights (size, count) of each old pixel in each new one; `antialias` widens the kernel where the image shrinks. */
function weightsOf(size: number, count: number, kernel: Kernel, antialias: boolean): Float32Array {
  const scale = size / count
  const width = antialias ? Math.max(scale, 1) : 1
  const weights = new Float32Array(size * count)
  for (let to = 0; to < count; to++) {
    const centre = (to + 0.5) * scale - 0.5
    const column = Float64Array.from({ length: size }, (_, from) => kernel(Math.abs(centre - from) / width))
    const total = column.reduce((sum, weight) => sum + weight, 0)
    // At the edges part of the kernel hangs over: the rest counts for it.
    column.forEach((weight, from) => {
      weights[from * count + to] = weight / total
    })
  }
  return weights
}

/** `x` with `count` places along `axis`. Integers are rounded and kept within their dtype by the caller. */
export function resampleAxis(x: Tensor, axis: number, count: number, interpolation: Interpolation, antialias = false): Tensor {
  const size = x.shape[axis] as number
  if (size === count) return x
  if (interpolation === 'nearest') {
    const places = Int32Array.from({ length: count }, (_, to) => Math.min(Math.floor(((to + 0.5) * size) / count), size - 1))
    return lax.gather(x, lax.constant(places, [count], 'int32'), axis)
  }
  const matrix = lax.cast(lax.constant(weightsOf(size, count, KERNELS[interpolation], antialias), [size, count], 'float32'), x.dtype)
  const y = lax.dot(x, matrix, { batchA: [], batchB: [], contractA: [axis], contractB: [0] })
  // The new axis came last.
  const order = [...x.shape.keys()].slice(0, -1)
  return lax.transpose(y, [...order.slice(0, axis), x.rank - 1, ...order.slice(axis)])
}
