/**
 * The instructions, one namespace a type, named as in the specification in camelCase
 * (`i32.load8_u` → `i32.load8U`). https://webassembly.github.io/spec/core/binary/instructions.html
 */
import { type Code, float32Bytes, float64Bytes, int32Bytes, type Operand, Statement, signed, type Type, unsigned, Value } from './code.js'

const simd = (opcode: number): Code => [0xfd, unsigned(opcode)]
const atomic = (opcode: number): Code => [0xfe, opcode]

/** A number as a value of a type; for v128, float32 lanes unless said otherwise. */
function lift<T extends Type>(type: T, operand: Operand<T>, lanes: Lanes = 'f32'): Value<T> {
  if (typeof operand !== 'number') return operand
  switch (type as Type) {
    case 'i32':
      return new Value(type, [0x41, signed(operand | 0)])
    case 'i64':
      return new Value(type, [0x42, signed(operand)])
    case 'f32':
      return new Value(type, [0x43, float32Bytes(operand)])
    case 'f64':
      return new Value(type, [0x44, float64Bytes(operand)])
    default:
      return new Value(type, [simd(0x0c), splatBytes(lanes, operand)])
  }
}

type Lanes = 'i32' | 'f32' | 'f64'
function splatBytes(lanes: Lanes, value: number): number[] {
  const lane = lanes === 'f32' ? float32Bytes(value) : lanes === 'i32' ? int32Bytes(value) : float64Bytes(value)
  return Array.from({ length: 16 / lane.length }, () => lane).flat()
}

const unary =
  <A extends Type, R extends Type>(from: A, to: R, opcode: Code) =>
  (a: Operand<A>): Value<R> =>
    new Value(to, [lift(from, a).code, opcode])

const binary =
  <A extends Type, R extends Type>(from: A, to: R, opcode: Code, lanes?: Lanes) =>
  (a: Operand<A>, b: Operand<A>): Value<R> =>
    new Value(to, [lift(from, a, lanes).code, lift(from, b, lanes).code, opcode])

const load =
  <R extends Type>(to: R, opcode: Code, align: number) =>
  (address: Operand<'i32'>, offset = 0): Value<R> =>
    new Value(to, [lift('i32', address).code, opcode, align, unsigned(offset)])

const store =
  <V extends Type>(from: V, opcode: Code, align: number) =>
  (address: Operand<'i32'>, value: Operand<V>, offset = 0): Statement =>
    new Statement([lift('i32', address).code, lift(from, value).code, opcode, align, unsigned(offset)])

const loadLane =
  (opcode: number, align: number) =>
  (address: Operand<'i32'>, into: Value<'v128'>, lane: number, offset = 0): Value<'v128'> =>
    new Value('v128', [lift('i32', address).code, into.code, simd(opcode), align, unsigned(offset), lane])

const storeLane =
  (opcode: number, align: number) =>
  (address: Operand<'i32'>, from: Value<'v128'>, lane: number, offset = 0): Statement =>
    new Statement([lift('i32', address).code, from.code, simd(opcode), align, unsigned(offset), lane])

const atomicUpdate =
  (opcode: number) =>
  (address: Operand<'i32'>, value: Operand<'i32'>, offset = 0): Value<'i32'> =>
    new Value('i32', [lift('i32', address).code, lift('i32', value).code, atomic(opcode), 2, unsigned(offset)])

const constant =
  <T extends Type>(type: T) =>
  (value: number): Value<T> =>
    lift(type, value)

const integerUnary = <T extends 'i32' | 'i64'>(type: T, base: number) => ({
  clz: unary(type, type, base),
  ctz: unary(type, type, base + 1),
  popcnt: unary(type, type, base + 2),
})

const integerBinary = <T extends 'i32' | 'i64'>(type: T, base: number) => ({
  add: binary(type, type, base),
  sub: binary(type, type, base + 1),
  mul: binary(type, type, base + 2),
  divS: binary(type, type, base + 3),
  divU: binary(type, type, base + 4),
  remS: binary(type, type, base + 5),
  remU: binary(type, type, base + 6),
  and: binary(type, type, base + 7),
  or: binary(type, type, base + 8),
  xor: binary(type, type, base + 9),
  shl: binary(type, type, base + 10),
  shrS: binary(type, type, base + 11),
  shrU: binary(type, type, base + 12),
  rotl: binary(type, type, base + 13),
  rotr: binary(type, type, base + 14),
})

