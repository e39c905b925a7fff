/**
 * The gradient of every primitive, as one typed table: a missing rule is a type error. Rules are
 * written with `lax`, so they are themselves traced, fused and differentiated.
 *
 * A rule receives the cotangents of the outputs (`null`: nothing flows back) and gives one for each
 * input (`null`: none). Control flow (`scan`, `while`, `cond`) is in `control.ts`.
 */
import * as lax from './lax.js'
import type { DotSpec, PrimitiveAttributes, PrimitiveName } from './primitives.js'
import type { Tensor } from './tensor.js'

export type Cotangent = Tensor | null

export interface VjpContext<P extends PrimitiveName> {
  readonly attributes: PrimitiveAttributes[P]
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  /** Which inputs a gradient is wanted for. */
  readonly needs: readonly boolean[]
}

export type Vjp<P extends PrimitiveName> = (context: VjpContext<P>, ...cotangents: Cotangent[]) => readonly Cotangent[]
export type ControlFlow = 'scan' | 'while' | 'cond'

/** A rule for primitives of one output, called only when something flows back. */
const rule =
  <P extends PrimitiveName>(
    back: (
      g: Tensor,
      inputs: readonly Tensor[],
      y: Tensor,
      attributes: PrimitiveAttributes[P],
      needs: readonly boolean[],
    ) => readonly Cotangent[],
  ): Vjp<P> =>
  ({ attributes, inputs, outputs, needs }, g) =>
    g === null || g === undefined ? inputs.map(() => null) : back(g, inputs, outputs[0] as Tensor, attributes, needs)

const unary = <P extends PrimitiveName>(back: (g: Tensor, x: Tensor, y: Tensor) => Tensor): Vjp<P> =>
  rule<P>((g, [x], y) => [back(g, x as Tensor, y)])
const binary = <P extends PrimitiveName>(
  back: (g: Tensor, x: Tensor, y: Tensor, z: Tensor, needs: readonly boolean[]) => readonly Cotangent[],
): Vjp<P> => rule<P>((g, [x, y], z, _, needs) => back(g, x as Tensor, y as Tensor, z, needs))
/** Integers, booleans and steps: nothing flows back. */
const none: Vjp<never> = ({ inputs }) => inputs.map(() => null)
const flat = none as Vjp<PrimitiveName>

const {
  add,
  sub,
  mul,
  div,
  neg,
  select,
  full,
  fullLike,
  zerosLike,
  withNumber,
  broadcast,
  reduceSum,
  slice,
  pad,
  transpose,
  reshape,
  cast,
} = lax
const scale = (x: Tensor, by: number): Tensor => withNumber(x, mul, by)
const plus = (x: Tensor, value: number): Tensor => withNumber(x, add, value)
const reciprocal = (x: Tensor): Tensor => div(fullLike(x, 1), x)
const square = (x: Tensor): Tensor => mul(x, x)
const zero = (x: Tensor): Tensor => full([], x.dtype, 0)
const keptAxes = (rank: number, axes: readonly number[]): number[] =>
  Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !axes.includes(axis))
/** A reduced tensor back in the shape it was reduced from. */
const expand = (g: Tensor, like: Tensor, axes: readonly number[]): Tensor => broadcast(g, like.shape, keptAxes(like.shape.length, axes))
const count = (x: Tensor, axes: readonly number[]): number => axes.reduce((n, axis) => n * (x.shape[axis] as number), 1)

