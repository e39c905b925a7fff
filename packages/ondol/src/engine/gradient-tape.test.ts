/** Values by hand; the corner cases are those of TensorFlow's GradientTape, asked with TensorFlow 2.21. */
import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { useBackend } from './backend.js'
import { cond, scan } from './control.js'
import { customGradient, grad, stopGradient, valueAndGrad } from './differentiate.js'
import { GradientTape } from './gradient-tape.js'
import { jit } from './jit.js'
import * as lax from './lax.js'
import { activeTapes } from './tape.js'
import { type Tensor, tensor } from './tensor.js'
import { Variable } from './variable.js'

beforeAll(() => useBackend(createHostBackend()))

const square = (x: Tensor): Tensor => lax.mul(x, x)
const total = (x: Tensor): Tensor =>
  lax.reduceSum(
    x,
    x.shape.map((_, axis) => axis),
  )
const values = (x: Tensor | null): unknown => x?.arraySync() ?? null

describe('what a tape follows', () => {
  it('forgets what happened before a reset, and what was watched', () => {
    const x = tensor(3)
    using tape = new GradientTape({ persistent: true })
    tape.watch(x)
    const y = square(x)
    tape.reset()
    const z = square(x)
    expect([values(tape.gradient(y, x)), values(tape.gradient(z, x))]).toEqual([null, null])
    tape.watch(x)
    expect(values(tape.gradient(square(x), x))).toBe(6)
  })

  it('starts again after a reset of a tape that is used up', () => {
    const x = tensor(3)
    using tape = new GradientTape()
    tape.watch(x)
    tape.gradient(square(x), x)
    tape.reset()
    tape.watch(x)
    expect(values(tape.gradient(square(x), x))).toBe(6)
  })

  it('leaves Variables alone with watchAccessedVariables: false, unless they are watched', () => {
    const [a, b] = [new Variable(tensor(2)), new Variable(tensor(3), { trainable: false })]
    using tape = new GradientTape({ watchAccessedVariables: false, persistent: true })
    const before = square(a.value)
    tape.watch([a, { b }])
    const after = lax.mul(square(a.value), b.value)
    expect(values(tape.gradient(before, a))).toBeNull()
    expect(tape.gradient(after, { a, b: [b] })).toMatchObject({ b: [{ shape: [] }] })
    expect(values(tape.gradient(after, a))).toBe(12)
    expect(values(tape.gradient(after, b))).toBe(4)
    expect(tape.watchedVariables()).toEqual([a, b])
  })

  it('does not see what runs inside stopRecording, also nested', () => {
    const x = tensor(3)
    using tape = new GradientTape()
    tape.watch(x)
    const y = square(x)
    const w = tape.stopRecording(() => {
      tape.stopRecording(() => square(y))
      return square(y)
    })
    expect(values(tape.gradient([lax.mul(y, y), w], x))).toBe(108)
  })

  it('ends when it is asked, and does not follow what comes after', () => {
    const v = new Variable(tensor(2))
    using tape = new GradientTape()
    tape.gradient(square(v.value), v)
    expect(activeTapes()).toHaveLength(0)
  })
})

describe('Variables that are assigned on the way', () => {
  // TensorFlow: 69 = dz/dv by the first value (10 · 2 · 3) and by the second (9).
  const run = (v: Variable): Tensor => {
    using tape = new GradientTape()
    const y = square(v.value)
    v.assign(lax.full([], 'float32', 10))
    return tape.gradient(lax.mul(v.value, y), v) as Tensor
  }
  // TensorFlow: 12, for nothing flows through an assignment.
  const doubled = (v: Variable): Tensor => {
    using tape = new GradientTape()
    v.assign(lax.add(v.value, v.value))
    return tape.gradient(square(v.value), v) as Tensor
  }

  for (const [mode, wrap] of [
    ['eagerly', (f: (v: Variable) => Tensor) => f],
    ['compiled', (f: (v: Variable) => Tensor) => (v: Variable) => jit(() => f(v))()],
  ] as const) {
    it(`adds up the gradients by all values that it had, ${mode}`, () => {
      const v = new Variable(tensor(3))
      expect(values(wrap(run)(v))).toBe(69)
      expect(v.dataSync()[0]).toBe(10)
    })

    it(`lets nothing flow through an assignment, ${mode}`, () => {
      expect(values(wrap(doubled)(new Variable(tensor(3))))).toBe(12)
    })
  }
})

