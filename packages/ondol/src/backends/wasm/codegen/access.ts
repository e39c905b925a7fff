/** Loads and stores of one or four elements of any dtype, contiguous or by a stride. */
import { bytesOf, type DType } from '../../../core/dtype.js'
import type { LoopType } from '../../../engine/plan.js'
import { type FunctionBuilder, i8x16, i16x8, i32, i32x4, type Local, type Value, v128 } from '../assembler/index.js'
import { convert, type TypedVector } from './elementwise.js'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './half.js'

type Vector = Value<'v128'>
type Pointer = Local<'i32'>

/** The loop type that elements of a dtype are loaded as. */
export const loopTypeOf = (dtype: DType): LoopType => (dtype === 'bool' ? 'bool' : dtype === 'int32' || dtype === 'uint8' ? 'i32' : 'f32')

/** Raw bits of a dtype, one element to an int32 lane, as a value of its loop type. */
function decode(f: FunctionBuilder, dtype: DType, bits: Vector): Vector {
  if (dtype === 'bfloat16') return fromBfloat16(bits)
  if (dtype === 'float16') return fromFloat16(f, bits)
  return dtype === 'bool' ? i32x4.ne(bits, i32x4.splat(0)) : bits
}

/** One element in all lanes. */
export function loadSplat(f: FunctionBuilder, dtype: DType, address: Pointer): Vector {
  const bytes = bytesOf(dtype)
  if (bytes === 4) return v128.load32Splat(address)
  return decode(f, dtype, i32x4.splat(bytes === 2 ? i32.load16U(address) : i32.load8U(address)))
}

/** Four neighbours, `offset` bytes on. */
export function loadFour(f: FunctionBuilder, dtype: DType, address: Pointer, offset: number): Vector {
  const bytes = bytesOf(dtype)
  if (bytes === 4) return v128.load(address, offset)
  if (bytes === 2) return decode(f, dtype, v128.load16x4U(address, offset))
  return decode(f, dtype, i32x4.extendLowI16x8U(i16x8.extendLowI8x16U(v128.load32Zero(address, offset))))
}

/** Four elements `stride` bytes apart; moves `address` past them. */
export function loadStrided(f: FunctionBuilder, dtype: DType, address: Pointer, stride: Value<'i32'>): Vector {
  const bytes = bytesOf(dtype)
  const bits = f.let<'v128'>(i32x4.splat(0))
  const loadLane = bytes === 4 ? v128.load32Lane : bytes === 2 ? v128.load16Lane : v128.load8Lane
  for (let lane = 0; lane < 4; lane++) {
    f.set(bits, loadLane(address, bits, (lane * 4) / bytes))
    f.advance(address, stride)
  }
  return decode(f, dtype, bits)
}

/** A value as bits of a dtype, one element to an int32 lane. */
function encode(f: FunctionBuilder, dtype: DType, value: TypedVector): Vector {
  const typed = convert(value, loopTypeOf(dtype))
  if (dtype === 'bfloat16') return toBfloat16(f, typed)
  if (dtype === 'float16') return toFloat16(f, typed)
  if (dtype === 'bool') return v128.and(typed, i32x4.splat(1))
  return dtype === 'uint8' ? v128.and(typed, i32x4.splat(255)) : typed
}

/** Lane 0. */
export function storeOne(f: FunctionBuilder, dtype: DType, address: Pointer, value: TypedVector): void {
  const bits = encode(f, dtype, value)
  const bytes = bytesOf(dtype)
  const storeLane = bytes === 4 ? v128.store32Lane : bytes === 2 ? v128.store16Lane : v128.store8Lane
  f.emit(storeLane(address, bits, 0))
}

export function storeFour(f: FunctionBuilder, dtype: DType, address: Pointer, value: TypedVector, offset: number): void {
  const bytes = bytesOf(dtype)
  const bits = encode(f, dtype, value)
  if (bytes === 4) {
    f.emit(v128.store(address, bits, offset))
    return
  }
  const kept = f.let(bits)
  const halves = i16x8.narrowI32x4U(kept, kept)
  if (bytes === 2) {
    f.emit(v128.store64Lane(address, halves, 0, offset))
    return
  }
  const narrow = f.let(halves)
  f.emit(v128.store32Lane(address, i8x16.narrowI16x8U(narrow, narrow), 0, offset))
}

/** Four elements `stride` bytes apart; moves `address` past them. */
export function storeStrided(f: FunctionBuilder, dtype: DType, address: Pointer, value: TypedVector, stride: Value<'i32'>): void {
  const bytes = bytesOf(dtype)
  const bits = f.let(encode(f, dtype, value))
  const storeLane = bytes === 4 ? v128.store32Lane : bytes === 2 ? v128.store16Lane : v128.store8Lane
  for (let lane = 0; lane < 4; lane++) {
    f.emit(storeLane(address, bits, (lane * 4) / bytes))
    f.advance(address, stride)
  }
}
