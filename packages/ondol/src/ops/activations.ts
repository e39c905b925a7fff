/** Activation functions of `keras.ops.nn`. */
import { ShapeError } from '../core/errors.js'
import { normalizeAxes, normalizeAxis } from '../core/shape.js'
import { customGradient, lax, stopGradient, type Tensor } from '../engine/index.js'
import { asTensor, defineOp, type Op } from './define.js'
import { toFloat } from './promotion.js'
import { type Axes, keepAxes } from './reducing.js'

type None = Record<never, never>
const { add, sub, mul, div, max, min, exp, withNumber, fullLike, zerosLike, select } = lax

const activation = (name: string, call: (x: Tensor) => Tensor): Op<[Tensor], None, Tensor> =>
  defineOp<[Tensor], None, Tensor>({ name, module: 'nn', tensors: 1, parameters: [], call: ([x]) => call(toFloat(x)) })

/** max(x, 0). Integers stay integers. */
export const relu = defineOp<[Tensor], None, Tensor>({
  name: 'Relu',
  module: 'nn',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const x = asTensor(input)
    return max(x, zerosLike(x))
  },
})
export const relu6 = activation('Relu6', (x) => min(max(x, zerosLike(x)), fullLike(x, 6)))
export const sigmoid = activation('Sigmoid', lax.sigmoid)
/** Its derivative is the sigmoid everywhere; that of the formula would be wrong at 0. */
const softplusOf = customGradient((x: Tensor) => [
  add(max(x, zerosLike(x)), lax.log1p(exp(lax.neg(lax.abs(x))))),
  (g) => [mul(g, lax.sigmoid(x))],
])
/** log(1 + eˣ), as max(x, 0) + log1p(e^-|x|). */
export const softplus = activation('Softplus', softplusOf)
export const softsign = activation('Softsign', (x) => div(x, withNumber(lax.abs(x), add, 1)))
export const silu = activation('Silu', (x) => mul(x, lax.sigmoid(x)))
export const swish = silu
export const logSigmoid = activation('LogSigmoid', (x) => lax.neg(softplusOf(lax.neg(x))))
export const selu = activation('Selu', (x) => withNumber(eluOf(x, 1.6732632423543772), mul, 1.0507009873554805))
export const hardSigmoid = activation('HardSigmoid', hardSigmoidOf)
export const hardSilu = activation('HardSilu', (x) => mul(x, hardSigmoidOf(x)))
export const hardSwish = hardSilu
export const hardTanh = activation('HardTanh', (x) => min(max(x, fullLike(x, -1)), fullLike(x, 1)))
export const mish = activation('Mish', (x) => mul(x, lax.tanh(softplusOf(x))))
export const tanhShrink = activation('TanhShrink', (x) => sub(x, lax.tanh(x)))

function hardSigmoidOf(x: Tensor): Tensor {
  return withNumber(min(max(withNumber(x, add, 3), zerosLike(x)), fullLike(x, 6)), mul, 1 / 6)
}

function eluOf(x: Tensor, alpha: number): Tensor {
  const isPositive = lax.gt(x, zerosLike(x))
  // The exponential of a large positive x would overflow in the branch that is not taken, and its gradient be NaN.
  const negative = select(isPositive, zerosLike(x), x)
  return select(isPositive, x, withNumber(lax.unary.expm1(negative), mul, alpha))
}

const shaped = (
  name: string,
  parameter: 'negativeSlope' | 'alpha' | 'threshold',
  usual: number,
  call: (x: Tensor, value: number) => Tensor,
): Op<[Tensor], { [K in typeof parameter]?: number }, Tensor> =>
  defineOp<[Tensor], { [K in typeof parameter]?: number }, Tensor>({
    name,
    module: 'nn',
    tensors: 1,
    parameters: [parameter],
    call: ([x], parameters) => call(toFloat(x), parameters[parameter] ?? usual),
  })

export const leakyRelu = shaped('LeakyRelu', 'negativeSlope', 0.2, (x, slope) =>
  select(lax.gt(x, zerosLike(x)), x, withNumber(x, mul, slope)),
)
export const elu = shaped('Elu', 'alpha', 1, eluOf)
export const celu = shaped('Celu', 'alpha', 1, (x, alpha) => {
  const isPositive = lax.gt(x, zerosLike(x))
  const negative = withNumber(select(isPositive, zerosLike(x), x), mul, 1 / alpha)
  return select(isPositive, x, withNumber(lax.unary.expm1(negative), mul, alpha))
})
export const hardShrink = shaped('HardShrink', 'threshold', 0.5, (x, threshold) =>
  select(lax.gt(lax.abs(x), fullLike(x, threshold)), x, zerosLike(x)),
)
export const softShrink = shaped('SoftShrink', 'threshold', 0.5, (x, threshold) =>
  mul(lax.sign(x), max(withNumber(lax.abs(x), sub, threshold), zerosLike(x))),
)

/** x·Φ(x): with the error function, or (by default, as Keras's op) the tanh approximation. */
export const gelu = defineOp<[Tensor], { approximate?: boolean }, Tensor>({
  name: 'Gelu',
  module: 'nn',
  tensors: 1,
  parameters: ['approximate'],
  call: ([input], { approximate = true }) => {
    const x = toFloat(input)
    const inner = approximate
      ? lax.tanh(withNumber(add(x, withNumber(mul(x, mul(x, x)), mul, 0.044715)), mul, Math.sqrt(2 / Math.PI)))
      : lax.erf(withNumber(x, mul, Math.SQRT1_2))
    return mul(withNumber(x, mul, 0.5), withNumber(inner, add, 1))
  },
})

