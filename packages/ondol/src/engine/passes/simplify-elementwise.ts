/** Algebra of element-wise nodes: what is exact in floating point, and folding of numbers. */
import { type DType, isFloat } from '../../core/dtype.js'
import { sameShape } from '../../core/shape.js'
import { isNode, type Node, type Value } from '../graph.js'
import type { ElementwiseName, PrimitiveName } from '../primitives.js'
import type { Rewriter, Rule, Rules } from './rewriter.js'
import { literalOf } from './scalars.js'
import { fillOf } from './simplify-movement.js'

/** Scalar functions that are worth folding; floats only. */
const FOLDED: { readonly [P in PrimitiveName]?: (x: number, y: number) => number } = {
  neg: (x) => -x,
  abs: Math.abs,
  sqrt: Math.sqrt,
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  max: Math.max,
  min: Math.min,
}

const isPowerOfTwo = (value: number): boolean =>
  value !== 0 && Number.isFinite(value) && Number.isInteger(Math.log2(Math.abs(value))) && Math.abs(Math.log2(Math.abs(value))) < 100
const argument = (node: Node): Value => node.inputs[0] as Value
const isFloatValue = (value: Value): boolean => isFloat(value.dtype)

/** Numbers are computed now. */
const fold =
  <P extends ElementwiseName>(primitive: P): Rule<P> =>
  (r, _, inputs) => {
    const compute = FOLDED[primitive]
    const [x, y] = inputs.map(fillOf)
    const first = inputs[0] as Value
    if (compute === undefined || x === undefined || (inputs.length === 2 && y === undefined) || !isFloatValue(first)) return null
    return r.full(first.shape, first.dtype, literalOf(first.dtype, compute(x, y ?? 0)))
  }

/** A function of spread values is computed before they are spread. */
const beforeSpreading =
  <P extends ElementwiseName>(primitive: P): Rule<P> =>
  (r, attributes, inputs) => {
    const first = inputs.find((input) => fillOf(input) === undefined)
    if (first === undefined || !isNode(first.node, 'broadcast')) return null
    const { shape, axes } = first.node.attributes
    const source = argument(first.node).shape
    const sources: Value[] = []
    for (const input of inputs) {
      const fill = fillOf(input)
      if (fill !== undefined) sources.push(r.full(source, input.dtype, fill))
      else if (
        isNode(input.node, 'broadcast') &&
        sameShape(input.node.attributes.axes, axes) &&
        sameShape(argument(input.node).shape, source)
      )
        sources.push(argument(input.node))
      else return null
    }
    return r.one('broadcast', { shape, axes }, r.one(primitive, attributes, ...sources))
  }

const names = [
  'neg',
  'abs',
  'sqrt',
  'rsqrt',
  'exp',
  'log',
  'tanh',
  'sigmoid',
  'cast',
  'add',
  'sub',
  'mul',
  'div',
  'max',
  'min',
  'pow',
  'select',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'logicalNot',
  'logicalAnd',
] as const
const general = Object.fromEntries(names.map((name) => [name, [fold(name), beforeSpreading(name)]])) as unknown as Record<
  (typeof names)[number],
  Rule<PrimitiveName>[]
>
const withGeneral = <P extends (typeof names)[number]>(name: P, ...rules: Rule<P>[]): Rule<P>[] => [
  ...rules,
  ...(general[name] as Rule<P>[]),
]

/** Casts that lose nothing. */
const isWider = (from: DType, to: DType): boolean => {
  if (from === to || from === 'bool') return true
  switch (to) {
    case 'float64':
      return true
    case 'float32':
      return from !== 'float64' && from !== 'int32'
    case 'int32':
      return from === 'uint8'
    default:
      return false
  }
}

/** Relu's output is positive exactly where its input is: masks then need the output only. */
const maskFromOutput: Rule<'gt'> = (r, _, [x, zero]) => {
  if (fillOf(zero as Value) !== 0) return null
  const output = r.find('max', {}, x as Value, zero as Value) ?? r.find('max', {}, zero as Value, x as Value)
  return output === undefined ? null : r.one('gt', {}, output, zero as Value)
}