export const GRADIENTS: { readonly [P in Exclude<PrimitiveName, ControlFlow>]: Vjp<P> } = {
  neg: unary((g) => neg(g)),
  abs: unary((g, x) => mul(g, lax.sign(x))),
  sign: flat as Vjp<'sign'>,
  floor: flat as Vjp<'floor'>,
  ceil: flat as Vjp<'ceil'>,
  round: flat as Vjp<'round'>,
  logicalNot: flat as Vjp<'logicalNot'>,
  bitwiseNot: flat as Vjp<'bitwiseNot'>,
  exp: unary((g, _, y) => mul(g, y)),
  expm1: unary((g, _, y) => mul(g, plus(y, 1))),
  log: unary((g, x) => div(g, x)),
  log1p: unary((g, x) => div(g, plus(x, 1))),
  sqrt: unary((g, _, y) => div(scale(g, 0.5), y)),
  rsqrt: unary((g, x, y) => mul(scale(g, -0.5), div(y, x))),
  sin: unary((g, x) => mul(g, lax.cos(x))),
  cos: unary((g, x) => neg(mul(g, lax.sin(x)))),
  tan: unary((g, _, y) => mul(g, plus(square(y), 1))),
  asin: unary((g, x) => mul(g, lax.rsqrt(sub(fullLike(x, 1), square(x))))),
  acos: unary((g, x) => neg(mul(g, lax.rsqrt(sub(fullLike(x, 1), square(x)))))),
  atan: unary((g, x) => div(g, plus(square(x), 1))),
  tanh: unary((g, _, y) => mul(g, sub(fullLike(y, 1), square(y)))),
  sigmoid: unary((g, _, y) => mul(g, mul(y, sub(fullLike(y, 1), y)))),
  erf: unary((g, x) => mul(g, scale(lax.exp(neg(square(x))), 2 / Math.sqrt(Math.PI)))),
  erfInv: unary((g, _, y) => mul(g, scale(lax.exp(square(y)), Math.sqrt(Math.PI) / 2))),
  lgamma: unary((g, x) => mul(g, lax.digamma(x))),
  // The trigamma function is no primitive; its series converges after moving x up by the recurrence.
  digamma: unary((g, x) => mul(g, trigamma(x))),

  add: binary((g) => [g, g]),
  sub: binary((g) => [g, neg(g)]),
  mul: binary((g, x, y, _, [needX, needY]) => [needX ? mul(g, y) : null, needY ? mul(g, x) : null]),
  div: binary((g, _x, y, z, [needX, needY]) => {
    const overY = div(g, y)
    return [needX ? overY : null, needY ? neg(mul(overY, z)) : null]
  }),
  pow: binary((g, x, y, z, [needX, needY]) => [
    // At x = 0 the power rule still holds, and 0^y has no slope in y.
    needX ? mul(g, mul(y, lax.pow(x, plus(y, -1)))) : null,
    needY ? mul(g, mul(z, lax.log(select(lax.eq(x, zerosLike(x)), fullLike(x, 1), x)))) : null,
  ]),
  // Of two equal operands the second one wins: relu, max(x, 0), has no slope at 0, as in Keras.
  max: binary((g, x, y, _, needs) => toWinner(g, lax.gt(x, y), needs)),
  min: binary((g, x, y, _, needs) => toWinner(g, lax.lt(x, y), needs)),
  floorDiv: flat as Vjp<'floorDiv'>,
  mod: binary((g, x, y) => [g, neg(mul(g, lax.unary.floor(div(x, y))))]),
  atan2: binary((g, y, x) => {
    const over = div(g, add(square(x), square(y)))
    return [mul(over, x), neg(mul(over, y))]
  }),
  eq: flat as Vjp<'eq'>,
  ne: flat as Vjp<'ne'>,
  lt: flat as Vjp<'lt'>,
  le: flat as Vjp<'le'>,
  gt: flat as Vjp<'gt'>,
  ge: flat as Vjp<'ge'>,
  logicalAnd: flat as Vjp<'logicalAnd'>,
  logicalOr: flat as Vjp<'logicalOr'>,
  logicalXor: flat as Vjp<'logicalXor'>,
  bitwiseAnd: flat as Vjp<'bitwiseAnd'>,
  bitwiseOr: flat as Vjp<'bitwiseOr'>,
  bitwiseXor: flat as Vjp<'bitwiseXor'>,
  shiftLeft: flat as Vjp<'shiftLeft'>,
  shiftRight: flat as Vjp<'shiftRight'>,
  shiftRightLogical: flat as Vjp<'shiftRightLogical'>,
  select: rule<'select'>((g, [condition]) => {
    const nothing = zerosLike(g)
    return [null, select(condition as Tensor, g, nothing), select(condition as Tensor, nothing, g)]
  }),
  cast: rule<'cast'>((g, [x]) => [cast(g, (x as Tensor).dtype)]),
  randomBits: flat as Vjp<'randomBits'>,

  full: flat as Vjp<'full'>,
  constant: flat as Vjp<'constant'>,
  iota: flat as Vjp<'iota'>,
  reshape: rule<'reshape'>((g, [x]) => [reshape(g, (x as Tensor).shape)]),
  transpose: rule<'transpose'>((g, _inputs, _y, { permutation }) => {
    const inverse = new Array<number>(permutation.length)
    permutation.forEach((axis, i) => {
      inverse[axis] = i
    })
    return [transpose(g, inverse)]
  }),
  broadcast: rule<'broadcast'>((g, [x], _y, { shape, axes }) => {
    const source = (x as Tensor).shape
    const stretched = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis) || source[axes.indexOf(axis)] !== shape[axis])
    return [reshape(reduceSum(g, stretched), source)]
  }),
  slice: rule<'slice'>((g, [x], _y, { start, size, step }) => {
    const source = (x as Tensor).shape
    const backward = step.map((s, axis) => (s < 0 ? axis : -1)).filter((axis) => axis >= 0)
    const forward = backward.length === 0 ? g : lax.flip(g, backward)
    const interior = step.map((s) => Math.abs(s) - 1)
    const low = start.map((at, axis) => ((step[axis] as number) < 0 ? at + ((size[axis] as number) - 1) * (step[axis] as number) : at))
    const empty = size.some((n) => n === 0)
    if (empty) return [full(source, g.dtype, 0)]
    const high = low.map(
      (at, axis) => (source[axis] as number) - at - (size[axis] as number) - ((size[axis] as number) - 1) * (interior[axis] as number),
    )
    return [pad(forward, zero(g), low, high, interior)]
  }),
  pad: rule<'pad'>((g, [x], _y, { low, interior }, needs) => {
    const inner = slice(
      g,
      low,
      (x as Tensor).shape,
      interior.map((n) => n + 1),
    )
    if (!needs[1]) return [inner, null]
    const all = (t: Tensor): Tensor =>
      reduceSum(
        t,
        t.shape.map((_, axis) => axis),
      )
    return [inner, sub(all(g), all(inner))]
  }),
  concat: rule<'concat'>((g, inputs, _y, { axis }) => {
    let at = 0
    return inputs.map(({ shape }) => {
      const start = g.shape.map((_, i) => (i === axis ? at : 0))
      at += shape[axis] as number
      return slice(g, start, shape)
    })
  }),

  reduceSum: rule<'reduceSum'>((g, [x], _y, { axes }) => [expand(g, x as Tensor, axes)]),
  reduceProd: rule<'reduceProd'>((g, [x], _y, { axes }) => [mul(expand(g, x as Tensor, axes), productOfOthers(x as Tensor, axes))]),
  reduceMax: rule<'reduceMax'>((g, [x], y, { axes }) => [sharedAmongEqual(g, x as Tensor, y, axes)]),
  reduceMin: rule<'reduceMin'>((g, [x], y, { axes }) => [sharedAmongEqual(g, x as Tensor, y, axes)]),
  argMax: flat as Vjp<'argMax'>,
  argMin: flat as Vjp<'argMin'>,
  cumSum: rule<'cumSum'>((g, _inputs, _y, { axis, reverse }) => [lax.cumSum(g, axis, !reverse)]),
  cumProd: rule<'cumProd'>((g, [x], _y, { axis, reverse }) => [cumProdGradient(g, x as Tensor, axis, reverse)]),
  cumMax: rule<'cumMax'>((g, [x], y, { axis, reverse }) => [cumMaxGradient(g, x as Tensor, y, axis, reverse)]),
  moments: ({ attributes: { axes }, inputs: [x], outputs: [mean] }, gMean, gVariance) => {
    const input = x as Tensor
    const n = count(input, axes)
    const fromMean = gMean === null || gMean === undefined ? null : expand(scale(gMean, 1 / n), input, axes)
    const fromVariance =
      gVariance === null || gVariance === undefined
        ? null
        : mul(expand(scale(gVariance, 2 / n), input, axes), sub(input, expand(mean as Tensor, input, axes)))
    return [sum(fromMean, fromVariance)]
  },

  gather: rule<'gather'>((g, [x, indices], _y, { axis }) => [lax.scatterAdd(zerosLike(x as Tensor), indices as Tensor, g, axis), null]),
  scatterAdd: rule<'scatterAdd'>((g, [, indices], _y, { axis }, needs) => [
    g,
    null,
    needs[2] ? lax.gather(g, indices as Tensor, axis) : null,
  ]),
  scatterSet: rule<'scatterSet'>((g, [x, indices, updates], _y, { axis }, needs) => {
    const [target, at, source] = [x as Tensor, indices as Tensor, updates as Tensor]
    const kept = lax.scatterSet(g, at, zerosLike(source), axis)
    if (!needs[2]) return [kept, null, null]
    // Only the last update of a place counts: number the updates, scatter the numbers, see which came through.
    const rows = reshape(lax.iota([at.size], 'int32', 0), at.shape)
    const winners = lax.scatterSet(full([target.shape[axis] as number], 'int32', -1), at, rows, 0)
    const isWinner = lax.eq(lax.gather(winners, at, 0), rows)
    const mask = broadcast(
      isWinner,
      source.shape,
      at.shape.map((_, i) => i + axis),
    )
    return [kept, null, select(mask, lax.gather(g, at, axis), zerosLike(source))]
  }),
  sort: ({ attributes: { axis }, inputs: [x], outputs: [, positions] }, g) => {
    if (g === null || g === undefined) return [null]
    const { shape } = x as Tensor
    const flatPositions = flatIndices(positions as Tensor, axis)
    const n = (x as Tensor).size
    return [reshape(lax.scatterAdd(full([n], g.dtype, 0), reshape(flatPositions, [n]), reshape(g, [n]), 0), shape)]
  },

  dot: rule<'dot'>((g, [a, b], _y, spec, [needA, needB]) => [
    needA ? dotGradient(g, a as Tensor, b as Tensor, spec, false) : null,
    needB ? dotGradient(g, b as Tensor, a as Tensor, swap(spec), true) : null,
  ]),
  conv: rule<'conv'>((g, [x, kernel], _y, spec, [needX, needKernel]) => [
    needX ? lax.convInputGrad(g, kernel as Tensor, spec, (x as Tensor).shape) : null,
    needKernel ? lax.convKernelGrad(x as Tensor, g, spec, (kernel as Tensor).shape) : null,
  ]),
  convInputGrad: rule<'convInputGrad'>((g, [dy, kernel], _y, { inputShape: _, ...spec }, [needDy, needKernel]) => [
    needDy ? lax.conv(g, kernel as Tensor, spec) : null,
    needKernel ? lax.convKernelGrad(g, dy as Tensor, spec, (kernel as Tensor).shape) : null,
  ]),
  convKernelGrad: rule<'convKernelGrad'>((g, [x, dy], _y, { kernelShape: _, ...spec }, [needX, needDy]) => [
    needX ? lax.convInputGrad(dy as Tensor, g, spec, (x as Tensor).shape) : null,
    needDy ? lax.conv(x as Tensor, g, spec) : null,
  ]),
  maxPool: ({ attributes, inputs: [x], outputs: [, positions] }, g) => [
    g === null || g === undefined ? null : lax.maxPoolGrad(g, positions as Tensor, attributes, (x as Tensor).shape),
  ],
  maxPoolGrad: rule<'maxPoolGrad'>((g, [, positions], _y, { inputShape: _, ...spec }) => [
    lax.maxPoolGather(g, positions as Tensor, spec),
    null,
  ]),
  maxPoolGather: rule<'maxPoolGather'>((g, [x, positions], _y, spec) => [
    lax.maxPoolGrad(g, positions as Tensor, spec, (x as Tensor).shape),
    null,
  ]),
  avgPool: rule<'avgPool'>((g, [x], _y, spec) => [lax.avgPoolGrad(g, spec, (x as Tensor).shape)]),
  avgPoolGrad: rule<'avgPoolGrad'>((g, _inputs, _y, { inputShape: _, ...spec }) => [lax.avgPool(g, spec)]),
}

