/** Special functions and distances: `keras.ops.math` erfc, gammainc, cdist, and multi-hot vectors. */
import type { DType } from '../core/dtype.js'
import { ShapeError } from '../core/errors.js'
import { formatShape, normalizeAxis } from '../core/shape.js'
import { customGradient, lax, Tensor, type Variable } from '../engine/index.js'
import { floatx } from './config.js'
import { foriLoop } from './control.js'
import { type AnyTensor, asTensor, defineOp } from './define.js'
import { oneHot } from './indexing.js'
import { isSymbolic } from './operation.js'
import { resultType, toDType, toFloat } from './promotion.js'

const { withNumber } = lax

/** Coefficients of a fit with a relative error of 1.2e-7 everywhere (Numerical Recipes, section 6.2). */
const ERFC = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277]

const erfcOf = customGradient((x: Tensor) => {
  const z = lax.abs(x)
  const t = lax.div(lax.fullLike(x, 1), withNumber(withNumber(z, lax.mul, 0.5), lax.add, 1))
  const fit = ERFC.reduceRight<Tensor | undefined>(
    (sum, c) => (sum === undefined ? lax.fullLike(x, c) : withNumber(lax.mul(sum, t), lax.add, c)),
    undefined,
  )
  const tail = lax.mul(t, lax.exp(lax.sub(fit as Tensor, lax.mul(z, z))))
  const value = lax.select(withNumber(x, lax.lt, 0), withNumber(lax.neg(tail), lax.add, 2), tail)
  return [value, (g: Tensor) => [lax.mul(g, withNumber(lax.exp(lax.neg(lax.mul(x, x))), lax.mul, -2 / Math.sqrt(Math.PI)))]]
})

/** 1 - erf(x), accurate where erf(x) is nearly 1. */
export const erfc = defineOp<[Tensor], Record<never, never>, Tensor>({
  name: 'Erfc',
  module: 'math',
  tensors: 1,
  parameters: [],
  call: ([x]) => erfcOf(toFloat(x)),
})

/** Whether this is a tensor, symbolic or not. */
export const isTensor = (x: unknown): x is AnyTensor => x instanceof Tensor || isSymbolic(x)

/** The dtype of a tensor or Variable. */
export const dtype = (x: AnyTensor | Variable): DType => x.dtype

/** Lanczos's coefficients for g = 7: ten digits. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/** The logarithm of the gamma function for x > 0. */
export function logGamma(x: Tensor): Tensor {
  const y = withNumber(x, lax.sub, 1)
  const terms = LANCZOS.slice(1).map((c, i) => lax.div(lax.fullLike(x, c), withNumber(y, lax.add, i + 1)))
  const sum = terms.reduce((a, b) => lax.add(a, b), lax.fullLike(x, LANCZOS[0] as number))
  const t = withNumber(y, lax.add, 7.5)
  const base = lax.sub(lax.mul(withNumber(y, lax.add, 0.5), lax.log(t)), t)
  return lax.add(withNumber(base, lax.add, 0.5 * Math.log(2 * Math.PI)), lax.log(sum))
}

/** Terms of the series and of the fraction: enough for float32 where a and x are at most some thousands. */
const TERMS = 200

/** The regularized lower incomplete gamma function P(a, x), for a > 0 and x ≥ 0; its gradient by x. */
export const gammainc = defineOp<[Tensor, Tensor], Record<never, never>, Tensor>({
  name: 'Gammainc',
  module: 'math',
  tensors: 2,
  parameters: [],
  call: (operands) => {
    const dtype = resultType(operands, 'float')
    const [first, second] = operands.map((operand) => toDType(operand, dtype)) as [Tensor, Tensor]
    const zeros = lax.add(...(broadcastPair(first, second) as [Tensor, Tensor]))
    const [a, x] = [lax.broadcastTo(first, zeros.shape), lax.broadcastTo(second, zeros.shape)]
    return incomplete(a, x)
  },
})

const broadcastPair = (a: Tensor, b: Tensor): Tensor[] => {
  const rank = Math.max(a.rank, b.rank)
  const size = (x: Tensor, axis: number): number => x.shape[axis - rank + x.rank] ?? 1
  const shape = Array.from({ length: rank }, (_, axis) => Math.max(size(a, axis), size(b, axis)))
  return [lax.zerosLike(lax.broadcastTo(a, shape)), lax.zerosLike(lax.broadcastTo(b, shape))]
}

