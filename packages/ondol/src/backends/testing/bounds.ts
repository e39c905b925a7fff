/**
 * The judge with error bars: runs a graph on the host and follows, for every element, how far an
 * honest backend may be from it. A backend may evaluate transcendental functions to a few units in
 * the last place, sum in any order, contract a product and a sum into one rounding, and keep float32
 * between the operations of a fused loop on 16-bit types. It may not do anything else: where nothing
 * was rounded the error bar is 0 and the results must be equal.
 */
import { type DType, isFloat, readElement, toInt32 } from '../../core/dtype.js'
import { type Shape, sizeOf } from '../../core/shape.js'
import type { Graph, Node, Value } from '../../engine/graph.js'
import { isNode } from '../../engine/graph.js'
import type { BinaryName, PrimitiveAttributes, PrimitiveName, UnaryName } from '../../engine/primitives.js'
import { scalarOf } from '../host/elementwise.js'
import { type HostArray, runPrimitive } from '../host/index.js'

/** A value and how far from it an element may be. */
export interface Bounded {
  readonly array: HostArray
  /** Before the last rounding to the array's dtype. */
  readonly error: Float64Array
  /** What computing without that rounding would have given: consumers may see either. */
  readonly unrounded: Float64Array
}

/** Unit of relative error of the type that a dtype is computed in. */
const epsilonOf = (dtype: DType): number => (dtype === 'float64' ? 2 ** -52 : 2 ** -23)

/**
 * How many units a function may be off in its result, and in its argument: the second is what a good
 * function may lose near its zeros and poles. Those not listed are correctly rounded.
 */
const UNITS: { readonly [N in UnaryName | BinaryName]?: readonly [result: number, argument: number] } = {
  exp: [4, 0],
  expm1: [8, 0],
  log: [4, 0],
  log1p: [8, 0],
  rsqrt: [4, 0],
  sin: [4, 2],
  cos: [4, 2],
  tan: [8, 2],
  asin: [8, 0],
  acos: [8, 0],
  atan: [4, 0],
  tanh: [8, 0],
  sigmoid: [8, 0],
  erf: [8, 0],
  erfInv: [16, 1],
  lgamma: [32, 4],
  digamma: [32, 4],
  pow: [16, 1],
  atan2: [8, 0],
}

/** What the judge's own log-gamma series loses near its zeros, absolutely: they lie where greater terms cancel. */
const JUDGE_NOISE: { readonly [N in UnaryName | BinaryName]?: number } = { lgamma: 2e-14, digamma: 2e-14 }

/** Units that each sum may be off per square root of its terms, relative to the sum of magnitudes. */
const SUM_UNITS = 2

export const numbers = ({ dtype, storage }: HostArray): Float64Array => Float64Array.from(storage, (_, i) => readElement(dtype, storage, i))

const doubles = (shape: Shape, storage: Float64Array): HostArray => ({ shape, dtype: 'float64', storage })
const ones = ({ shape }: HostArray): HostArray => doubles(shape, new Float64Array(sizeOf(shape)).fill(1))
const magnitudes = (x: Bounded): HostArray => doubles(x.array.shape, numbers(x.array).map(Math.abs))
const barsOf = (x: Bounded): HostArray => doubles(x.array.shape, x.error)
const isExact = ({ error }: Bounded): boolean => error.every((bar) => bar === 0)

/** Distance, with equal infinities and NaNs 0 apart and anything else from them out of reach. */
const distance = (a: number, b: number): number => {
  if (Object.is(a, b) || a === b) return 0
  const gap = Math.abs(a - b)
  return Number.isNaN(gap) ? Number.POSITIVE_INFINITY : gap
}

const combine = (a: Float64Array, b: Float64Array, how: (x: number, y: number) => number): Float64Array =>
  a.map((x, i) => how(x, b[i] as number))

/** Worst change of a scalar function when its arguments move to the ends of their bars. */
function elementwiseBars(
  f: (...args: number[]) => number,
  inputs: readonly Bounded[],
  argumentSlack: number,
  length: number,
): Float64Array {
  const values = inputs.map(({ array }) => numbers(array))
  return Float64Array.from({ length }, (_, i) => {
    const at = values.map((value) => value[i] as number)
    const slack = at.map((x, n) => ((inputs[n] as Bounded).error[i] as number) + (Number.isFinite(x) ? argumentSlack * Math.abs(x) : 0))
    if (slack.every((bar) => bar === 0)) return 0
    const centre = f(...at)
    let worst = 0
    for (let corner = 0; corner < 3 ** at.length; corner++) {
      const moved = at.map((x, n) => x + ((Math.floor(corner / 3 ** n) % 3) - 1) * (slack[n] as number))
      worst = Math.max(worst, distance(f(...moved), centre))
    }
    return worst
  })
}