/** The sum of two cotangents, either of which may be nothing. */
export const sum = (a: Cotangent, b: Cotangent): Cotangent => (a === null ? b : b === null ? a : add(a, b))

function toWinner(g: Tensor, firstWins: Tensor, [needX, needY]: readonly boolean[]): [Cotangent, Cotangent] {
  const nothing = zerosLike(g)
  return [needX ? select(firstWins, g, nothing) : null, needY ? select(firstWins, nothing, g) : null]
}

/** The gradient of a reduction that picks elements: shared evenly among those that are equal to the result. */
function sharedAmongEqual(g: Tensor, x: Tensor, y: Tensor, axes: readonly number[]): Tensor {
  const chosen = cast(lax.eq(x, expand(y, x, axes)), x.dtype)
  const share = div(g, reduceSum(chosen, axes))
  return mul(expand(share, x, axes), chosen)
}

/** For each element the product of all the others, zeros allowed: prefix products times suffix products. */
function productOfOthers(x: Tensor, axes: readonly number[]): Tensor {
  const kept = keptAxes(x.shape.length, axes)
  const forward = [...kept, ...axes]
  const moved = transpose(x, forward)
  const keptShape = kept.map((axis) => x.shape[axis] as number)
  const n = count(x, axes)
  const rows = reshape(moved, [...keptShape, n])
  const axis = kept.length
  const others = mul(exclusive(rows, axis, false), exclusive(rows, axis, true))
  const inverse = new Array<number>(forward.length)
  forward.forEach((from, i) => {
    inverse[from] = i
  })
  return transpose(reshape(others, moved.shape), inverse)
}