const integerCompare = <T extends 'i32' | 'i64'>(type: T, base: number) => ({
  eqz: unary(type, 'i32', base),
  eq: binary(type, 'i32', base + 1),
  ne: binary(type, 'i32', base + 2),
  ltS: binary(type, 'i32', base + 3),
  ltU: binary(type, 'i32', base + 4),
  gtS: binary(type, 'i32', base + 5),
  gtU: binary(type, 'i32', base + 6),
  leS: binary(type, 'i32', base + 7),
  leU: binary(type, 'i32', base + 8),
  geS: binary(type, 'i32', base + 9),
  geU: binary(type, 'i32', base + 10),
})

const floatOperations = <T extends 'f32' | 'f64'>(type: T, base: number, compare: number) => ({
  const: constant(type),
  abs: unary(type, type, base),
  neg: unary(type, type, base + 1),
  ceil: unary(type, type, base + 2),
  floor: unary(type, type, base + 3),
  trunc: unary(type, type, base + 4),
  nearest: unary(type, type, base + 5),
  sqrt: unary(type, type, base + 6),
  add: binary(type, type, base + 7),
  sub: binary(type, type, base + 8),
  mul: binary(type, type, base + 9),
  div: binary(type, type, base + 10),
  min: binary(type, type, base + 11),
  max: binary(type, type, base + 12),
  copysign: binary(type, type, base + 13),
  eq: binary(type, 'i32', compare),
  ne: binary(type, 'i32', compare + 1),
  lt: binary(type, 'i32', compare + 2),
  gt: binary(type, 'i32', compare + 3),
  le: binary(type, 'i32', compare + 4),
  ge: binary(type, 'i32', compare + 5),
})

export const i32 = {
  const: constant('i32'),
  ...integerUnary('i32', 0x67),
  ...integerBinary('i32', 0x6a),
  ...integerCompare('i32', 0x45),
  load: load('i32', 0x28, 2),
  load8S: load('i32', 0x2c, 0),
  load8U: load('i32', 0x2d, 0),
  load16S: load('i32', 0x2e, 1),
  load16U: load('i32', 0x2f, 1),
  store: store('i32', 0x36, 2),
  store8: store('i32', 0x3a, 0),
  store16: store('i32', 0x3b, 1),
  wrapI64: unary('i64', 'i32', 0xa7),
  truncSatF32S: unary('f32', 'i32', [0xfc, 0]),
  truncSatF64S: unary('f64', 'i32', [0xfc, 2]),
  reinterpretF32: unary('f32', 'i32', 0xbc),
  atomicLoad: load('i32', atomic(0x10), 2),
  atomicStore: store('i32', atomic(0x17), 2),
  atomicAdd: atomicUpdate(0x1e),
  atomicSub: atomicUpdate(0x25),
  atomicExchange: atomicUpdate(0x41),
}

export const i64 = {
  const: constant('i64'),
  ...integerBinary('i64', 0x7c),
  ...integerCompare('i64', 0x50),
  load: load('i64', 0x29, 3),
  store: store('i64', 0x37, 3),
  extendI32S: unary('i32', 'i64', 0xac),
  extendI32U: unary('i32', 'i64', 0xad),
  reinterpretF64: unary('f64', 'i64', 0xbd),
}

export const f32 = {
  ...floatOperations('f32', 0x8b, 0x5b),
  load: load('f32', 0x2a, 2),
  store: store('f32', 0x38, 2),
  convertI32S: unary('i32', 'f32', 0xb2),
  demoteF64: unary('f64', 'f32', 0xb6),
  reinterpretI32: unary('i32', 'f32', 0xbe),
}

export const f64 = {
  ...floatOperations('f64', 0x99, 0x61),
  load: load('f64', 0x2b, 3),
  store: store('f64', 0x39, 3),
  convertI32S: unary('i32', 'f64', 0xb7),
  promoteF32: unary('f32', 'f64', 0xbb),
  reinterpretI64: unary('i64', 'f64', 0xbf),
}