describe('gradient', () => {
  it('keeps the structure of the sources and adds targets up', () => {
    const x = tensor([1, 2])
    const v = new Variable(tensor([3, 4]))
    using tape = new GradientTape()
    tape.watch(x)
    const target = { product: lax.mul(x, v.value), sum: [lax.add(x, x)] }
    const { first, rest } = tape.gradient(target, { first: x, rest: [v, [x]] })
    expect([values(first), values(rest[0]), values(rest[1][0])]).toEqual([
      [5, 6],
      [1, 2],
      [5, 6],
    ])
  })

  it('gives null, or zeros, where nothing flows', () => {
    const [x, other] = [tensor([1, 2]), new Variable(tensor([[5]]))]
    using tape = new GradientTape({ persistent: true })
    tape.watch(x)
    const y = square(x)
    expect(tape.gradient(y, [x, other])[1]).toBeNull()
    expect(values(tape.gradient(y, [x, other], { unconnectedGradients: 'zero' })[1])).toEqual([[0]])
    // An unwatched target is its own source all the same, as in TensorFlow.
    const free = tensor(7)
    expect(values(tape.gradient(free, free))).toBe(1)
  })

  it('goes through intermediate values that are sources', () => {
    const x = tensor(3)
    using tape = new GradientTape()
    tape.watch(x)
    const y = square(x)
    expect(tape.gradient(square(y), [x, y]).map(values)).toEqual([108, 18])
  })

  it('takes output gradients in the structure of the targets', () => {
    const x = tensor([1, 2])
    using tape = new GradientTape({ persistent: true })
    tape.watch(x)
    const [y, z] = [square(x), lax.add(x, x)]
    expect(values(tape.gradient([y, z], x, { outputGradients: [tensor([1, 0]), null] }))).toEqual([4, 2])
    expect(() => tape.gradient([y, z], x, { outputGradients: tensor([1, 0]) })).toThrow(/another structure than the target/)
    expect(() => tape.gradient(y, x, { outputGradients: tensor([1]) })).toThrow(/\(2,\)[\s\S]*\(1,\)/)
  })

  it('differentiates its own gradients on a persistent tape, and those of an inner one', () => {
    const x = tensor(3)
    using tape = new GradientTape({ persistent: true })
    tape.watch(x)
    const first = tape.gradient(lax.mul(x, square(x)), x) as Tensor
    const second = tape.gradient(first, x) as Tensor
    expect([first, second, tape.gradient(second, x)].map(values)).toEqual([27, 18, 6])
    const inner = (): Tensor => {
      using t = new GradientTape()
      t.watch(x)
      return t.gradient(square(x), x) as Tensor
    }
    expect(values(tape.gradient(square(inner()), x))).toBe(24)
  })

  it('flows through scans and branches, twice, and inside jit', () => {
    // ((2 + x) x + 2) summed by a scan of two steps from 1: (x + 1) x + 1, by a branch: times x.
    const f = (x: Tensor): Tensor => {
      const one = lax.fullLike(x, 1)
      const [[last]] = scan(([c]) => [[lax.add(lax.mul(c as Tensor, x), one)], []], [one], [], { length: 2 })
      const isPositive = lax.gt(x, lax.zerosLike(x))
      return cond(
        isPositive,
        () => [lax.mul(last as Tensor, x)],
        () => [x],
      )[0] as Tensor
    }
    // f = x³ + x² + x where x > 0.
    const [first, second] = [grad(f), grad(grad(f))]
    expect([first(tensor(2)), second(tensor(2)), first(tensor(-2)), second(tensor(-2))].map(values)).toEqual([17, 14, 1, 0])
    expect([jit(first)(tensor(2)), jit(second)(tensor(2))].map(values)).toEqual([17, 14])
  })

  it('says what is wrong with integers, and with tapes that are used or over', () => {
    const x = tensor(3)
    const int = tensor([1], [1], 'int32')
    const tape = new GradientTape()
    tape.watch(x)
    const y = square(x)
    expect(() => tape.watch(int)).toThrow(/only float tensors have gradients[\s\S]*int32/)
    expect(() => tape.gradient(y, [x, int])).toThrow(/only float tensors have gradients[\s\S]*ops\.cast/)
    expect(() => tape.gradient(int, x)).toThrow(/only a float tensor can be differentiated/)
    expect(() => tape.gradient(y, [undefined as unknown as Tensor])).toThrow(/neither a tensor nor a Variable/)
    expect(values(tape.gradient(y, x))).toBe(6)
    expect(() => tape.gradient(y, x)).toThrow(/used already[\s\S]*persistent: true/)
    tape.dispose()
    for (const use of [() => tape.gradient(y, x), () => tape.jacobian(y, x), () => tape.watch(x), () => tape.reset()]) {
      expect(use).toThrow(/disposed of[\s\S]*using/)
    }
  })
})