/** Running product of the elements before (after, if `reverse`) each one. */
function exclusive(x: Tensor, axis: number, reverse: boolean): Tensor {
  const n = x.shape[axis] as number
  if (n === 0) return x
  const at = (index: number): number[] => x.shape.map((_, i) => (i === axis ? index : 0))
  const shorter = x.shape.map((size, i) => (i === axis ? n - 1 : size))
  const rest = slice(x, at(reverse ? 1 : 0), shorter)
  return lax.cumProd(pad(rest, full([], x.dtype, 1), at(reverse ? 0 : 1), at(reverse ? 1 : 0)), axis, reverse)
}

/**
 * d cumProd: the gradient of y_j = Π x_1..x_j for x_i is Σ_{j ≥ i} g_j Π_{k ≤ j, k ≠ i} x_k. Computed as an
 * n × n product so that zeros in x are no special case.
 */
function cumProdGradient(g: Tensor, x: Tensor, axis: number, reverse: boolean): Tensor {
  const n = x.shape[axis] as number
  const last = x.shape.length - 1
  const order = [...keptAxes(x.shape.length, [axis]), axis]
  const inverse = new Array<number>(order.length)
  order.forEach((from, i) => {
    inverse[from] = i
  })
  const orient = (t: Tensor): Tensor => (reverse ? lax.flip(transpose(t, order), [last]) : transpose(t, order))
  const [values, back] = [orient(x), orient(g)]
  const table = [...values.shape, n]
  const axesOfRow = values.shape.map((_, i) => (i === last ? last + 1 : i))
  const row = lax.iota(table, 'int32', last) // i: the element differentiated
  const column = lax.iota(table, 'int32', last + 1) // k and j
  const without = select(lax.eq(row, column), full(table, x.dtype, 1), broadcast(values, table, axesOfRow))
  const products = lax.cumProd(without, last + 1)
  const terms = select(lax.ge(column, row), mul(products, broadcast(back, table, axesOfRow)), full(table, x.dtype, 0))
  const result = reduceSum(terms, [last + 1])
  return transpose(reverse ? lax.flip(result, [last]) : result, inverse)
}