export const v128 = {
  load: load('v128', simd(0x00), 4),
  load8x8S: load('v128', simd(0x01), 3),
  load8x8U: load('v128', simd(0x02), 3),
  load16x4S: load('v128', simd(0x03), 3),
  load16x4U: load('v128', simd(0x04), 3),
  load8Splat: load('v128', simd(0x07), 0),
  load16Splat: load('v128', simd(0x08), 1),
  load32Splat: load('v128', simd(0x09), 2),
  load64Splat: load('v128', simd(0x0a), 3),
  load32Zero: load('v128', simd(0x5c), 2),
  load64Zero: load('v128', simd(0x5d), 3),
  store: store('v128', simd(0x0b), 4),
  load8Lane: loadLane(0x54, 0),
  load16Lane: loadLane(0x55, 1),
  load32Lane: loadLane(0x56, 2),
  load64Lane: loadLane(0x57, 3),
  store8Lane: storeLane(0x58, 0),
  store16Lane: storeLane(0x59, 1),
  store32Lane: storeLane(0x5a, 2),
  store64Lane: storeLane(0x5b, 3),
  not: unary('v128', 'v128', simd(0x4d)),
  and: binary('v128', 'v128', simd(0x4e), 'i32'),
  andnot: binary('v128', 'v128', simd(0x4f), 'i32'),
  or: binary('v128', 'v128', simd(0x50), 'i32'),
  xor: binary('v128', 'v128', simd(0x51), 'i32'),
  anyTrue: unary('v128', 'i32', simd(0x53)),
  /** Bits of `a` where `mask` is set, of `b` elsewhere. */
  bitselect: (a: Value<'v128'>, b: Value<'v128'>, mask: Value<'v128'>): Value<'v128'> =>
    new Value('v128', [a.code, b.code, mask.code, simd(0x52)]),
}

const vectorUnary = (opcode: number) => unary('v128', 'v128', simd(opcode))
const vectorBinary = (lanes: Lanes) => (opcode: number) => binary('v128', 'v128', simd(opcode), lanes)
const extract =
  <R extends Type>(to: R, opcode: number) =>
  (a: Value<'v128'>, lane: number): Value<R> =>
    new Value(to, [a.code, simd(opcode), lane])
const replace =
  <A extends Type>(from: A, opcode: number) =>
  (a: Value<'v128'>, lane: number, value: Operand<A>): Value<'v128'> =>
    new Value('v128', [a.code, lift(from, value).code, simd(opcode), lane])
const splat =
  <A extends 'i32' | 'f32' | 'f64'>(from: A, opcode: number) =>
  (value: Operand<A>): Value<'v128'> =>
    typeof value === 'number' ? lift('v128', value, from) : new Value('v128', [value.code, simd(opcode)])
const shift =
  (opcode: number) =>
  (a: Value<'v128'>, count: Operand<'i32'>): Value<'v128'> =>
    new Value('v128', [a.code, lift('i32', count).code, simd(opcode)])
const ternary =
  (opcode: number) =>
  (a: Value<'v128'>, b: Operand<'v128'>, c: Operand<'v128'>): Value<'v128'> =>
    new Value('v128', [a.code, lift('v128', b).code, lift('v128', c).code, simd(opcode)])

export const i8x16 = {
  /** Picks 16 bytes out of the 32 of `a` and `b`. */
  shuffle: (a: Value<'v128'>, b: Value<'v128'>, bytes: readonly number[]): Value<'v128'> =>
    new Value('v128', [a.code, b.code, simd(0x0d), [...bytes]]),
  eq: vectorBinary('i32')(0x23),
  narrowI16x8U: vectorBinary('i32')(0x66),
}

export const i16x8 = {
  narrowI32x4S: vectorBinary('i32')(0x85),
  narrowI32x4U: vectorBinary('i32')(0x86),
  extendLowI8x16U: vectorUnary(0x89),
}

const integerLanes = vectorBinary('i32')
export const i32x4 = {
  /** Four given numbers. */
  const: (...lanes: readonly number[]): Value<'v128'> => new Value('v128', [simd(0x0c), lanes.flatMap(int32Bytes)]),
  splat: splat('i32', 0x11),
  extractLane: extract('i32', 0x1b),
  replaceLane: replace('i32', 0x1c),
  shuffle: (a: Value<'v128'>, b: Value<'v128'>, lanes: readonly number[]): Value<'v128'> =>
    i8x16.shuffle(
      a,
      b,
      lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
    ),
  eq: integerLanes(0x37),
  ne: integerLanes(0x38),
  ltS: integerLanes(0x39),
  ltU: integerLanes(0x3a),
  gtS: integerLanes(0x3b),
  gtU: integerLanes(0x3c),
  leS: integerLanes(0x3d),
  geS: integerLanes(0x3f),
  abs: vectorUnary(0xa0),
  neg: vectorUnary(0xa1),
  bitmask: unary('v128', 'i32', simd(0xa4)),
  extendLowI16x8S: vectorUnary(0xa7),
  extendLowI16x8U: vectorUnary(0xa9),
  shl: shift(0xab),
  shrS: shift(0xac),
  shrU: shift(0xad),
  add: integerLanes(0xae),
  sub: integerLanes(0xb1),
  mul: integerLanes(0xb5),
  minS: integerLanes(0xb6),
  maxS: integerLanes(0xb8),
  truncSatF32x4S: vectorUnary(0xf8),
}