describe('jacobian', () => {
  it('has a row for each element of the target', () => {
    const [x, w] = [tensor([1, 2, 3]), new Variable(tensor([[1, 2]]))]
    using tape = new GradientTape({ persistent: true })
    tape.watch(x)
    const y = lax.slice(square(x), [1], [2])
    const { a, b } = tape.jacobian(y, { a: x, b: w })
    expect(values(a)).toEqual([
      [0, 4, 0],
      [0, 0, 6],
    ])
    expect(b).toBeNull()
    expect(tape.jacobian(y, w, { unconnectedGradients: 'zero' }).shape).toEqual([2, 1, 2])
    const rows = tape.jacobian(square(w.value), w)
    expect(rows?.shape).toEqual([1, 2, 1, 2])
    expect(values(rows)).toEqual([[[[2, 0]], [[0, 4]]]])
    expect(tape.jacobian(total(y), x)?.shape).toEqual([3])
  })

  it('of a gradient is a Hessian, eagerly and compiled', () => {
    const hessian = (x: Tensor): Tensor => {
      using outer = new GradientTape()
      outer.watch(x)
      // (Σ x)³: every second derivative is 6 Σ x.
      const gradient = grad((t: Tensor) => lax.mul(total(t), square(total(t))))(x)
      return outer.jacobian(gradient, x) as Tensor
    }
    const expected = [
      [18, 18],
      [18, 18],
    ]
    expect(values(hessian(tensor([1, 2])))).toEqual(expected)
    expect(values(jit(hessian)(tensor([1, 2])))).toEqual(expected)
  })

  it('goes through a scan', () => {
    const x = tensor([2, 3])
    using tape = new GradientTape()
    tape.watch(x)
    const [[last]] = scan(([c], [e]) => [[lax.mul(c as Tensor, e as Tensor)], []], [lax.full([], 'float32', 1)], [square(x)])
    expect(values(tape.jacobian(last as Tensor, x))).toEqual([36, 24])
  })

  it('of each sample by itself', () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ])
    using tape = new GradientTape({ persistent: true })
    tape.watch(x)
    const y = lax.slice(square(x), [0, 0], [2, 2])
    expect(values(tape.batchJacobian(y, x))).toEqual([
      [
        [2, 0, 0],
        [0, 4, 0],
      ],
      [
        [8, 0, 0],
        [0, 10, 0],
      ],
    ])
    expect(tape.batchJacobian(y, tensor([[1], [2]]))).toBeNull()
    expect(values(tape.batchJacobian(y, tensor([1, 2]), { unconnectedGradients: 'zero' }))).toEqual([
      [0, 0],
      [0, 0],
    ])
    expect(() => tape.batchJacobian(y, tensor([1, 2, 3]))).toThrow(/differ in batch size[\s\S]*\(2, 2\) and \(3,\)/)
  })
})

