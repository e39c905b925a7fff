/** Element-wise instructions on four lanes. Lanes are float32, int32, or masks (all bits or none) for bool. */
import type { DType } from '../../../core/dtype.js'
import type { LoopType } from '../../../engine/plan.js'
import type { ElementwiseName } from '../../../engine/primitives.js'
import { type FunctionBuilder, f32, f32x4, f64, i32x4, type Local, type Value, v128 } from '../assembler/index.js'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './half.js'
import type { ScalarFunctions, ScalarName } from './scalar-functions.js'
import { randomBits } from './threefry.js'
import * as vectorMath from './vector-math.js'

type Vector = Value<'v128'>

/** Where instructions are emitted, and how many different elements the lanes hold: one is in all of them. */
export interface Site {
  readonly f: FunctionBuilder
  readonly lanes: 1 | 4
  readonly functions: ScalarFunctions
}

export interface TypedVector {
  readonly value: Vector
  readonly type: LoopType
}

const SCALAR_FLOAT = ['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'lgamma', 'digamma', 'erfInv', 'pow', 'atan2', 'mod'] as const
const SCALAR_INTEGER = { floorDiv: 'integerFloorDiv', mod: 'integerMod', pow: 'integerPow' } as const

/** The scalar function that an instruction calls, if it does. */
export function scalarFunctionOf(op: string, type: LoopType): ScalarName | undefined {
  if (type === 'i32') return SCALAR_INTEGER[op as keyof typeof SCALAR_INTEGER]
  return SCALAR_FLOAT.find((name) => name === op)
}

const VECTOR_UNARY: Partial<Record<ElementwiseName, vectorMath.VectorFunction>> = {
  exp: vectorMath.exp,
  expm1: vectorMath.expm1,
  log: vectorMath.log,
  log1p: vectorMath.log1p,
  tanh: vectorMath.tanh,
  sigmoid: vectorMath.sigmoid,
  erf: vectorMath.erf,
  rsqrt: vectorMath.rsqrt,
  sqrt: (_, x) => f32x4.sqrt(x),
  floor: (_, x) => f32x4.floor(x),
  ceil: (_, x) => f32x4.ceil(x),
  round: (_, x) => f32x4.nearest(x),
}

/** The value of an instruction; `rounding` brings it to what a narrower dtype can hold. */
export function elementwise(site: Site, op: ElementwiseName, args: readonly TypedVector[], type: LoopType, rounding?: DType): Vector {
  const value = unrounded(site, op, args, type, rounding)
  return rounding === undefined ? value : round(site.f, value, rounding)
}

function unrounded(site: Site, op: ElementwiseName, args: readonly TypedVector[], type: LoopType, rounding?: DType): Vector {
  const { f } = site
  const [x, y, z] = args as readonly [TypedVector, TypedVector, TypedVector]
  const vectorFunction = VECTOR_UNARY[op]
  if (vectorFunction !== undefined) return vectorFunction(f, f.let(x.value))
  const scalar = scalarFunctionOf(op, type)
  if (scalar !== undefined) return perLane(site, scalar, args)
  switch (op) {
    case 'cast':
      return convert(x, type, rounding)
    case 'select':
      return v128.bitselect(y.value, z.value, x.value)
    case 'randomBits':
      return randomBits(f, x.value, y.value, z.value)
    case 'logicalNot':
    case 'bitwiseNot':
      return v128.not(x.value)
    case 'logicalAnd':
    case 'bitwiseAnd':
      return v128.and(x.value, y.value)
    case 'logicalOr':
    case 'bitwiseOr':
      return v128.or(x.value, y.value)
    case 'logicalXor':
    case 'bitwiseXor':
      return v128.xor(x.value, y.value)
    case 'shiftLeft':
    case 'shiftRight':
    case 'shiftRightLogical':
      return shift(site, op, x.value, y.value)
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return compare(op, x, y)
    default:
      if (type === 'f32') return floatArithmetic(f, op, x.value, y?.value)
      return integerArithmetic(f, op, x.value, y?.value, type)
  }
}

function floatArithmetic(f: FunctionBuilder, op: ElementwiseName, x: Vector, y: Vector): Vector {
  switch (op) {
    case 'add':
      return f32x4.add(x, y)
    case 'sub':
      return f32x4.sub(x, y)
    case 'mul':
      return f32x4.mul(x, y)
    case 'div':
      return f32x4.div(x, y)
    case 'max':
      return f32x4.max(x, y)
    case 'min':
      return f32x4.min(x, y)
    case 'floorDiv':
      return f32x4.floor(f32x4.div(x, y))
    case 'neg':
      return f32x4.neg(x)
    case 'abs':
      return f32x4.abs(x)
    case 'sign': {
      const value = f.let(x)
      const one = v128.or(v128.and(value, i32x4.splat(-2147483648)), f32x4.splat(1))
      const isOrdered = v128.or(f32x4.lt(value, 0), f32x4.gt(value, 0))
      return v128.bitselect(one, value, isOrdered)
    }
    default:
      throw unknown(op)
  }
}

function integerArithmetic(f: FunctionBuilder, op: ElementwiseName, x: Vector, y: Vector, type: LoopType): Vector {
  // Masks are -1 for true, so the greater of two bools is the smaller number.
  const isMask = type === 'bool'
  switch (op) {
    case 'add':
      return isMask ? v128.or(x, y) : i32x4.add(x, y)
    case 'sub':
      return isMask ? v128.xor(x, y) : i32x4.sub(x, y)
    case 'mul':
      return isMask ? v128.and(x, y) : i32x4.mul(x, y)
    case 'max':
      return isMask ? v128.or(x, y) : i32x4.maxS(x, y)
    case 'min':
      return isMask ? v128.and(x, y) : i32x4.minS(x, y)
    case 'neg':
      return isMask ? x : i32x4.neg(x)
    case 'abs':
      return isMask ? x : i32x4.abs(x)
    case 'sign': {
      if (isMask) return x
      const value = f.let(x)
      return i32x4.sub(i32x4.ltS(value, i32x4.splat(0)), i32x4.gtS(value, i32x4.splat(0)))
    }
    default:
      throw unknown(op)
  }
}

const unknown = (op: string): Error => new Error(`internal: ${op} is not an element-wise instruction of this type`)

type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'
const INTEGER_COMPARE = { eq: i32x4.eq, ne: i32x4.ne, lt: i32x4.ltS, le: i32x4.leS, gt: i32x4.gtS, ge: i32x4.geS }

function compare(op: Comparison, x: TypedVector, y: TypedVector): Vector {
  if (x.type === 'f32') return f32x4[op](x.value, y.value)
  const [left, right] = x.type === 'bool' ? [y, x] : [x, y]
  return INTEGER_COMPARE[op](left.value, right.value)
}

const ONE = 0x3f800000

/** Between loop types; `dtype` is what the value stands for where the type is wider (see `writeElement`). */
export function convert({ value, type: from }: TypedVector, to: LoopType, dtype?: DType): Vector {
  if (dtype === 'bool' && to !== 'bool') return convert({ value: convert({ value, type: from }, 'bool'), type: 'bool' }, to)
  if (from === to) return value
  switch (to) {
    case 'f32':
      return from === 'bool' ? v128.and(value, i32x4.splat(ONE)) : f32x4.convertI32x4S(value)
    case 'i32':
      return from === 'bool' ? v128.and(value, i32x4.splat(1)) : i32x4.truncSatF32x4S(value)
    case 'bool':
      return from === 'f32' ? f32x4.ne(value, 0) : i32x4.ne(value, i32x4.splat(0))
    default:
      throw new Error(`internal: no conversion from ${from} to ${to}`)
  }
}

export function round(f: FunctionBuilder, value: Vector, dtype: DType): Vector {
  if (dtype === 'bfloat16') return fromBfloat16(toBfloat16(f, value))
  if (dtype === 'float16') return fromFloat16(f, toFloat16(f, value))
  return dtype === 'uint8' ? v128.and(value, i32x4.splat(255)) : value
}

function shift(site: Site, op: 'shiftLeft' | 'shiftRight' | 'shiftRightLogical', x: Vector, y: Vector): Vector {
  const { f } = site
  const value = f.let(x)
  const count = f.let(y)
  const shifted = { shiftLeft: i32x4.shl, shiftRight: i32x4.shrS, shiftRightLogical: i32x4.shrU }[op]
  // Counts are taken modulo 32 by the instruction itself; it has one count for all lanes, so lane by lane.
  const result = f.let(shifted(value, i32x4.extractLane(count, 0)))
  for (let lane = 1; lane < site.lanes; lane++) {
    const one = i32x4.extractLane(shifted(value, i32x4.extractLane(count, lane)), lane)
    f.set(result, i32x4.replaceLane(result, lane, one))
  }
  return result
}

function perLane(site: Site, name: ScalarName, args: readonly TypedVector[]): Vector {
  const { f, functions } = site
  const kept: Local<'v128'>[] = args.map(({ value }) => f.let(value))
  const [x, y] = kept as [Local<'v128'>, Local<'v128'>]
  const integer = functions.integer.get(name)
  const binary = functions.binary.get(name)
  const unary = functions.unary.get(name)
  const wide = (vector: Local<'v128'>, lane: number): Value<'f64'> => f64.promoteF32(f32x4.extractLane(vector, lane))
  if (integer !== undefined) {
    return eachLane(site, i32x4, (lane) => integer.call(i32x4.extractLane(x, lane), i32x4.extractLane(y, lane)))
  }
  return eachLane(site, f32x4, (lane) => {
    const value = binary !== undefined ? binary.call(wide(x, lane), wide(y, lane)) : unary?.call(wide(x, lane))
    if (value === undefined) throw unknown(name)
    return f32.demoteF64(value)
  })
}

interface Lanes<T extends 'i32' | 'f32'> {
  readonly splat: (value: Value<T>) => Vector
  readonly replaceLane: (vector: Vector, lane: number, value: Value<T>) => Vector
}

function eachLane<T extends 'i32' | 'f32'>(
  { f, lanes }: Site,
  { splat, replaceLane }: Lanes<T>,
  compute: (lane: number) => Value<T>,
): Vector {
  const result = f.let(splat(compute(0)))
  for (let lane = 1; lane < lanes; lane++) f.set(result, replaceLane(result, lane, compute(lane)))
  return result
}
