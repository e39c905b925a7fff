/**
 * Pieces of WebAssembly code as typed values: an expression that leaves one value on the stack,
 * or a statement that leaves none. Code is a tree of bytes, flattened once when a module is encoded.
 */

export type Type = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

export const TYPE_BYTES = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const satisfies Record<Type, number>

/** Bytes, nested as they were put together. */
export type Code = number | readonly Code[]

/** Code that leaves one value of a type. Using it twice computes it twice: keep it in a local for that. */
export class Value<T extends Type = Type> {
  constructor(
    readonly type: T,
    readonly code: Code,
  ) {}
}

/** A local variable; as a value, what it holds when that code runs. */
export class Local<T extends Type = Type> extends Value<T> {
  constructor(
    type: T,
    readonly index: number,
  ) {
    super(type, [0x20, unsigned(index)])
  }
}

/** Code that leaves nothing. */
export class Statement {
  constructor(readonly code: Code) {}
}

/** Where a value is wanted, a number stands for a constant (in all lanes). */
export type Operand<T extends Type> = Value<T> | number

/** LEB128, unsigned. */
export function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return bytes
}

/** LEB128, signed, of an integer that a double holds exactly. */
export function signed(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const low = ((rest % 0x80) + 0x80) % 0x80
    rest = (rest - low) / 0x80
    if ((rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)) {
      bytes.push(low)
      return bytes
    }
    bytes.push(low | 0x80)
  }
}

const scratch = new DataView(new ArrayBuffer(8))
const bytesOfScratch = (count: number): number[] => Array.from(new Uint8Array(scratch.buffer, 0, count))

export function float32Bytes(value: number): number[] {
  scratch.setFloat32(0, value, true)
  return bytesOfScratch(4)
}

export function float64Bytes(value: number): number[] {
  scratch.setFloat64(0, value, true)
  return bytesOfScratch(8)
}

export function int32Bytes(value: number): number[] {
  scratch.setInt32(0, value, true)
  return bytesOfScratch(4)
}

/** Appends the bytes of `code` to `bytes`. */
export function flattenCode(code: Code, bytes: number[]): void {
  if (typeof code === 'number') bytes.push(code)
  else for (const part of code) flattenCode(part, bytes)
}
