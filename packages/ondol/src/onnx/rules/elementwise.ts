/** Functions of elements: most are one ONNX operator, some a few. */
import { type DType, isFloat } from '../../core/dtype.js'
import type { Value } from '../../engine/graph.js'
import type { BinaryName, UnaryName } from '../../engine/primitives.js'
import type { Named } from '../builder.js'
import { type Lowering, resultOf } from '../lowering.js'
import { dataType, type OnnxAttribute } from '../model-proto.js'
import { known, type Size } from '../sizes.js'
import type { Rules } from './rule.js'

/** Makes nodes of one shape. */
interface Maker {
  (op: string, inputs: readonly Named[], attributes?: Readonly<Record<string, OnnxAttribute>> & { readonly dtype?: DType }): Named
  readonly number: (value: number) => Named
  readonly isFloat: boolean
  readonly isBool: boolean
  readonly lowering: Lowering
}

type Definition = string | ((make: Maker, x: Named, y: Named) => Named)

const floorOfQuotient: Definition = (make, x, y) =>
  make.isFloat ? make('Floor', [make('Div', [x, y])]) : make('Div', [make('Sub', [x, make('Mod', [x, y])]), y])

const refused =
  (what: string, hint?: string): Definition =>
  (make) =>
    make.lowering.refuse(what, hint)

const fromOpset =
  (opset: number, op: string): Definition =>
  (make, x, y) =>
    make.lowering.builder.opset >= opset
      ? make(op, y === undefined ? [x] : [x, y])
      : make.lowering.refuse(`${op} in opset ${make.lowering.builder.opset}`, `export with opsetVersion: ${opset}`)

/** The least and greatest of truth values. */
const orBool =
  (op: string, ofBool: string): Definition =>
  (make, x, y) =>
    make(make.isBool ? ofBool : op, [x, y])

const DEFINITIONS: { readonly [N in UnaryName | BinaryName]: Definition } = {
  exp: 'Exp',
  expm1: (make, x) => make('Sub', [make('Exp', [x]), make.number(1)]),
  log: 'Log',
  log1p: (make, x) => make('Log', [make('Add', [x, make.number(1)])]),
  sqrt: 'Sqrt',
  rsqrt: (make, x) => make('Reciprocal', [make('Sqrt', [x])]),
  sin: 'Sin',
  cos: 'Cos',
  tan: 'Tan',
  asin: 'Asin',
  acos: 'Acos',
  atan: 'Atan',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  erf: 'Erf',
  erfInv: refused('the inverse error function'),
  lgamma: refused('the logarithm of the gamma function'),
  digamma: refused('the digamma function'),
  floor: 'Floor',
  ceil: 'Ceil',
  round: 'Round',
  neg: 'Neg',
  abs: 'Abs',
  sign: 'Sign',
  logicalNot: 'Not',
  bitwiseNot: fromOpset(18, 'BitwiseNot'),
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  pow: 'Pow',
  max: orBool('Max', 'Or'),
  min: orBool('Min', 'And'),
  floorDiv: floorOfQuotient,
  mod: (make, x, y) => (make.isFloat ? make('Sub', [x, make('Mul', [make('Floor', [make('Div', [x, y])]), y])]) : make('Mod', [x, y])),
  atan2: (make, y, x) => {
    const zero = make.number(0)
    const less = (value: Named): Named => make('Less', [value, zero], { dtype: 'bool' })
    const angle = make('Atan', [make('Div', [y, x])])
    const half = make('Where', [less(y), make.number(-Math.PI), make.number(Math.PI)], { dtype: angle.dtype as DType })
    const turned = make('Where', [less(x), make('Add', [angle, half]), angle], { dtype: angle.dtype as DType })
    const bothZero = make('And', [make('Equal', [x, zero], { dtype: 'bool' }), make('Equal', [y, zero], { dtype: 'bool' })])
    return make('Where', [bothZero, zero, turned], { dtype: angle.dtype as DType })
  },
  bitwiseAnd: fromOpset(18, 'BitwiseAnd'),
  bitwiseOr: fromOpset(18, 'BitwiseOr'),
  bitwiseXor: fromOpset(18, 'BitwiseXor'),
  shiftLeft: refused('shifts of signed integers'),
  shiftRight: refused('shifts of signed integers'),
  shiftRightLogical: refused('shifts of signed integers'),
  eq: (make, x, y) => make('Equal', [x, y], { dtype: 'bool' }),
  ne: (make, x, y) => make('Not', [make('Equal', [x, y], { dtype: 'bool' })]),
  lt: (make, x, y) => make('Less', [x, y], { dtype: 'bool' }),
  le: (make, x, y) => make('LessOrEqual', [x, y], { dtype: 'bool' }),
  gt: (make, x, y) => make('Greater', [x, y], { dtype: 'bool' }),
  ge: (make, x, y) => make('GreaterOrEqual', [x, y], { dtype: 'bool' }),
  logicalAnd: 'And',
  logicalOr: 'Or',
  logicalXor: 'Xor',
}