/** The result's own rounding: `units` of the computing type's epsilon. */
const inUnits = (result: HostArray, units: number): Float64Array =>
  numbers(result).map((x) => (Number.isFinite(x) ? Math.abs(x) * units * epsilonOf(result.dtype) : 0))

type Run<P extends PrimitiveName> = (...inputs: HostArray[]) => Float64Array & { readonly primitive?: P }
type Rule = (node: Node, inputs: readonly Bounded[], results: readonly HostArray[]) => readonly Float64Array[]

/** The primitive itself in float64, on operands of the caller's choice. */
const rerun =
  <P extends PrimitiveName>(node: Node<P>): Run<P> =>
  (...inputs) =>
    runPrimitive(node.primitive, node.attributes, inputs)[0]?.storage as Float64Array

const zeros = (results: readonly HostArray[]): Float64Array[] => results.map(({ storage }) => new Float64Array(storage.length))
const unknown = (results: readonly HostArray[]): Float64Array[] => zeros(results).map((bars) => bars.fill(Number.POSITIVE_INFINITY))

/** Elements move, and their bars with them; operands that say where to (indices, positions) are exact. */
const moves: Rule = (node, inputs, results) => {
  if (inputs.every(isExact)) return zeros(results)
  return [rerun(node)(...inputs.map((x, i) => (i > 0 && x.array.dtype === 'int32' && node.primitive !== 'concat' ? x.array : barsOf(x))))]
}

/** Sums of operands: bars add up, and the sum itself is rounded on the way. */
const sums: Rule = (node, inputs, results) => {
  const [result] = results as [HostArray]
  if (!isFloat(result.dtype)) return inputs.every(isExact) ? zeros(results) : unknown(results)
  const run = rerun(node)
  const each = (how: (x: Bounded) => HostArray): Float64Array => run(...inputs.map((x) => (isFloat(x.array.dtype) ? how(x) : x.array)))
  const terms = each(({ array }) => ones(array))
  const noise = combine(terms, each(magnitudes), (count, sum) => SUM_UNITS * Math.sqrt(count) * epsilonOf(result.dtype) * sum)
  return [inputs.every(isExact) ? noise : combine(noise, each(barsOf), (x, y) => x + y)]
}

/** Sums of products of two operands. */
const products: Rule = (node, inputs, results) => {
  const [result] = results as [HostArray]
  const [a, b] = inputs as [Bounded, Bounded]
  if (!isFloat(result.dtype)) return inputs.every(isExact) ? zeros(results) : unknown(results)
  const run = rerun(node)
  const terms = run(ones(a.array), ones(b.array))
  let bars = combine(terms, run(magnitudes(a), magnitudes(b)), (count, sum) => SUM_UNITS * Math.sqrt(count) * epsilonOf(result.dtype) * sum)
  const pairs: (readonly [HostArray, HostArray])[] = []
  if (!isExact(a)) pairs.push([barsOf(a), magnitudes(b)])
  if (!isExact(b)) pairs.push([magnitudes(a), barsOf(b)], [barsOf(a), barsOf(b)])
  for (const pair of pairs) bars = combine(bars, run(...pair), (x, y) => x + y)
  return [bars]
}

/** Products: relative errors of the rounding of every factor add up. */
const factors: Rule = (_, inputs, results) => {
  const [x] = inputs as [Bounded]
  const [result] = results as [HostArray]
  if (!isExact(x)) return unknown(results)
  return isFloat(result.dtype) ? [inUnits(result, Math.max(...x.array.shape, 1) * Math.max(x.array.shape.length, 1))] : zeros(results)
}

/** Extremes move no more than the bar that moves most. */
const extremes: Rule = (_, inputs, results) => {
  const [x] = inputs as [Bounded]
  const [result, ...positions] = zeros(results) as [Float64Array, ...Float64Array[]]
  if (isExact(x)) return [result, ...positions]
  return [result.fill(x.error.reduce((worst, bar) => Math.max(worst, bar), 0)), ...unknown(results.slice(1))]
}

/** Decisions: exact, or anything when the operands are not. */
const decides: Rule = (_, inputs, results) => (inputs.every(isExact) ? zeros(results) : unknown(results))

const scalars: Rule = (node, inputs, results) => {
  const name = node.primitive as UnaryName | BinaryName
  const [result] = results as [HostArray]
  const [resultUnits, argumentUnits] = UNITS[name] ?? [0, 0]
  const float = isFloat((inputs[0] as Bounded).array.dtype)
  const units = float ? resultUnits : 0
  const scalar = scalarOf(name, float) as (...args: number[]) => number
  const bars = elementwiseBars(scalar, inputs, float ? argumentUnits * epsilonOf(result.dtype) : 0, result.storage.length)
  const noise = JUDGE_NOISE[name] ?? 0
  return [combine(bars, inUnits(result, units), (x, y) => x + y + noise)]
}

