import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { currentBackend, jit, lax, memory, tensor, tidy, useBackend } from './index.js'
import type { Tensor } from './tensor.js'

beforeAll(() => useBackend(createHostBackend()))

describe('tensor', () => {
  it('takes nested arrays, typed arrays and numbers', async () => {
    expect(
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]).shape,
    ).toEqual([2, 3])
    expect(tensor(3).shape).toEqual([])
    expect(tensor([]).shape).toEqual([0])
    expect(tensor([true, false]).dtype).toBe('bool')
    expect(tensor(new Uint8Array(4), [2, 2]).dtype).toBe('uint8')
    expect(tensor(Int32Array.of(1, 2)).dtype).toBe('int32')
    expect(tensor(new Float64Array(2)).dtype).toBe('float32')
    expect(await tensor([[true], [false]]).array()).toEqual([[true], [false]])
    expect(await tensor(BigInt64Array.of(-5n)).array()).toEqual([-5])
  })

  it('converts on the way in and out', async () => {
    expect(await tensor([1.5, -2.7, 300], [3], 'int32').array()).toEqual([1, -2, 300])
    expect(await tensor([1.00390625, 2], [2], 'bfloat16').array()).toEqual([1, 2])
    expect(await tensor([65504, 1e6], [2], 'float16').array()).toEqual([65504, Number.POSITIVE_INFINITY])
    expect(await tensor([0, 0.5], [2], 'bool').array()).toEqual([false, true])
  })

  it('says what is wrong with data', () => {
    expect(() => tensor([[1, 2], [3]])).toThrow(
      /tensor\(\)\[1\]: the nested arrays are ragged\.\n {2}Expected: an array of 2[\s\S]*Received: an array of 1[\s\S]*padSequences/,
    )
    expect(() => tensor([1, [2]] as never)).toThrow(/differ in depth/)
    expect(() => tensor(['a'] as never)).toThrow(/the data is not numbers[\s\S]*Received: string a/)
    expect(() => tensor([1, 2, 3], [2, 2])).toThrow(
      /the data does not fill the shape\.\n {2}Expected: 4 elements for shape \(2, 2\)\n {2}Received: 3 elements/,
    )
    expect(() => tensor(BigInt64Array.of(2n ** 40n))).toThrow(/a 64-bit integer does not fit int32[\s\S]*1099511627776/)
    expect(() => tensor([1], [1.5])).toThrow(/sizes must be whole numbers/)
  })

  it('is no number and no condition', () => {
    const x = tensor(1)
    expect(() => (x as unknown as number) + 1).toThrow(/cannot be used as a JavaScript number or condition[\s\S]*ops\.where/)
    expect(`${x}`).toBe('Tensor(shape=(), dtype=float32)')
  })

  it('cannot be read while tracing, and says what to do', () => {
    const f = jit((x: Tensor) => {
      x.dataSync()
      return x
    })
    expect(() => f(tensor([1]))).toThrow(
      /dataSync\(\): a tensor has no numbers while its function is being traced[\s\S]*Hint: return it from the traced function/,
    )
  })

  it('cannot outlive its trace', async () => {
    let leaked: Tensor | undefined
    jit((x: Tensor) => {
      leaked = lax.neg(x)
      return x
    })(tensor([1]))
    await expect(leaked?.data()).rejects.toThrow(/this tensor belongs to a trace that has ended/)
    expect(() => lax.neg(leaked as Tensor)).toThrow(/belongs to a trace that has ended/)
  })
})

describe('memory', () => {
  it('comes back at once through dispose, using and tidy', () => {
    const before = currentBackend().allocatedBytes
    const x = tensor(new Float32Array(100))
    expect(currentBackend().allocatedBytes).toBe(before + 400)
    x.dispose()
    x.dispose()
    expect(currentBackend().allocatedBytes).toBe(before)
    {
      using y = tensor([1, 2])
      expect(y.isDisposed).toBe(false)
    }
    expect(currentBackend().allocatedBytes).toBe(before)
    const kept = tidy(() => {
      const a = tensor([1, 2])
      const b = lax.neg(a)
      return { sum: lax.add(a, b) }
    })
    expect(currentBackend().allocatedBytes).toBe(before + 8)
    kept.sum.dispose()
    expect(currentBackend().allocatedBytes).toBe(before)
  })

  it('refuses a disposed tensor by name', () => {
    const x = tensor([1])
    x.dispose()
    expect(() => lax.neg(x)).toThrow(/neg: this tensor was disposed[\s\S]*tidy\(\)/)
  })

  it('refuses an asynchronous tidy', () => {
    expect(() => tidy(async () => tensor([1]))).toThrow(/the function is asynchronous/)
  })

  it('lets a reshape share memory until the last holder lets go', async () => {
    const before = currentBackend().allocatedBytes
    const x = tensor([
      [1, 2],
      [3, 4],
    ])
    const y = lax.reshape(x, [4])
    expect(currentBackend().allocatedBytes).toBe(before + 16)
    x.dispose()
    expect(await y.array()).toEqual([1, 2, 3, 4])
    y.dispose()
    expect(currentBackend().allocatedBytes).toBe(before)
  })

  it('reports who holds it', () => {
    expect(memory().backend).toBe('host')
    expect(memory().bytes).toBe(currentBackend().allocatedBytes)
  })
})