/** Every running maximum passes its gradient to the element that set it: the last one equal to it so far that raised it. */
function cumMaxGradient(g: Tensor, x: Tensor, y: Tensor, axis: number, reverse: boolean): Tensor {
  const n = x.shape[axis] as number
  if (n === 0) return g
  const at = (index: number): number[] => x.shape.map((_, i) => (i === axis ? index : 0))
  const shorter = x.shape.map((size, i) => (i === axis ? n - 1 : size))
  const before = pad(
    slice(y, at(reverse ? 1 : 0), shorter),
    full([], x.dtype, Number.NEGATIVE_INFINITY),
    at(reverse ? 0 : 1),
    at(reverse ? 1 : 0),
  )
  const raises = lax.gt(x, before)
  const place = lax.iota(x.shape, 'int32', axis)
  const positions = reverse
    ? lax.neg(lax.cumMax(lax.neg(select(raises, place, fullLike(place, n - 1))), axis, true))
    : lax.cumMax(select(raises, place, fullLike(place, 0)), axis)
  const size = x.size
  const target = reshape(flatIndices(positions, axis), [size])
  return reshape(lax.scatterAdd(full([size], g.dtype, 0), target, reshape(g, [size]), 0), x.shape)
}

/** Positions along `axis` as positions in the whole row-major tensor. */
function flatIndices(positions: Tensor, axis: number): Tensor {
  const { shape } = positions
  let result = scale(
    positions,
    shape.slice(axis + 1).reduce((a, b) => a * b, 1),
  )
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (i !== axis) result = add(result, scale(lax.iota(shape, 'int32', i), stride))
    stride *= shape[i] as number
  }
  return result
}

