import { beforeAll, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import type { Program } from './backend.js'
import { cond, currentBackend, GradientTape, grad, jit, lax, scan, type Tensor, tensor, useBackend, Variable, whileLoop } from './index.js'

beforeAll(() => useBackend(createHostBackend()))

describe('jit', () => {
  it('traces once for each signature', async () => {
    let traces = 0
    const f = jit((x: Tensor, factor: number) => {
      traces++
      return lax.withNumber(x, lax.mul, factor)
    })
    expect(await f(tensor([1, 2]), 2).array()).toEqual([2, 4])
    expect(await f(tensor([3, 4]), 2).array()).toEqual([6, 8])
    expect(traces).toBe(1)
    await f(tensor([1, 2, 3]), 2)
    await f(tensor([1, 2]), 3)
    await f(tensor([1, 2], [2], 'int32'), 3)
    expect(traces).toBe(4)
  })

  it('keeps structures of arguments and results', async () => {
    const f = jit(({ a, b }: { a: Tensor; b: readonly Tensor[] }) => ({
      sum: lax.add(a, b[0] as Tensor),
      label: 'ok',
      list: [b[1] as Tensor],
    }))
    const result = f({ a: tensor([1]), b: [tensor([2]), tensor([3])] })
    expect(await result.sum.array()).toEqual([3])
    expect(result.label).toBe('ok')
    expect(await result.list[0]?.array()).toEqual([3])
  })

  it('captures tensors from outside and computes with their present values', async () => {
    const outside = tensor([10, 20])
    const f = jit((x: Tensor) => lax.add(x, outside))
    expect(await f(tensor([1, 2])).array()).toEqual([11, 22])
  })

  it('reads and assigns Variables, in place', async () => {
    const counter = new Variable(() => tensor([0]))
    const f = jit(() => {
      counter.assign(lax.withNumber(counter.value, lax.add, 1))
      counter.assign(lax.withNumber(counter.value, lax.add, 1))
      return counter.value
    })
    const before = f()
    const bytes = currentBackend().allocatedBytes
    for (let i = 0; i < 3; i++) f().dispose()
    expect(currentBackend().allocatedBytes).toBe(bytes)
    expect(await counter.array()).toEqual([8])
    expect(await before.array()).toEqual([2])
  })

  it('leaves values alone that were read before', async () => {
    const v = new Variable(() => tensor([1, 2]))
    const held = v.value
    const f = jit(() => v.assign(lax.neg(v.value)))
    f()
    expect(await held.array()).toEqual([1, 2])
    expect(await v.array()).toEqual([-1, -2])
    const given = tensor([7, 7])
    v.assign(given)
    f()
    expect(await given.array()).toEqual([7, 7])
    expect(await v.array()).toEqual([-7, -7])
  })

  it('swaps Variables', async () => {
    const [a, b] = [new Variable(tensor([1])), new Variable(tensor([2]))]
    const swap = jit(() => {
      const [x, y] = [a.value, b.value]
      a.assign(y)
      b.assign(x)
    })
    swap()
    expect([await a.array(), await b.array()]).toEqual([[2], [1]])
    swap()
    expect([await a.array(), await b.array()]).toEqual([[1], [2]])
  })

  it('creates Variables for real while tracing', async () => {
    let v: Variable | undefined
    const f = jit((x: Tensor) => {
      v ??= new Variable(() => tensor([5]))
      return lax.add(x, v.value)
    })
    expect(await f(tensor([1])).array()).toEqual([6])
    expect(await f(tensor([2])).array()).toEqual([7])
  })

  it('inlines when nested or followed by a tape', async () => {
    const inner = jit((x: Tensor) => lax.mul(x, x))
    const outer = jit((x: Tensor) => lax.add(inner(x), x))
    expect(await outer(tensor([3])).array()).toEqual([12])
    expect(await grad((x: Tensor) => lax.reduceSum(inner(x), [0]))(tensor([3, 4])).array()).toEqual([6, 8])
  })

  it('explains what cannot be traced', () => {
    expect(() => jit(async (x: Tensor) => x)(tensor([1]))).toThrow(/an asynchronous function cannot be traced/)
    const v = new Variable(tensor([0]), { name: 'total' })
    const assignInside = ([carry]: Tensor[]): [Tensor[], Tensor[]] => {
      v.assign(carry as Tensor)
      return [[carry as Tensor], []]
    }
    const f = jit(() => scan(assignInside, [tensor([0])], [], { length: 2 }))
    expect(() => f()).toThrow(/total: a Variable cannot be assigned inside the body of a scan/)
  })

  it('shows the graph', () => {
    expect(jit((x: Tensor) => lax.neg(x)).inspect(tensor([1]))).toBe('inputs %0:float32(1)\n%1:float32(1) = neg %0\nreturn %1')
  })
})

describe('Variable', () => {
  it('refuses values that do not fit', () => {
    const v = new Variable(tensor([1, 2]), { name: 'kernel' })
    expect(() => v.assign(tensor([1]))).toThrow(
      /kernel: the assigned value has another shape[\s\S]*Expected: \(2,\)[\s\S]*Received: \(1,\)/,
    )
    expect(() => v.assign(tensor([1, 2], [2], 'int32'))).toThrow(/another dtype than the Variable[\s\S]*ops\.cast/)
    v.dispose()
    expect(() => v.value).toThrow(/kernel\.value: this Variable was disposed/)
  })

  it('frees what it replaces', () => {
    const v = new Variable(() => tensor(new Float32Array(256)))
    const bytes = currentBackend().allocatedBytes
    for (let i = 0; i < 5; i++) {
      using next = tensor(new Float32Array(256))
      v.assign(next)
    }
    expect(currentBackend().allocatedBytes).toBe(bytes)
  })
})

describe('GradientTape', () => {
  it('follows trainable Variables, and not the others', async () => {
    const w = new Variable(tensor([2, 3]))
    const frozen = new Variable(tensor([5, 5]), { trainable: false })
    using tape = new GradientTape()
    const y = lax.reduceSum(lax.mul(lax.mul(w.value, w.value), frozen.value), [0])
    const [dw, dFrozen] = tape.gradient(y, [w, frozen])
    expect(await dw?.array()).toEqual([20, 30])
    expect(dFrozen).toBeNull()
  })

  it('is used up once unless persistent', () => {
    const x = tensor([1])
    using tape = new GradientTape()
    tape.watch(x)
    const y = lax.mul(x, x)
    tape.gradient(y, x)
    expect(() => tape.gradient(y, x)).toThrow(/this tape was used already[\s\S]*persistent: true/)
  })

  it('nests for higher orders', async () => {
    const x = tensor([2])
    const cube = (t: Tensor): Tensor => lax.reduceSum(lax.mul(t, lax.mul(t, t)), [0])
    expect(await grad((t: Tensor) => lax.reduceSum(grad(cube)(t), [0]))(x).array()).toEqual([12])
    expect(await grad((t: Tensor) => lax.reduceSum(grad((s: Tensor) => lax.reduceSum(grad(cube)(s), [0]))(t), [0]))(x).array()).toEqual([6])
  })

  it('has gradients of intermediate values, of structures and for given output gradients', async () => {
    const x = tensor([1, 2])
    using tape = new GradientTape({ persistent: true })
    tape.watch(x)
    const y = lax.mul(x, x)
    const z = lax.mul(y, y)
    expect(await tape.gradient(z, y)?.array()).toEqual([2, 8])
    const { a } = tape.gradient(z, { a: x }, { outputGradients: tensor([1, 0]) })
    expect(await a?.array()).toEqual([4, 0])
    expect(await tape.gradient(y, tensor([0]), { unconnectedGradients: 'zero' })?.array()).toEqual([0])
  })
})

describe('control flow', () => {
  it('scans forwards and backwards, with captured values', async () => {
    const scale = tensor([2])
    const run = (reverse: boolean) =>
      scan(
        ([c], [x]) => {
          const next = lax.add(lax.mul(c as Tensor, scale), x as Tensor)
          return [[next], [next]]
        },
        [tensor([0])],
        [tensor([[1], [2], [3]])],
        { reverse },
      )
    const [[last], [all]] = run(false)
    expect(await last?.array()).toEqual([11])
    expect(await all?.array()).toEqual([[1], [4], [11]])
    expect(await run(true)[1][0]?.array()).toEqual([[17], [8], [3]])
  })

  it('reads Variables inside a scan, eagerly and compiled, and differentiates by them', async () => {
    const w = new Variable(tensor([0.5]))
    const loss = (): Tensor => {
      const [[last]] = scan(([c], [x]) => [[lax.add(lax.mul(c as Tensor, w.value), x as Tensor)], []], [tensor([1])], [tensor([[1], [2]])])
      return lax.reduceSum(last as Tensor, [0])
    }
    const derivative = (): Tensor => {
      using tape = new GradientTape()
      return tape.gradient(loss(), w) as Tensor
    }
    // ((w + 1) w + 2)' = 2 w + 1
    expect(await derivative().array()).toEqual([2])
    expect(await jit(derivative)().array()).toEqual([2])
  })

  it('repeats while a condition holds', async () => {
    const [n] = whileLoop(
      (x) => lax.lt(x as Tensor, lax.full([], 'float32', 100)),
      (x) => [lax.add(x as Tensor, x as Tensor)],
      [tensor(3)],
    )
    expect(await n?.array()).toBe(192)
  })

  it('takes one of two branches, with its gradient', async () => {
    const f = (x: Tensor): Tensor =>
      cond(
        lax.gt(lax.reduceSum(x, [0]), lax.full([], 'float32', 0)),
        () => [lax.reduceSum(lax.mul(x, x), [0])],
        () => [lax.reduceSum(lax.neg(x), [0])],
      )[0] as Tensor
    expect(await f(tensor([1, 2])).array()).toBe(5)
    expect(await grad(f)(tensor([1, 2])).array()).toEqual([2, 4])
    expect(await grad(f)(tensor([-1, -2])).array()).toEqual([-1, -1])
  })

  it('refuses carries that change and loops without an end to differentiate', () => {
    expect(() => scan(([c]) => [[lax.cast(c as Tensor, 'int32')], []], [tensor([0])], [], { length: 1 })).toThrow(
      /change shape or dtype[\s\S]*float32\(1,\)[\s\S]*int32\(1,\)/,
    )
    expect(() => scan((c) => [c, []], [tensor([0])], [])).toThrow(/the number of steps is unknown/)
    const loop = (x: Tensor): Tensor =>
      whileLoop(
        (c) => lax.lt(c as Tensor, lax.full([], 'float32', 9)),
        (c) => [lax.add(c as Tensor, c as Tensor)],
        [x],
      )[0] as Tensor
    expect(() => grad(loop)(tensor(1))).toThrow(/a loop of unknown length has no reverse-mode gradient[\s\S]*foriLoop/)
  })
})

describe('what a compiled function makes of Variables', () => {
  const size = 2000
  const scaled = (weights: Variable) =>
    jit((x: Tensor) => lax.add(x, lax.withNumber(lax.withNumber(weights.value, lax.mul, 3), lax.add, 1)))
  const filled = (value: number): Tensor => tensor(new Float32Array(size).fill(value), [size])
  const first = async (y: Tensor): Promise<number> => (await y.data())[0] as number

  it('is kept from call to call', async () => {
    const compile = vi.spyOn(currentBackend(), 'compile')
    const f = scaled(new Variable(filled(2)))
    const inputs = [filled(1), filled(2), filled(3)]
    compile.mockClear()
    const once = await first(f(inputs[0] as Tensor))
    const [preparation, program] = compile.mock.results.map(({ value }) => vi.spyOn(value as Program, 'run'))
    const others = [await first(f(inputs[1] as Tensor)), await first(f(inputs[2] as Tensor))]
    expect([once, ...others]).toEqual([8, 9, 10])
    expect([preparation?.mock.calls.length, program?.mock.calls.length]).toEqual([0, 2])
    compile.mockRestore()
  })

  it('is made anew when one is assigned, from outside or by a compiled function', async () => {
    const weights = new Variable(filled(2))
    const f = scaled(weights)
    const update = jit(() => weights.assign(lax.withNumber(weights.value, lax.add, 1)))
    expect(await first(f(filled(0)))).toBe(7)
    weights.assign(filled(10))
    expect(await first(f(filled(0)))).toBe(31)
    for (const expected of [34, 37]) {
      update()
      expect(await first(f(filled(0)))).toBe(expected)
    }
  })

  it('is new to the program until a call has not failed', async () => {
    const compile = vi.spyOn(currentBackend(), 'compile')
    const weights = new Variable(filled(2))
    const f = scaled(weights)
    const x = filled(0)
    compile.mockClear()
    expect(await first(f(x))).toBe(7)
    const run = vi.spyOn(compile.mock.results[1]?.value as Program, 'run')
    weights.assign(filled(3))
    run.mockImplementationOnce(() => {
      throw new Error('out of order')
    })
    expect(() => f(x)).toThrow('out of order')
    for (let i = 0; i < 2; i++) expect(await first(f(x))).toBe(10)
    expect(run.mock.calls.map(([, , renewed]) => renewed)).toEqual([true, true, false])
    compile.mockRestore()
  })

  it('is given back with the function', async () => {
    const weights = new Variable(filled(2))
    const x = filled(1)
    const before = currentBackend().allocatedBytes
    const f = scaled(weights)
    f(x).dispose()
    expect(currentBackend().allocatedBytes).toBe(before + 4 * size)
    f.dispose()
    expect(currentBackend().allocatedBytes).toBe(before)
  })
})
