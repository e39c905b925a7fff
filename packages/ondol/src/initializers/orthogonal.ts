/** Orthogonal matrices (Saxe et al. 2014): the Q of the QR decomposition of a Gaussian matrix. */
import type { DType } from '../core/dtype.js'
import { ShapeError } from '../core/errors.js'
import { formatShape, type Shape, sizeOf } from '../core/shape.js'
import { type Tensor, tensor, tidy } from '../engine/index.js'
import * as ops from '../ops/index.js'
import * as random from '../ops/random.js'
import { RandomInitializer, type SeedOptions } from './initializer.js'

/** Rows or columns (whichever are fewer) are orthonormal, times `gain`; all axes but the last count as rows. */
export class Orthogonal extends RandomInitializer {
  readonly gain: number

  constructor({ gain = 1, seed = null }: SeedOptions & { readonly gain?: number } = {}) {
    super(seed)
    this.gain = gain
  }

  override check(shape: Shape): void {
    if (shape.length >= 2) return
    throw new ShapeError({
      where: 'initializers.Orthogonal',
      problem: 'at least two axes are needed',
      received: `shape ${formatShape(shape)}`,
    })
  }

  override make(shape: Shape, dtype: DType): Tensor {
    this.check(shape)
    const columns = shape.at(-1) as number
    const rows = sizeOf(shape.slice(0, -1))
    const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)]
    const q = orthonormalize(Float32Array.from(random.normal([short, long], { dtype: 'float32', seed: this.seed }).dataSync()), short, long)
    // q holds `short` orthonormal vectors of length `long`: they are the columns of a tall matrix, the rows of a wide one.
    const values = new Float32Array(rows * columns)
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        values[row * columns + column] = this.gain * (q[rows >= columns ? column * long + row : row * long + column] as number)
      }
    }
    return tensor(values, shape, dtype)
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), gain: this.gain }
  }
}

/** Vectors that are made orthonormal together. */
const BLOCK = 32

/**
 * Gram-Schmidt on `count` vectors, each projected twice: as exact as Householder's way, and the diagonal of R is positive.
 * A block of vectors is projected off those before it by products of matrices, which is where nearly all of the work is.
 */
function orthonormalize(vectors: Float32Array, count: number, length: number): Float32Array {
  for (let start = 0; start < count; start += BLOCK) {
    const size = Math.min(BLOCK, count - start)
    const block = vectors.subarray(start * length, (start + size) * length)
    if (start > 0) {
      const done = vectors.subarray(0, start * length)
      block.set(tidy(() => projectedOff(tensor(block, [size, length]), tensor(done, [start, length]))).dataSync())
    }
    block.set(orthonormalizeOneByOne(Float64Array.from(block), size, length))
  }
  return vectors
}

/** Rows of `x` without what lies along the orthonormal rows of `basis`. */
function projectedOff(x: Tensor, basis: Tensor): Tensor {
  const across = ops.transpose(basis)
  const once = (rows: Tensor): Tensor => ops.subtract(rows, ops.matmul(ops.matmul(rows, across), basis))
  return once(once(x))
}

function orthonormalizeOneByOne(vectors: Float64Array, count: number, length: number): Float64Array {
  const vector = (index: number): Float64Array => vectors.subarray(index * length, (index + 1) * length)
  for (let i = 0; i < count; i++) {
    const v = vector(i)
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        const u = vector(j)
        const projection = dot(v, u)
        for (let k = 0; k < length; k++) v[k] = (v[k] as number) - projection * (u[k] as number)
      }
    }
    const norm = Math.sqrt(dot(v, v))
    for (let k = 0; k < length; k++) v[k] = (v[k] as number) / norm
  }
  return vectors
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}