const incomplete = customGradient((a: Tensor, x: Tensor) => {
  const isZero = withNumber(x, lax.le, 0)
  const safe = lax.select(isZero, lax.fullLike(x, 1), x)
  const density = lax.exp(lax.sub(lax.sub(lax.mul(a, lax.log(safe)), safe), logGamma(a)))
  const usesSeries = lax.lt(x, withNumber(a, lax.add, 1))
  // Σ xⁿ / (a (a + 1) … (a + n)).
  const one = lax.fullLike(x, 1)
  const [sum] = foriLoop<[Tensor, Tensor]>(
    1,
    TERMS,
    (n, [total, term]) => {
      const next = lax.mul(term, lax.div(safe, lax.add(a, lax.broadcast(lax.cast(n, a.dtype), a.shape, []))))
      return [lax.add(total, next), next]
    },
    [lax.div(one, a), lax.div(one, a)],
  )
  // Lentz's continued fraction of the rest.
  const tiny = 1e-30
  const b0 = lax.add(lax.sub(safe, a), one)
  const [fraction] = foriLoop<[Tensor, Tensor, Tensor, Tensor]>(
    1,
    TERMS,
    (n, [h, b, c, d]) => {
      const i = lax.broadcast(lax.cast(n, a.dtype), a.shape, [])
      const an = lax.mul(lax.neg(i), lax.sub(i, a))
      const next = withNumber(b, lax.add, 2)
      const away = (y: Tensor): Tensor => lax.select(withNumber(lax.abs(y), lax.lt, tiny), lax.fullLike(y, tiny), y)
      const below = lax.div(one, away(lax.add(lax.mul(an, d), next)))
      const above = away(lax.add(next, lax.div(an, c)))
      return [lax.mul(h, lax.mul(below, above)), next, above, below]
    },
    [lax.div(one, b0), b0, lax.fullLike(x, 1 / tiny), lax.div(one, b0)],
  )
  const value = lax.select(usesSeries, lax.mul(density, sum), withNumber(lax.neg(lax.mul(density, fraction)), lax.add, 1))
  const result = lax.select(isZero, lax.zerosLike(x), value)
  return [result, (g: Tensor) => [null, lax.select(isZero, lax.zerosLike(x), lax.mul(g, lax.div(density, safe)))]]
})

/** Euclidean distances of all pairs of rows: (…, n, d), (…, m, d) → (…, n, m). */
export const cdist = defineOp<[Tensor, Tensor], Record<never, never>, Tensor>({
  name: 'CDist',
  module: 'math',
  tensors: 2,
  parameters: [],
  call: (operands) => {
    const dtype = resultType(operands, 'float')
    const [x, y] = operands.map((operand) => toDType(operand, dtype)) as [Tensor, Tensor]
    if (x.rank < 2 || x.rank !== y.rank || x.shape.at(-1) !== y.shape.at(-1)) {
      throw new ShapeError({
        where: 'cdist',
        problem: 'the rows do not fit',
        expected: '(…, n, d) and (…, m, d)',
        received: `${formatShape(x.shape)} and ${formatShape(y.shape)}`,
      })
    }
    const batch = x.shape.slice(0, -2)
    const [n, m, d] = [x.shape.at(-2) as number, y.shape.at(-2) as number, x.shape.at(-1) as number]
    const shape = [...batch, n, m, d]
    const difference = lax.sub(
      lax.broadcastTo(lax.reshape(x, [...batch, n, 1, d]), shape),
      lax.broadcastTo(lax.reshape(y, [...y.shape.slice(0, -2), 1, m, d]), shape),
    )
    const square = lax.reduceSum(lax.mul(difference, difference), [shape.length - 1])
    // Equal rows have no direction: their gradient is 0, not that of a root at 0.
    const isSame = withNumber(square, lax.eq, 0)
    return lax.select(isSame, lax.zerosLike(square), lax.sqrt(lax.select(isSame, lax.fullLike(square, 1), square)))
  },
})

/** 1 at each class that comes along the axis after the first: (batch, n) class numbers → (batch, numClasses). */
export const multiHot = defineOp<[Tensor], { numClasses: number; axis?: number; dtype?: DType }, Tensor>({
  name: 'MultiHot',
  module: 'nn',
  tensors: 1,
  parameters: ['numClasses', 'axis', 'dtype'],
  call: ([input], { numClasses, axis = -1, dtype = floatx() }) => {
    const x = lax.cast(asTensor(input), 'int32')
    const hot = oneHot(x, { numClasses, axis, dtype })
    return lax.reduceMax(hot, [normalizeAxis(x.rank > 1 ? 1 : 0, hot.rank, 'multiHot')])
  },
})