const normalizing = (name: string, call: (x: Tensor, axes: readonly number[]) => Tensor): Op<[Tensor], { axis?: Axes }, Tensor> =>
  defineOp<[Tensor], { axis?: Axes }, Tensor>({
    name,
    module: 'nn',
    tensors: 1,
    parameters: ['axis'],
    call: ([input], { axis = -1 }) => {
      const x = toFloat(input)
      return call(x, normalizeAxes(axis, x.rank, name))
    },
  })

const wide = (reduced: Tensor, x: Tensor, axes: readonly number[]): Tensor => lax.broadcastTo(keepAxes(reduced, x.shape, axes), x.shape)
/** x minus its maximum, through which no gradient needs to flow. */
const shifted = (x: Tensor, axes: readonly number[]): Tensor => sub(x, wide(lax.reduceMax(stopGradient(x), axes), x, axes))

/** eˣ / Σ eˣ along `axis`. */
export const softmax = normalizing('Softmax', (x, axes) => {
  const e = exp(shifted(x, axes))
  return div(e, wide(lax.reduceSum(e, axes), x, axes))
})
export const logSoftmax = normalizing('LogSoftmax', (x, axes) => {
  const s = shifted(x, axes)
  return sub(s, wide(lax.log(lax.reduceSum(exp(s), axes)), x, axes))
})

/** (x + √(x² + b)) / 2: a relu without a corner. */
export const squareplus = defineOp<[Tensor], { b?: number }, Tensor>({
  name: 'Squareplus',
  module: 'nn',
  tensors: 1,
  parameters: ['b'],
  call: ([input], { b = 4 }) => {
    const x = toFloat(input)
    return withNumber(add(x, lax.sqrt(withNumber(mul(x, x), add, b))), mul, 0.5)
  },
})

/** 0 below -1, x above 1, (x + 1)² / 4 between. */
export const sparsePlus = activation('SparsePlus', (x) => {
  const bent = withNumber(x, add, 1)
  const isBelow = lax.le(x, fullLike(x, -1))
  const middle = withNumber(mul(bent, bent), mul, 0.25)
  // Outside, the square could overflow, and its gradient with it.
  const inside = select(lax.lt(lax.abs(x), fullLike(x, 1)), middle, zerosLike(x))
  return select(isBelow, zerosLike(x), select(lax.ge(x, fullLike(x, 1)), x, inside))
})

/** 0 below -1, 1 above 1, (x + 1) / 2 between. */
export const sparseSigmoid = activation('SparseSigmoid', (x) =>
  withNumber(min(max(withNumber(x, add, 1), zerosLike(x)), fullLike(x, 2)), mul, 0.5),
)

/** x above `threshold`, `defaultValue` elsewhere. */
export const threshold = defineOp<[Tensor], { threshold: number; defaultValue: number }, Tensor>({
  name: 'Threshold',
  module: 'nn',
  tensors: 1,
  parameters: ['threshold', 'defaultValue'],
  call: ([input], { threshold: limit, defaultValue }) => {
    const x = toFloat(input)
    return select(lax.gt(x, fullLike(x, limit)), x, fullLike(x, defaultValue))
  },
})

/** The first half of `axis`, gated by the sigmoid of the second. */
export const glu = defineOp<[Tensor], { axis?: number }, Tensor>({
  name: 'Glu',
  module: 'nn',
  tensors: 1,
  parameters: ['axis'],
  call: ([input], { axis = -1 }) => {
    const x = toFloat(input)
    const along = normalizeAxis(axis, x.rank, 'glu')
    const size = x.shape[along] as number
    if (size % 2 !== 0)
      throw new ShapeError({
        where: 'glu',
        problem: 'two halves are needed',
        expected: `an even size of axis ${axis}`,
        received: `${size}`,
      })
    const half = (start: number): Tensor =>
      lax.slice(
        x,
        x.shape.map((_, at) => (at === along ? start : 0)),
        x.shape.map((n, at) => (at === along ? size / 2 : n)),
      )
    return mul(half(0), lax.sigmoid(half(size / 2)))
  },
})

/** The nearest point of the simplex (https://arxiv.org/abs/1602.02068): like softmax, but most shares can be 0. */
export const sparsemax = defineOp<[Tensor], { axis?: number }, Tensor>({
  name: 'Sparsemax',
  module: 'nn',
  tensors: 1,
  parameters: ['axis'],
  call: ([input], { axis = -1 }) => {
    const x = toFloat(input)
    const along = normalizeAxis(axis, x.rank, 'sparsemax')
    const [sorted] = lax.sort(x, along, true)
    const sums = lax.cumSum(sorted, along)
    const rank = withNumber(lax.cast(lax.iota(x.shape, 'int32', along), x.dtype), add, 1)
    const isIn = lax.gt(sub(sorted, div(withNumber(sums, sub, 1), rank)), zerosLike(x))
    const kept = select(isIn, sorted, zerosLike(x))
    const count = lax.reduceSum(lax.cast(isIn, x.dtype), [along])
    const limit = div(withNumber(lax.reduceSum(kept, [along]), sub, 1), count)
    return max(sub(x, wide(limit, x, [along])), zerosLike(x))
  },
})
