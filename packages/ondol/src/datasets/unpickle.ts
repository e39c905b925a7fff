/**
 * Python pickles that hold data: numbers, texts, bytes, lists, tuples, dicts, and NumPy's arrays of them. A pickle is a
 * program; here it can name nothing but the three things that make up an array, so nothing in it ever runs. Protocols 0
 * to 5, https://docs.python.org/3/library/pickletools.html.
 */
import { DataError } from '../core/errors.js'
import { sizeOf } from '../core/shape.js'

/** What comes out: tuples are lists; text of Python 2 is bytes. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PickleValue[]
  | ReadonlyMap<string | number, PickleValue>
  | NumpyArray
  | NumpyDtype
  | Global

/** A type of elements: its code without the order of bytes (`'i8'`, `'O8'`), and that order. */
export class NumpyDtype {
  order = '='

  constructor(readonly code: string) {}
}

/** An array: raw bytes of its elements, or for objects a list. */
export class NumpyArray {
  shape: readonly number[] = []
  dtype: NumpyDtype = new NumpyDtype('')
  isFortran = false
  data: Uint8Array | readonly PickleValue[] = []
}

type Role = 'ndarray' | 'dtype' | 'reconstruct'

/** Something that a pickle names. */
class Global {
  constructor(readonly role: Role) {}
}

/** All that a pickle may name: Keras's list. */
const ALLOWED: Readonly<Record<string, Role>> = {
  'numpy ndarray': 'ndarray',
  'numpy dtype': 'dtype',
  'numpy.core.multiarray _reconstruct': 'reconstruct',
  'numpy._core.multiarray _reconstruct': 'reconstruct',
}

/** Integers longer than this are no data. */
const LONGEST_INTEGER = 256
const HIGHEST_PROTOCOL = 5
const [ONE_BYTE, TWO_BYTES] = [0x4b, 0x4d] as const

const latin1 = new TextDecoder('latin1')
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A text, or the bytes of one. */
export const textOf = (value: PickleValue | undefined): string | undefined =>
  value instanceof Uint8Array ? latin1.decode(value) : typeof value === 'string' ? value : undefined

/**
 * The value in a pickle.
 *
 * @throws DataError, naming the place, when it is damaged, cut off, or names anything but NumPy's arrays.
 */
export const unpickle = (bytes: Uint8Array, where: string): PickleValue => new Unpickler(bytes, where).run()

/** What opcodes make of the bytes that follow them: a value for the stack. */
type Read = (from: Unpickler) => PickleValue

const CONSTANTS: Readonly<Record<string, Read>> = {
  N: () => null,
  '\x88': () => true,
  '\x89': () => false,
  J: (from) => from.view(4).getInt32(0, true),
  K: (from) => from.uint(1),
  M: (from) => from.uint(2),
  I: (from) => from.decimal(),
  L: (from) => from.decimal(),
  '\x8a': (from) => from.long(from.uint(1)),
  '\x8b': (from) => from.long(from.uint(4)),
  F: (from) => Number(from.line()),
  G: (from) => from.view(8).getFloat64(0),
  S: (from) => from.quoted(),
  T: (from) => from.bytes(from.uint(4)),
  U: (from) => from.bytes(from.uint(1)),
  B: (from) => from.bytes(from.uint(4)),
  C: (from) => from.bytes(from.uint(1)),
  '\x8e': (from) => from.bytes(from.uint(8)),
  '\x96': (from) => from.bytes(from.uint(8)),
  V: (from) => from.line(),
  X: (from) => from.text(from.uint(4)),
  '\x8c': (from) => from.text(from.uint(1)),
  '\x8d': (from) => from.text(from.uint(8)),
  ']': () => [],
  ')': () => [],
  '}': () => new Map(),
}

/** Opcodes that make or run Python's objects, by the names that Python gives them. */
const REFUSED: Readonly<Record<string, string>> = {
  i: 'INST',
  o: 'OBJ',
  '\x81': 'NEWOBJ',
  '\x92': 'NEWOBJ_EX',
  P: 'PERSID',
  Q: 'BINPERSID',
  '\x82': 'EXT1',
  '\x83': 'EXT2',
  '\x84': 'EXT4',
  '\x8f': 'EMPTY_SET',
  '\x90': 'ADDITEMS',
  '\x91': 'FROZENSET',
  '\x97': 'NEXT_BUFFER',
  '\x98': 'READONLY_BUFFER',
}