const moments: Rule = (node, inputs, results) => {
  const [x] = inputs as [Bounded]
  const [mean, variance] = results as [HostArray, HostArray]
  if (!isExact(x)) return unknown(results)
  const count = x.array.storage.length / Math.max(mean.storage.length, 1)
  const unit = SUM_UNITS * Math.sqrt(count) * epsilonOf(mean.dtype)
  const meanMagnitude = rerun(node)(magnitudes(x))
  const spread = numbers(variance)
  return [
    meanMagnitude.map((m) => m * unit),
    spread.map((v, i) => unit * (v + Math.sqrt(v) * (meanMagnitude[i] as number) + unit * (meanMagnitude[i] as number) ** 2)),
  ]
}

const select: Rule = (_, inputs, results) => {
  const [condition, whenTrue, whenFalse] = inputs as [Bounded, Bounded, Bounded]
  const [left, right] = [numbers(whenTrue.array), numbers(whenFalse.array)]
  return zeros(results).map((bars) =>
    bars.map((_bar, i) => {
      const chosen = (condition.array.storage[i] ? whenTrue : whenFalse).error[i] as number
      if (condition.error[i] === 0) return chosen
      return distance(left[i] as number, right[i] as number) + (whenTrue.error[i] as number) + (whenFalse.error[i] as number)
    }),
  )
}

const cast: Rule = (node, inputs, results) => {
  const [result] = results as [HostArray]
  const { dtype } = node.attributes as PrimitiveAttributes['cast']
  const convert = (x: number): number => {
    if (dtype === 'bool') return x === 0 ? 0 : 1
    return isFloat(dtype) ? x : dtype === 'uint8' ? toInt32(x) & 255 : toInt32(x)
  }
  return [elementwiseBars(convert as (...args: number[]) => number, inputs, 0, result.storage.length)]
}

/** Element `step` of a stacked value. */
function elementOf({ array, error, unrounded }: Bounded, step: number): Bounded {
  const shape = array.shape.slice(1)
  const [from, to] = [step * sizeOf(shape), (step + 1) * sizeOf(shape)]
  return {
    array: { ...array, shape, storage: array.storage.subarray(from, to) },
    error: error.subarray(from, to),
    unrounded: unrounded.subarray(from, to),
  }
}

const scan: Rule = (node, inputs, results) => {
  const { body, constants, carries, length, reverse } = node.attributes as PrimitiveAttributes['scan']
  const bars = zeros(results)
  let state = inputs.slice(constants, constants + carries)
  for (let i = 0; i < length; i++) {
    const step = reverse ? length - 1 - i : i
    const elements = inputs.slice(constants + carries).map((sequence) => elementOf(sequence, step))
    const outputs = boundGraph(body, [...inputs.slice(0, constants), ...state, ...elements])
    state = outputs.slice(0, carries)
    outputs.slice(carries).forEach(({ error }, n) => (bars[carries + n] as Float64Array).set(error, step * error.length))
  }
  state.forEach(({ error }, n) => (bars[n] as Float64Array).set(error))
  return bars
}

const branch: Rule = (node, inputs, results) => {
  const { whenTrue, whenFalse } = node.attributes as PrimitiveAttributes['cond']
  const [predicate, ...operands] = inputs as [Bounded, ...Bounded[]]
  if (!isExact(predicate)) return unknown(results)
  return boundGraph(predicate.array.storage[0] ? whenTrue : whenFalse, operands).map(({ error }) => error)
}

/** Which rule a primitive follows; those not listed apply a scalar function. */
const RULES: { readonly [P in Exclude<PrimitiveName, UnaryName | BinaryName>]: Rule } = {
  select,
  cast,
  randomBits: decides,
  full: decides,
  constant: decides,
  iota: decides,
  reshape: moves,
  broadcast: moves,
  transpose: moves,
  slice: moves,
  pad: moves,
  concat: moves,
  reduceSum: sums,
  reduceProd: factors,
  reduceMax: extremes,
  reduceMin: extremes,
  argMax: decides,
  argMin: decides,
  cumSum: sums,
  cumProd: factors,
  cumMax: extremes,
  moments,
  gather: moves,
  scatterAdd: sums,
  scatterSet: moves,
  sort: decides,
  dot: products,
  conv: products,
  convInputGrad: products,
  convKernelGrad: products,
  maxPool: extremes,
  maxPoolGrad: sums,
  maxPoolGather: moves,
  avgPool: sums,
  avgPoolGrad: sums,
  scan,
  while: decides,
  cond: branch,
}