const swap = ({ batchA, batchB, contractA, contractB }: DotSpec): DotSpec => ({
  batchA: batchB,
  batchB: batchA,
  contractA: contractB,
  contractB: contractA,
})

/** Gradient of dot for its first operand (`swapped`: g's free axes come with the other operand's first). */
function dotGradient(g: Tensor, a: Tensor, b: Tensor, spec: DotSpec, swapped: boolean): Tensor {
  const rankBatch = spec.batchA.length
  const freeA = keptAxes(a.shape.length, [...spec.batchA, ...spec.contractA])
  const freeB = keptAxes(b.shape.length, [...spec.batchB, ...spec.contractB])
  const firstFreeB = rankBatch + (swapped ? 0 : freeA.length)
  const product = lax.dot(g, b, {
    batchA: spec.batchA.map((_, i) => i),
    batchB: spec.batchB,
    contractA: freeB.map((_, i) => firstFreeB + i),
    contractB: freeB,
  })
  // The product's axes: batch, free of a, then contracted axes in the order in which b holds them.
  const contracted = spec.contractB.map((axis, i) => ({ axis, of: spec.contractA[i] as number })).sort((p, q) => p.axis - q.axis)
  const order = [...spec.batchA, ...freeA, ...contracted.map(({ of }) => of)]
  const permutation = new Array<number>(order.length)
  order.forEach((axis, i) => {
    permutation[axis] = i
  })
  return transpose(product, permutation)
}

/** ψ'(x): recurrence up to x ≥ 6, then the asymptotic series; reflection for x < 0. */
function trigamma(x: Tensor): Tensor {
  const isNegative = lax.lt(x, zerosLike(x))
  const positive = select(isNegative, sub(fullLike(x, 1), x), x)
  let shifted = positive
  let result = zerosLike(x)
  for (let i = 0; i < 6; i++) {
    result = add(result, reciprocal(square(shifted)))
    shifted = plus(shifted, 1)
  }
  const r = reciprocal(square(shifted))
  const series = [-1 / 30, 5 / 66, -691 / 2730, 7 / 6].reduceRight((tail, c) => plus(mul(r, tail), c), zerosLike(x))
  const body = plus(mul(r, plus(mul(r, series), 1 / 42)), -1 / 30)
  const tail = add(add(reciprocal(shifted), scale(r, 0.5)), mul(mul(r, reciprocal(shifted)), plus(mul(r, body), 1 / 6)))
  const direct = add(result, tail)
  const sine = lax.sin(scale(x, Math.PI))
  return select(isNegative, sub(scale(reciprocal(square(sine)), Math.PI ** 2), direct), direct)
}