class Unpickler {
  readonly #bytes: Uint8Array
  readonly #where: string
  readonly #stack: PickleValue[] = []
  /** Where on the stack the open lists begin. */
  readonly #marks: number[] = []
  readonly #memo = new Map<number, PickleValue>()
  #at = 0

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes
    this.#where = where
  }

  #fail(problem: string, received?: string): DataError {
    return new DataError({
      where: `${this.#where}, byte ${this.#at} of the pickle`,
      problem,
      ...(received !== undefined && { received }),
      hint: 'the file is damaged, or was made to do harm: get it again from a place that you trust',
    })
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw this.#fail('the pickle is cut off', `${this.#bytes.length} bytes where ${end} belong`)
    const found = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return found
  }

  view(length: number): DataView {
    const { buffer, byteOffset } = this.bytes(length)
    return new DataView(buffer, byteOffset, length)
  }

  uint(width: number): number {
    const bytes = this.bytes(width)
    let value = 0
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[i] as number)
    return value
  }

  text(length: number): string {
    const bytes = this.bytes(length)
    try {
      return utf8.decode(bytes)
    } catch {
      throw this.#fail('this is no text')
    }
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at)
    if (end < 0) throw this.#fail('the pickle is cut off')
    const line = latin1.decode(this.#bytes.subarray(this.#at, end))
    this.#at = end + 1
    return line
  }

  /** An integer as a line of digits; protocol 1 has booleans so too. */
  decimal(): PickleValue {
    const line = this.line()
    if (line === '00' || line === '01') return line === '01'
    const digits = line.replace(/L$/, '')
    if (digits.length > LONGEST_INTEGER || !/^-?\d+$/.test(digits)) throw this.#fail('this is no integer', line.slice(0, 40))
    return narrowed(BigInt(digits))
  }

  /** Little-endian, two's complement. */
  long(length: number): PickleValue {
    if (length > LONGEST_INTEGER) throw this.#fail('an integer is too long', `${length} bytes`)
    const value = this.bytes(length).reduceRight((total, byte) => total * 256n + BigInt(byte), 0n)
    return narrowed(BigInt.asIntN(8 * length, value))
  }

  quoted(): PickleValue {
    const line = this.line()
    const found = /^(['"])(.*)\1$/.exec(line)
    if (found === null || (found[2] as string).includes('\\')) throw this.#fail('this is no text that is read here', line.slice(0, 40))
    return new TextEncoder().encode(found[2])
  }

  run(): PickleValue {
    for (;;) {
      // Nearly all are small numbers.
      const bytes = this.#bytes
      const isOne = bytes[this.#at] === ONE_BYTE
      if ((isOne || bytes[this.#at] === TWO_BYTES) && this.#at + 2 < bytes.length) {
        const low = bytes[this.#at + 1] as number
        this.#stack.push(isOne ? low : low + 256 * (bytes[this.#at + 2] as number))
        this.#at += isOne ? 2 : 3
        continue
      }
      const opcode = String.fromCharCode(this.uint(1))
      if (opcode === '.') return this.#pop()
      const read = CONSTANTS[opcode]
      if (read !== undefined) this.#stack.push(read(this))
      else this.#act(opcode)
    }
  }

  #pop(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw this.#fail('a value is missing')
    return this.#stack.pop() as PickleValue
  }

  get #top(): PickleValue {
    const top = this.#stack.at(-1)
    if (top === undefined) throw this.#fail('a value is missing')
    return top
  }

  /** What came since the last mark. */
  #sinceMark(): PickleValue[] {
    const mark = this.#marks.pop()
    if (mark === undefined) throw this.#fail('a mark is missing')
    return this.#stack.splice(mark)
  }

  #act(opcode: string): void {
    const stack = this.#stack
    switch (opcode) {
      case '\x80': {
        const protocol = this.uint(1)
        if (protocol > HIGHEST_PROTOCOL) throw this.#fail('the pickle is of a newer kind', `protocol ${protocol}`)
        return
      }
      case '\x95':
        this.bytes(8)
        return
      case '(':
        this.#marks.push(stack.length)
        return
      case '0':
        this.#pop()
        return
      case '1':
        this.#sinceMark()
        return
      case '2':
        stack.push(this.#top)
        return
      case 'l':
      case 't':
        stack.push(this.#sinceMark())
        return
      case '\x85':
      case '\x86':
      case '\x87': {
        const items = Array.from({ length: opcode.charCodeAt(0) - 0x84 }, () => this.#pop())
        stack.push(items.reverse())
        return
      }
      case 'a': {
        const item = this.#pop()
        this.#list().push(item)
        return
      }
      case 'e': {
        const items = this.#sinceMark()
        const list = this.#list()
        for (const item of items) list.push(item)
        return
      }
      case 'd':
        stack.push(this.#put(new Map(), this.#sinceMark()))
        return
      case 's': {
        const value = this.#pop()
        const key = this.#pop()
        this.#put(this.#map(), [key, value])
        return
      }
      case 'u': {
        const items = this.#sinceMark()
        this.#put(this.#map(), items)
        return
      }
      case 'p':
        this.#memo.set(Number(this.line()), this.#top)
        return
      case 'q':
        this.#memo.set(this.uint(1), this.#top)
        return
      case 'r':
        this.#memo.set(this.uint(4), this.#top)
        return
      case '\x94':
        this.#memo.set(this.#memo.size, this.#top)
        return
      case 'g':
        this.#recall(Number(this.line()))
        return
      case 'h':
        this.#recall(this.uint(1))
        return
      case 'j':
        this.#recall(this.uint(4))
        return
      case 'c':
        this.#name(this.line(), this.line())
        return
      case '\x93': {
        const name = textOf(this.#pop())
        this.#name(textOf(this.#pop()) ?? '?', name ?? '?')
        return
      }
      case 'R': {
        const args = this.#pop()
        stack.push(this.#made(this.#pop(), args))
        return
      }
      case 'b': {
        const state = this.#pop()
        this.#build(this.#top, state)
        return
      }
      default: {
        const name = REFUSED[opcode]
        if (name !== undefined) throw this.#fail('an object of Python is not made here', `the instruction ${name}`)
        throw this.#fail('this is no pickle', `byte ${opcode.charCodeAt(0)}`)
      }
    }
  }

  #list(): PickleValue[] {
    if (!Array.isArray(this.#top)) throw this.#fail('something is put into what is no list')
    return this.#top
  }

  #map(): Map<string | number, PickleValue> {
    if (!(this.#top instanceof Map)) throw this.#fail('something is put into what is no dict')
    return this.#top
  }

  /** Keys and values in turn. */
  #put(map: Map<string | number, PickleValue>, items: readonly PickleValue[]): Map<string | number, PickleValue> {
    if (items.length % 2 !== 0) throw this.#fail('a key has no value')
    for (let i = 0; i < items.length; i += 2) {
      const key = typeof items[i] === 'number' ? (items[i] as number) : textOf(items[i])
      if (key === undefined) throw this.#fail('a key is neither text nor number')
      map.set(key, items[i + 1] as PickleValue)
    }
    return map
  }

  #recall(index: number): void {
    const value = this.#memo.get(index)
    if (value === undefined) throw this.#fail('the pickle refers to what was not there', `number ${index}`)
    this.#stack.push(value)
  }

  #name(module: string, name: string): void {
    const role = ALLOWED[`${module} ${name}`]
    if (role === undefined)
      throw this.#fail(`the pickle asks for '${module}.${name}', which is refused`, 'only numbers, texts, lists and NumPy arrays are read')
    this.#stack.push(new Global(role))
  }

  #made(what: PickleValue, args: PickleValue): PickleValue {
    const [first] = Array.isArray(args) ? (args as PickleValue[]) : []
    if (what instanceof Global && what.role === 'reconstruct' && first instanceof Global && first.role === 'ndarray')
      return new NumpyArray()
    const code = textOf(first)
    if (what instanceof Global && what.role === 'dtype' && code !== undefined) return new NumpyDtype(code)
    throw this.#fail('an object of Python is not made here')
  }

  #build(target: PickleValue, state: PickleValue): void {
    const fields = Array.isArray(state) ? (state as PickleValue[]) : []
    if (target instanceof NumpyDtype) {
      const [, order, , names] = fields
      if (names !== null) throw this.#fail('records of NumPy are not read')
      target.order = textOf(order) ?? '='
    } else if (target instanceof NumpyArray) {
      const [, shape, dtype, isFortran, data] = fields
      const isShape = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)
      if (!isShape || !(dtype instanceof NumpyDtype) || !(data instanceof Uint8Array || Array.isArray(data)))
        throw this.#fail('this is no NumPy array')
      const count = sizeOf(shape as number[])
      const have = data instanceof Uint8Array ? data.length / Number(dtype.code.slice(1)) : data.length
      if (have !== count) throw this.#fail('the elements do not fill the array', `shape [${shape}] of ${dtype.code}, ${data.length} given`)
      Object.assign(target, { shape, dtype, isFortran: Boolean(isFortran), data })
    } else throw this.#fail('an object of Python is not made here')
  }
}

const narrowed = (value: bigint): number | bigint => (BigInt.asIntN(53, value) === value ? Number(value) : value)