export const ELEMENTWISE_RULES: Rules = {
  ...(general as unknown as Rules),
  neg: withGeneral('neg', (r, _, [x]) => {
    const { node } = x as Value
    if (isNode(node, 'neg')) return argument(node)
    const by = isNode(node, 'mul') ? fillOf(node.inputs[1] as Value) : undefined
    return by !== undefined && node !== null && isFloatValue(x as Value) ? scaled(r, argument(node), -by) : null
  }),
  add: withGeneral('add', (r, _, [x, y]) => {
    const [a, b] = [x as Value, y as Value]
    if (isZeroToAdd(b)) return a
    if (isZeroToAdd(a)) return b
    if (isNode(b.node, 'neg') && isFloatValue(b)) return r.one('sub', {}, a, argument(b.node))
    return isNode(a.node, 'neg') && isFloatValue(a) ? r.one('sub', {}, b, argument(a.node)) : null
  }),
  sub: withGeneral('sub', (r, _, [x, y]) => {
    const [a, b] = [x as Value, y as Value]
    if (Object.is(fillOf(b), 0)) return a
    return isNode(b.node, 'neg') && isFloatValue(b) ? r.one('add', {}, a, argument(b.node)) : null
  }),
  mul: withGeneral('mul', (r, _, [x, y]) => {
    const [a, b] = [x as Value, y as Value]
    if (fillOf(a) !== undefined && fillOf(b) === undefined) return r.one('mul', {}, b, a)
    const by = fillOf(b)
    if (by === 1) return a
    if (by !== undefined && isFloatValue(a)) {
      if (by === -1) return r.one('neg', {}, a)
      if (isNode(a.node, 'neg')) return scaled(r, argument(a.node), -by)
    }
    return isNode(a.node, 'neg') && isNode(b.node, 'neg') && isFloatValue(a) ? r.one('mul', {}, argument(a.node), argument(b.node)) : null
  }),
  div: withGeneral('div', (r, _, [x, y]) => {
    const by = fillOf(y as Value)
    if (by === 1) return x as Value
    return by !== undefined && isPowerOfTwo(by) ? scaled(r, x as Value, 1 / by) : null
  }),
  pow: withGeneral('pow', (r, _, [x, y]) => {
    const power = fillOf(y as Value)
    if (power === 1) return x as Value
    if (power === 2) return r.one('mul', {}, x as Value, x as Value)
    return power === -1 && isFloatValue(x as Value) ? r.one('div', {}, r.full((x as Value).shape, (x as Value).dtype, 1), x as Value) : null
  }),
  cast: withGeneral('cast', (r, { dtype }, [x]) => {
    const { node, shape } = x as Value
    if ((x as Value).dtype === dtype) return x as Value
    const value = fillOf(x as Value)
    if (value !== undefined) return r.full(shape, dtype, literalOf(dtype, value))
    if (isNode(node, 'cast') && isWider(argument(node).dtype, node.attributes.dtype)) return r.one('cast', { dtype }, argument(node))
    return null
  }),
  logicalNot: withGeneral('logicalNot', (_, __, [x]) =>
    isNode((x as Value).node, 'logicalNot') ? argument((x as Value).node as Node) : null,
  ),
  select: withGeneral('select', (r, _, [condition, whenTrue, whenFalse]) => {
    const known = fillOf(condition as Value)
    if (known !== undefined) return (known === 0 ? whenFalse : whenTrue) as Value
    if (whenTrue === whenFalse) return whenTrue as Value
    const { node } = condition as Value
    return isNode(node, 'logicalNot') ? r.one('select', {}, argument(node), whenFalse as Value, whenTrue as Value) : null
  }),
  gt: withGeneral('gt', maskFromOutput),
  lt: withGeneral('lt', (r, _, [x, y]) =>
    fillOf(x as Value) === 0 && fillOf(y as Value) === undefined ? r.one('gt', {}, y as Value, x as Value) : null,
  ),
}

const scaled = (r: Rewriter, x: Value, by: number): Value => (by === 1 ? x : r.one('mul', {}, x, r.full(x.shape, x.dtype, by)))

/** -0 leaves every float as it is; +0 would turn -0 around. */
const isZeroToAdd = (value: Value): boolean => (isFloatValue(value) ? Object.is(fillOf(value), -0) : fillOf(value) === 0)