/** Primitives whose result is not a rounding of anything. */
const isRounding = (node: Node, dtype: DType): boolean =>
  isFloat(dtype) && RULES[node.primitive as keyof typeof RULES] !== moves && !isNode(node, 'cast') && !isNode(node, 'select')

/** What the primitive gives before its results are rounded to their dtype. */
function runUnrounded(node: Node, inputs: readonly HostArray[], results: readonly HostArray[]): Float64Array[] {
  const wide = inputs.map((x) => (isFloat(x.dtype) ? doubles(x.shape, numbers(x)) : x))
  const hasBody = isNode(node, 'scan') || isNode(node, 'while') || isNode(node, 'cond')
  const isMade = inputs.length === 0
  if (hasBody || isMade || !results.some(({ dtype }) => isRounding(node, dtype))) return results.map(numbers)
  return runPrimitive(node.primitive, node.attributes, wide).map(numbers)
}

/**
 * What a consumer may see of a value: one whose rounding has not happened yet, or, where the value was
 * uncertain to begin with, one that was rounded to the next neighbour.
 */
const inFlight = ({ array, error, unrounded }: Bounded): Bounded => {
  if (!isFloat(array.dtype)) return { array, error, unrounded }
  const values = numbers(array)
  const bars = error.map((bar, i) => {
    const value = values[i] as number
    return bar === 0 ? distance(value, unrounded[i] as number) : bar + unitInLastPlace(array.dtype, value)
  })
  return { array, error: bars, unrounded }
}

/** Rounding, once more, of what was uncertain: a cast to a narrow type may fall to the next value. */
function narrowed(node: Node, result: HostArray, error: Float64Array): Float64Array {
  if (!isNode(node, 'cast') || !isFloat(result.dtype)) return error
  const values = numbers(result)
  return error.map((bar, i) => (bar === 0 ? 0 : bar + unitInLastPlace(result.dtype, values[i] as number)))
}

export function boundGraph(graph: Graph, inputs: readonly Bounded[]): Bounded[] {
  const known = new Map<Value, Bounded>(graph.inputs.map((value, i) => [value, inputs[i] as Bounded]))
  for (const node of graph.nodes) {
    const operands = node.inputs.map((value) => inFlight(known.get(value) as Bounded))
    const arrays = operands.map(({ array }) => array)
    const results = runPrimitive(node.primitive, node.attributes, arrays, node.outputs)
    const rule = RULES[node.primitive as keyof typeof RULES] ?? scalars
    const bars = rule(node, operands, results)
    const unrounded = runUnrounded(node, arrays, results)
    node.outputs.forEach((value, i) => {
      const array = results[i] as HostArray
      const error = narrowed(node, array, bars[i] as Float64Array).map((bar) => (Number.isNaN(bar) ? Number.POSITIVE_INFINITY : bar))
      known.set(value, { array, error, unrounded: unrounded[i] as Float64Array })
    })
  }
  return graph.outputs.map((value) => known.get(value) as Bounded)
}

/** An input: as given. */
export const given = (array: HostArray): Bounded => ({ array, error: new Float64Array(array.storage.length), unrounded: numbers(array) })

const FORMATS = {
  float64: { fraction: 52, least: -1022, greatest: 1023 },
  float32: { fraction: 23, least: -126, greatest: 127 },
  float16: { fraction: 10, least: -14, greatest: 15 },
  bfloat16: { fraction: 7, least: -126, greatest: 127 },
} as const

const formatOf = (dtype: DType): (typeof FORMATS)[keyof typeof FORMATS] => FORMATS[dtype as keyof typeof FORMATS]

/** Gap between neighbours around `value`. */
export function unitInLastPlace(dtype: DType, value: number): number {
  const { fraction, least, greatest } = formatOf(dtype)
  const exponent = Number.isFinite(value) ? Math.max(least, Math.floor(Math.log2(Math.abs(value)))) : greatest
  return 2 ** (exponent - fraction)
}

/** Whether a backend's element is one that the judge allows. */
export function isAllowed(dtype: DType, actual: number, expected: number, error: number): boolean {
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return true
  if (error === 0) return false
  if (error === Number.POSITIVE_INFINITY) return true
  if (!isFloat(dtype)) return Math.abs(actual - expected) <= error
  const { greatest } = formatOf(dtype)
  // Beyond the greatest number lies infinity, one step away; below the least normal one of the computing type, zero.
  const bounded = (x: number): number => (Math.abs(x) === Number.POSITIVE_INFINITY ? Math.sign(x) * 2 ** greatest * 2 : x)
  const flushed = dtype === 'float64' ? 2 ** -1022 : 2 ** -126
  return Math.abs(bounded(actual) - bounded(expected)) <= error + unitInLastPlace(dtype, expected) + flushed
}