describe('valueAndGrad', () => {
  const f = (x: Tensor, { w }: { w: Tensor | Variable }): Tensor => total(lax.mul(square(x), w instanceof Variable ? w.value : w))

  it('differentiates by the arguments that are asked for, Variables among them', () => {
    const [x, w, v] = [tensor([1, 2]), tensor([3, 4]), new Variable(tensor([3, 4]))]
    const [y, dx] = valueAndGrad(f)(x, { w })
    expect([values(y), values(dx)]).toEqual([19, [6, 16]])
    expect(values(grad(f, { argnums: 1 })(x, { w }).w)).toEqual([1, 4])
    expect(values(grad(f, { argnums: 1 })(x, { w: v }).w)).toEqual([1, 4])
    const [first, second] = grad(f, { argnums: [0, 1] })(x, { w })
    expect([values(first), values(second.w)]).toEqual([
      [6, 16],
      [1, 4],
    ])
  })

  it('differentiates by Variables that the function reads, also frozen ones', () => {
    const [v, unused] = [new Variable(tensor([3, 4]), { trainable: false }), new Variable(tensor(1))]
    const [y, [dv, none]] = valueAndGrad((x: Tensor) => f(x, { w: v }), { variables: [v, unused] })(tensor([1, 2]))
    expect([y, dv as Tensor, none as Tensor].map(values)).toEqual([19, [1, 4], 0])
  })

  it('passes on what else the function gives', () => {
    const g = (x: Tensor): readonly [Tensor, { twice: Tensor }] => [total(square(x)), { twice: lax.add(x, x) }]
    const [[y, more], dx] = valueAndGrad(g, { hasAux: true })(tensor([1, 2]))
    expect([y, more.twice, dx].map(values)).toEqual([5, [2, 4], [2, 4]])
    const [gradient, { twice }] = grad(g, { hasAux: true })(tensor([1, 2]))
    expect([gradient, twice].map(values)).toEqual([
      [2, 4],
      [2, 4],
    ])
  })

  it('says what cannot be', () => {
    expect(() => grad(square)(tensor([1, 2]))).toThrow(/must give one number[\s\S]*ops\.mean/)
    expect(() => grad(((x: Tensor) => [x]) as unknown as (x: Tensor) => Tensor)(tensor(1))).toThrow(/hasAux: true/)
    expect(() => grad(square, { argnums: 1 as 0 })(tensor(1))).toThrow(/no argument 1[\s\S]*from 0 to 0/)
    expect(() => grad(square, { argnums: 0, variables: [] })).toThrow(/both argnums and variables/)
    expect(activeTapes()).toHaveLength(0)
  })
})

describe('customGradient', () => {
  it('has the gradient that it is given, and the next one of that', () => {
    // The derivative of log(1 + eˣ), through what the way forward computed (TensorFlow's own example).
    const log1pexp = customGradient((x: Tensor) => {
      const e = lax.exp(x)
      const one = lax.fullLike(x, 1)
      return [lax.log(lax.add(e, one)), (g) => [lax.mul(g, lax.sub(one, lax.div(one, lax.add(one, e))))]]
    })
    const s = 1 / (1 + Math.exp(-0.5))
    expect(values(grad(log1pexp)(tensor(0.5)))).toBeCloseTo(s, 6)
    expect(values(grad(grad(log1pexp))(tensor(0.5)))).toBeCloseTo(s * (1 - s), 6)
  })

  it('takes Variables, and may have several outputs or none that matter', () => {
    const v = new Variable(tensor([2, 3]))
    const split = customGradient((x: Tensor, w: Tensor) => [
      [lax.mul(x, w), lax.add(x, w)] as const,
      (g1: Tensor, g2: Tensor) => [lax.add(g1, g2), null] as const,
    ])
    using tape = new GradientTape({ persistent: true })
    const x = tensor([1, 1])
    tape.watch(x)
    const [product] = split(x, v)
    expect(values(tape.gradient(product as Tensor, x))).toEqual([1, 1])
    expect(tape.gradient(product as Tensor, v)).toBeNull()
    const wrong = customGradient((t: Tensor) => [t, () => [tensor([1, 2, 3])]])
    expect(() => tape.gradient(wrong(x), x)).toThrow(/one gradient for each input[\s\S]*\(2,\)[\s\S]*\(3,\)/)
  })
})

it('stopGradient ends the way back and changes no value', () => {
  const v = new Variable(tensor([2, 3]))
  using tape = new GradientTape()
  const y = lax.mul(v.value, stopGradient(v))
  expect(values(y)).toEqual([4, 9])
  expect(values(tape.gradient(y, v))).toEqual([2, 3])
})