const floatLanes = vectorBinary('f32')
export const f32x4 = {
  splat: splat('f32', 0x13),
  extractLane: extract('f32', 0x1f),
  replaceLane: replace('f32', 0x20),
  eq: floatLanes(0x41),
  ne: floatLanes(0x42),
  lt: floatLanes(0x43),
  gt: floatLanes(0x44),
  le: floatLanes(0x45),
  ge: floatLanes(0x46),
  ceil: vectorUnary(0x67),
  floor: vectorUnary(0x68),
  trunc: vectorUnary(0x69),
  nearest: vectorUnary(0x6a),
  abs: vectorUnary(0xe0),
  neg: vectorUnary(0xe1),
  sqrt: vectorUnary(0xe3),
  add: floatLanes(0xe4),
  sub: floatLanes(0xe5),
  mul: floatLanes(0xe6),
  div: floatLanes(0xe7),
  min: floatLanes(0xe8),
  max: floatLanes(0xe9),
  /** `b < a ? b : a`: one machine instruction, and `a` if one is NaN. */
  pmin: floatLanes(0xea),
  /** `a < b ? b : a`. */
  pmax: floatLanes(0xeb),
  convertI32x4S: vectorUnary(0xfa),
  demoteF64x2Zero: vectorUnary(0x5e),
  /** `a * b + c`, fused where the machine can. */
  relaxedMadd: ternary(0x105),
  /** `c - a * b`, fused where the machine can. */
  relaxedNmadd: ternary(0x106),
}

const doubleLanes = vectorBinary('f64')
export const f64x2 = {
  splat: splat('f64', 0x14),
  extractLane: extract('f64', 0x21),
  replaceLane: replace('f64', 0x22),
  add: doubleLanes(0xf0),
  sub: doubleLanes(0xf1),
  mul: doubleLanes(0xf2),
  div: doubleLanes(0xf3),
  promoteLowF32x4: vectorUnary(0x5f),
}

/** `condition` (an i32) is not 0 ? `whenTrue` : `whenFalse`; both are computed. */
export function select<T extends Type>(whenTrue: Value<T>, whenFalse: Value<T>, condition: Value<'i32'>): Value<T> {
  const opcode = whenTrue.type === 'v128' ? [0x1c, 1, 0x7b] : 0x1b
  return new Value(whenTrue.type, [whenTrue.code, whenFalse.code, condition.code, opcode])
}

export const memory = {
  copy: (to: Operand<'i32'>, from: Operand<'i32'>, bytes: Operand<'i32'>): Statement =>
    new Statement([lift('i32', to).code, lift('i32', from).code, lift('i32', bytes).code, 0xfc, 0x0a, 0, 0]),
  fill: (to: Operand<'i32'>, byte: Operand<'i32'>, bytes: Operand<'i32'>): Statement =>
    new Statement([lift('i32', to).code, lift('i32', byte).code, lift('i32', bytes).code, 0xfc, 0x0b, 0]),
  /** Wakes up to `count` waiters; leaves how many. */
  atomicNotify: (address: Operand<'i32'>, count: Operand<'i32'>): Value<'i32'> =>
    new Value('i32', [lift('i32', address).code, lift('i32', count).code, atomic(0), 2, 0]),
  /** Sleeps while the word is `expected`, at most `nanoseconds` (-1: for ever). */
  atomicWait32: (address: Operand<'i32'>, expected: Operand<'i32'>, nanoseconds: Operand<'i64'>): Value<'i32'> =>
    new Value('i32', [lift('i32', address).code, lift('i32', expected).code, lift('i64', nanoseconds).code, atomic(1), 2, 0]),
}

/** An operand as a value. */
export const valueOf = lift