function apply(lowering: Lowering, definition: Definition, output: Value, inputs: readonly Value[]): void {
  const { dtype } = inputs[0] as Value
  lowering.elementwise(output, inputs, (operands, shape) => {
    const [x, y] = operands as readonly [Named, Named]
    if (typeof definition === 'string') return lowering.builder.node(definition, operands, shape, { dtype: output.dtype })
    const make: Maker = Object.assign(
      (op: string, of: readonly Named[], attributes: Readonly<Record<string, OnnxAttribute>> & { readonly dtype?: DType } = {}) =>
        lowering.builder.node(op, of, shapeOfAll(of), attributes),
      { number: (value: number) => lowering.builder.scalar(value, dtype), isFloat: isFloat(dtype), isBool: dtype === 'bool', lowering },
    )
    return { ...definition(make, x, y), shape }
  })
}

/** Shapes as ONNX broadcasts them. */
function shapeOfAll(tensors: readonly Named[]): Size[] {
  const rank = Math.max(...tensors.map(({ shape }) => shape.length))
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = tensors.map(({ shape }) => shape[axis - rank + shape.length] ?? known(1))
    return sizes.find(([size]) => size !== 1) ?? known(1)
  })
}

const scalarRules = Object.fromEntries(
  Object.entries(DEFINITIONS).map(([name, definition]) => [
    name,
    (lowering: Lowering, { node }: { node: { inputs: readonly Value[]; outputs: readonly Value[] } }) =>
      apply(lowering, definition, resultOf(node), node.inputs),
  ]),
) as unknown as Rules<UnaryName | BinaryName>

export const elementwiseRules: Rules<UnaryName | BinaryName | 'select' | 'cast' | 'randomBits'> = {
  ...scalarRules,
  add: (lowering, { node }) => {
    if (!addedToMaker(lowering, node.inputs as [Value, Value], resultOf(node))) apply(lowering, 'Add', resultOf(node), node.inputs)
  },
  select: (lowering, { node }) => {
    const output = resultOf(node)
    lowering.elementwise(output, node.inputs, (operands, shape) => lowering.builder.node('Where', operands, shape, { dtype: output.dtype }))
  },
  cast: (lowering, { node }) => {
    const output = resultOf(node)
    const [input] = node.inputs as [Value]
    const { tensor, axes } = lowering.view(input)
    if (lowering.builder.dataOf(tensor) !== undefined) lowering.set(output, { tensor: lowering.cast(tensor, output.dtype), axes })
    else
      lowering.elementwise(output, node.inputs, ([x], shape) =>
        lowering.builder.node('Cast', [x], shape, { dtype: output.dtype, to: dataType(output.dtype) }),
      )
  },
  randomBits: (lowering) => lowering.refuse('random numbers', 'leave the layer that draws them out of the model'),
}

/** A bias goes into the node that makes what it is added to. */
function addedToMaker(lowering: Lowering, [x, bias]: readonly [Value, Value], output: Value): boolean {
  const { builder } = lowering
  const view = lowering.view(x)
  const made = builder.makerOf(view.tensor)
  const channels = view.tensor.shape[1]
  if (made === undefined || channels === undefined || made.inputs.length !== 2 || !lowering.isReadOnce(x)) return false
  if (!['Gemm', 'Conv', 'ConvTranspose'].includes(made.op)) return false
  // A single feature has no axis that could be told from others.
  const feature = view.axes.indexOf(1)
  const [axis = feature, ...others] = lowering.axesOf(bias)
  const { tensor } = lowering.view(bias)
  if (axis !== feature || others.length > 0 || lowering.builder.dataOf(tensor)?.length !== channels[0]) return false
  made.inputs.push(builder.reshape(lowering.arranged(bias, [axis]), [channels]).name)
  lowering.set(output, view)
  return true
}
