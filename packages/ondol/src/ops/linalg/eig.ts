/** Eigenvalues and eigenvectors of general matrices, by QR steps on the Hessenberg form; complex numbers are pairs. */
import { customGradient, lax, type Tensor } from '../../engine/index.js'
import { defineOp } from '../define.js'
import { scaleByPower } from '../float-bits.js'
import { balanced, normalized } from './balance.js'
import { adjoint, complexProduct, complexSolve, conjugate, each, multiplied, type Pair, quotient, sizes } from './complex-matrices.js'
import { componentsOf } from './components.js'
import { triangularEigenvectors } from './eigenvectors.js'
import { hessenberg } from './hessenberg.js'
import {
  asSquare,
  batchOf,
  diagonalMatrix,
  flattened,
  product,
  restored,
  scaleColumns,
  scaleRows,
  transposed,
  triangle,
} from './matrices.js'
import { schur } from './schur.js'
import { triangularize } from './triangularize.js'
import { isLargest, unitColumns } from './unit-columns.js'

/**
 * Vectors that are real where eigenvalues are, and conjugate where they are conjugate, to the last digit. Of a real eigenvalue both
 * parts are eigenvectors: the larger one is taken.
 */
function paired({ re, im }: Pair, values: Pair): Pair {
  const { shape } = re
  const n = shape[2] as number
  const overColumn = (x: Tensor): Tensor => lax.broadcast(x, shape, [0, 2])
  const sizeOf = (x: Tensor): Tensor => lax.reduceMax(lax.abs(x), [1])
  const zeros = lax.zerosLike(values.im)
  const isReal = overColumn(lax.eq(values.im, zeros))
  const isSecond = overColumn(lax.lt(values.im, zeros))
  const larger = lax.select(overColumn(lax.ge(sizeOf(re), sizeOf(im))), re, im)
  const places = Int32Array.from({ length: n }, (_, i) => Math.max(i - 1, 0))
  const before = (x: Tensor): Tensor => lax.gather(x, lax.constant(places, [n], 'int32'), 2)
  return {
    re: lax.select(isReal, larger, lax.select(isSecond, before(re), re)),
    im: lax.select(isReal, lax.zerosLike(im), lax.select(isSecond, lax.neg(before(im)), im)),
  }
}

function decompose(a: Tensor): [values: Pair, vectors: Pair] {
  const [usual, powers] = normalized(a)
  const { order, isInside } = componentsOf(usual)
  const [even, scale] = balanced(product(transposed(order), product(usual, order)), isInside)
  const [z, t] = schur(...hessenberg(even))
  const { values, upper, turned } = triangularize(t)
  const ofSchurForm = paired(turned(triangularEigenvectors(values, upper)), values)
  const vectors = each((part) => product(order, scaleRows(product(z, part), scale)), ofSchurForm)
  return [each((part) => scaleByPower(part, lax.broadcast(powers, part.shape, [0])), values), unitColumns(vectors)]
}

/**
 * The cotangent of matrices by those of what they decompose to (Giles 2008, 3.1). It divides by the distances of eigenvalues: equal
 * ones give no direction, so 0.
 */
function backwards(values: Pair, vectors: Pair, toValues: Pair, toVectors: Pair): Tensor {
  const { shape } = vectors.re
  const zeros = lax.zerosLike(vectors.re)
  const ones = lax.fullLike(zeros, 1)
  // No vector changes along itself: its length is 1, and its largest element stays real.
  const isReal = isLargest(vectors)
  const along = each((part) => lax.reduceSum(part, [1]), multiplied(conjugate(vectors), toVectors))
  const turn = lax.div(lax.broadcast(along.im, shape, [0, 2]), lax.select(isReal, vectors.re, ones))
  const { re, im } = each((part, own) => lax.sub(part, scaleColumns(own, along.re)), toVectors, vectors)
  const across = { re, im: lax.sub(im, lax.select(isReal, turn, zeros)) }
  const distance = each((part) => lax.sub(lax.broadcast(part, shape, [0, 2]), lax.broadcast(part, shape, [0, 1])), values)
  const isSame = lax.logicalOr(triangle(shape, 'diagonal'), lax.eq(sizes(distance), zeros))
  const divisor = { re: lax.select(isSame, ones, distance.re), im: lax.neg(distance.im) }
  const mixed = quotient(complexProduct(adjoint(vectors), across), divisor)
  const inner = each((part, own) => lax.add(lax.select(isSame, zeros, part), diagonalMatrix(own)), mixed, toValues)
  return complexSolve(adjoint(vectors), complexProduct(inner, adjoint(vectors))).re
}

const eigStack: (a: Tensor) => readonly Tensor[] = customGradient((a: Tensor) => {
  const [values, vectors] = decompose(a)
  return [
    [values.re, values.im, vectors.re, vectors.im] as const,
    (...[re, im, vectorsRe, vectorsIm]: Tensor[]) => [
      backwards(values, vectors, { re, im } as Pair, { re: vectorsRe, im: vectorsIm } as Pair),
    ],
  ]
})

/**
 * Eigenvalues (…, n) and right eigenvectors as columns (…, n, n) of square matrices (…, n, n), each a pair [real, imaginary]: float64
 * for float64, else float32. Vectors have length 1 and a largest element that is real and positive. Eigenvalues come in no order, but
 * conjugate ones side by side, first the one above the real axis; a real one has an imaginary part of 0, and so has its vector.
 * Follows LAPACK's `geev`, in its accuracy too; where an element is not finite, or steps come to no end, eigenvalues are NaN.
 *
 * Gradients are those of distinct eigenvalues, with the choice of phases; they grow without bounds as vectors come to depend on each
 * other. There are no second ones.
 *
 * @throws ShapeError when the matrices are not square.
 * @example
 * const [[re, im], [vectorsRe, vectorsIm]] = ops.eig(tensor([[0, -1], [1, 0]])) // re [0, 0], im [1, -1]
 */
export const eig = defineOp<[Tensor], Record<never, never>, [values: [Tensor, Tensor], vectors: [Tensor, Tensor]]>({
  name: 'Eig',
  module: 'linalg',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const given = asSquare('eig', input)
    const a = given.dtype === 'float64' ? given : lax.cast(given, 'float32')
    const [re, im, vectorsRe, vectorsIm] = eigStack(flattened(a)).map((x) => restored(x, batchOf(a))) as [Tensor, Tensor, Tensor, Tensor]
    return [
      [re, im],
      [vectorsRe, vectorsIm],
    ]
  },
})
