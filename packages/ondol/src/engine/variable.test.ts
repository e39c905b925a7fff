// Values that are made when they are first needed.
import { describe, expect, it, vi } from 'vitest'
import { loadDefaultBackend } from '../backends/load.js'
import { DisposedError } from '../core/errors.js'
import { jit, memory, type Tensor, tensor, Variable } from './index.js'

await loadDefaultBackend()

const later = (make = vi.fn(() => tensor([1, 2, 3]))) => ({
  make,
  variable: new Variable({ shape: [3], dtype: 'float32', make }, { name: 'later' }),
})
const isListed = (): boolean => memory().variables.some(({ path }) => path === 'later')

describe('a Variable whose value can wait', () => {
  it('makes it once, when it is read', async () => {
    const { make, variable } = later()
    expect([variable.shape, variable.dtype, variable.isDisposed, isListed()]).toEqual([[3], 'float32', false, false])
    expect(make).not.toHaveBeenCalled()
    expect(await variable.array()).toEqual([1, 2, 3])
    expect(await variable.value.array()).toEqual([1, 2, 3])
    expect(make).toHaveBeenCalledOnce()
    expect(isListed()).toBe(true)
    variable.dispose()
  })

  it('never makes it when another is assigned first', async () => {
    const { make, variable } = later()
    variable.assign(tensor([4, 5, 6]))
    expect(await variable.array()).toEqual([4, 5, 6])
    expect(make).not.toHaveBeenCalled()
    variable.dispose()
  })

  it('never makes it once it is disposed', () => {
    const { make, variable } = later()
    variable.dispose()
    expect(variable.isDisposed).toBe(true)
    expect(() => variable.value).toThrow(DisposedError)
    expect(make).not.toHaveBeenCalled()
  })

  it('makes it for real in a compiled function, which may change it in place', async () => {
    const { make, variable } = later()
    const step = jit((x: Tensor) => {
      variable.assignAdd(x)
      return variable.value
    })
    const first = step(tensor([1, 1, 1])) as Tensor
    const seen = variable.value
    step(tensor([1, 1, 1]))
    expect([await first.array(), await seen.array(), await variable.array()]).toEqual([
      [2, 3, 4],
      [2, 3, 4],
      [3, 4, 5],
    ])
    expect(make).toHaveBeenCalledOnce()
  })

  it('gives the value that was read first as long as somebody holds it', async () => {
    const { variable } = later()
    const before = variable.value
    const add = jit((x: Tensor) => {
      variable.assignAdd(x)
      return x
    })
    add(tensor([10, 10, 10]))
    expect(await before.array()).toEqual([1, 2, 3])
    expect(await variable.array()).toEqual([11, 12, 13])
  })
})
