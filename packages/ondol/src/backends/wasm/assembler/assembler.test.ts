import { describe, expect, it } from 'vitest'
import { signed, unsigned } from './code.js'
import { f32, f32x4, f64, i32, i32x4, i64, ModuleBuilder, memory, select, v128 } from './index.js'

type Exports = Record<string, (...values: number[]) => number>

function instantiate(module: ModuleBuilder, pages = 1, shared = false): { exports: Exports; buffer: ArrayBufferLike } {
  const bytes = module.encode()
  const wasmMemory = new WebAssembly.Memory(shared ? { initial: pages, maximum: pages, shared } : { initial: pages })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: wasmMemory }, math: { sin: Math.sin } })
  return { exports: instance.exports as unknown as Exports, buffer: wasmMemory.buffer }
}

const unshared = { shared: false, maximum: 1 }

describe('LEB128', () => {
  it('encodes as the specification does', () => {
    expect(unsigned(624485)).toEqual([0xe5, 0x8e, 0x26])
    expect(signed(-123456)).toEqual([0xc0, 0xbb, 0x78])
    expect(signed(63)).toEqual([63])
    expect(signed(64)).toEqual([0xc0, 0])
    expect(signed(-2147483648)).toEqual([0x80, 0x80, 0x80, 0x80, 0x78])
  })
})

describe('ModuleBuilder', () => {
  it('counts, branches, calls and imports', () => {
    const module = new ModuleBuilder(unshared)
    const sin = module.import('math', 'sin', ['f64'], 'f64')
    const square = module.function(null, ['i32'], 'i32', (f, x) => f.return(i32.mul(x, x)))
    module.function('sumOfSquares', ['i32'], 'i32', (f, n) => {
      const index = f.local('i32')
      const total = f.local('i32')
      f.for(index, 0, n, 1, () => f.set(total, i32.add(total, square.call(index))))
      f.return(total)
    })
    module.function('firstMultiple', ['i32', 'i32'], 'i32', (f, start, of) => {
      f.block((exit) => {
        f.loop((again) => {
          f.branchIf(exit, i32.eqz(i32.remS(start, of)))
          f.advance(start, 1)
          f.branch(again)
        })
      })
      f.return(start)
    })
    module.function('sine', ['f64'], 'f64', (f, x) => f.return(sin.call(x)))
    module.function('larger', ['f32', 'f32'], 'f32', (f, a, b) => f.return(select(a, b, f32.gt(a, b))))
    module.function('wide', ['i32'], 'i32', (f, x) => f.return(i32.wrapI64(i64.shrU(i64.mul(i64.extendI32U(x), 1e10), 32))))
    module.function('half', ['f64'], 'f64', (f, x) => f.return(f64.mul(x, 0.5)))
    const { exports } = instantiate(module)
    expect(exports.sumOfSquares?.(5)).toBe(30)
    expect(exports.sumOfSquares?.(0)).toBe(0)
    expect(exports.firstMultiple?.(8, 7)).toBe(14)
    expect(exports.sine?.(1)).toBe(Math.sin(1))
    expect(exports.larger?.(2, 3)).toBe(3)
    expect(exports.wide?.(7)).toBe(Number((7n * 10000000000n) >> 32n))
    expect(exports.half?.(3)).toBe(1.5)
  })

  it('works on vectors and memory', () => {
    const module = new ModuleBuilder(unshared)
    module.function('scale', ['i32', 'i32', 'f32'], null, (f, address, count, by) => {
      const factor = f.let(f32x4.splat(by))
      f.while(i32.gtS(count, 0), () => {
        f.emit(v128.store(address, f32x4.mul(v128.load(address), factor)))
        f.advance(address, 16)
        f.advance(count, -4)
      })
      f.emit(memory.fill(256, 7, 4), memory.copy(260, 256, 4))
    })
    module.function('lanes', ['i32'], 'i32', (f, x) => {
      const lanes = f.let(i32x4.add(i32x4.splat(x), i32x4.const(1, 2, 3, 4)))
      f.return(i32x4.extractLane(i32x4.shuffle(lanes, lanes, [3, 2, 1, 0]), 0))
    })
    const { exports, buffer } = instantiate(module)
    const floats = new Float32Array(buffer)
    floats.set([1, 2, 3, 4, 5, 6, 7, 8])
    exports.scale?.(0, 8, 3)
    expect(Array.from(floats.subarray(0, 8))).toEqual([3, 6, 9, 12, 15, 18, 21, 24])
    expect(new Uint8Array(buffer)[263]).toBe(7)
    expect(exports.lanes?.(10)).toBe(14)
  })

  it('reaches shared memory with atomics', () => {
    const module = new ModuleBuilder({ shared: true, maximum: 1 })
    module.function('take', ['i32'], 'i32', (f, amount) => f.return(i32.atomicAdd(16, amount)))
    module.function('wake', [], 'i32', (f) => f.return(memory.atomicNotify(16, 1)))
    module.function('sleep', ['i32'], 'i32', (f, expected) => f.return(memory.atomicWait32(16, expected, 1000)))
    const { exports } = instantiate(module, 1, true)
    expect(exports.take?.(3)).toBe(0)
    expect(exports.take?.(1)).toBe(3)
    expect(exports.wake?.()).toBe(0)
    expect(exports.sleep?.(0)).toBe(1) // not equal
    expect(exports.sleep?.(4)).toBe(2) // timed out
  })
})
