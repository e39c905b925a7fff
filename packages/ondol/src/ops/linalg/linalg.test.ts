import { beforeAll, describe, expect, it } from 'vitest'
import { setBackend } from '../../backends/load.js'
import { GradientTape, jit, lax, type Tensor, tensor } from '../../engine/index.js'
import { backends } from '../../training/testing/backends.js'
import * as ops from '../index.js'
import { expectEqual, expectGradient, matrix, numbers } from './testing/numbers.js'

const t = (x: Tensor): Tensor => ops.swapaxes(x, -1, -2)
const unit = (n: number): Tensor => ops.eye(n)

describe.each(backends)('factorizations on %s', (backend) => {
  beforeAll(() => setBackend(backend))

  it.each([[1], [2], [5], [12], [2, 3, 6]])('eigh of %j…', (...shape) => {
    const n = shape.at(-1) as number
    const a = matrix(...shape, n)
    const symmetric = ops.add(a, t(a))
    const [values, vectors] = ops.eigh(symmetric)
    expectEqual(ops.matmul(vectors, ops.multiply(ops.expandDims(values, -1), t(vectors))), symmetric)
    expectEqual(ops.matmul(t(vectors), vectors), ops.broadcastTo(unit(n), [...shape, n]))
    const rows = ops.reshape(values, [-1, n])
    const sorted = ops.sort(rows)
    expectEqual(rows, sorted, 1e-12)
  })

  it('eigh of what is diagonal already, and of equal values', () => {
    expect(
      numbers(
        ops.eigh(
          tensor([
            [3, 0],
            [0, -1],
          ]),
        )[0],
      ),
    ).toEqual([-1, 3])
    const [values] = ops.eigh(ops.multiply(unit(4), 2))
    expect(numbers(values)).toEqual([2, 2, 2, 2])
    const [pair, vectors] = ops.eigh(
      tensor([
        [1, 1],
        [1, 1],
      ]),
    )
    expectEqual(pair, tensor([0, 2]), 1e-6)
    expectEqual(ops.abs(vectors), ops.full([2, 2], Math.SQRT1_2), 1e-6)
  })

  it.each([
    [1, 1],
    [4, 4],
    [7, 3],
    [3, 7],
    [2, 6, 5],
  ])('svd of %j × %j …', (...shape) => {
    const a = matrix(...shape)
    const [m, n] = shape.slice(-2) as [number, number]
    const k = Math.min(m, n)
    for (const fullMatrices of [false, true]) {
      const [u, s, vt] = ops.svd(a, { fullMatrices }) as readonly [Tensor, Tensor, Tensor]
      expect(u.shape.slice(-2)).toEqual([m, fullMatrices ? m : k])
      expect(vt.shape.slice(-2)).toEqual([fullMatrices ? n : k, n])
      const left = ops.take(u, ops.arange(k), { axis: -1 })
      const right = ops.take(vt, ops.arange(k), { axis: -2 })
      expectEqual(ops.matmul(left, ops.multiply(ops.expandDims(s, -1), right)), a)
      expectEqual(ops.matmul(t(u), u), ops.broadcastTo(unit(u.shape.at(-1) as number), ops.matmul(t(u), u).shape))
      expectEqual(ops.matmul(vt, t(vt)), ops.broadcastTo(unit(vt.shape.at(-2) as number), ops.matmul(vt, t(vt)).shape))
    }
  })

  it('svd of a matrix that lacks a rank', () => {
    const a = tensor([[1, 2], [2, 4], [3, 6]]) // biome-ignore format: a matrix
    const [u, s, vt] = ops.svd(a) as readonly [Tensor, Tensor, Tensor]
    expect(numbers(s)[0]).toBeCloseTo(Math.sqrt(70), 4)
    expect(numbers(s)[1]).toBeLessThan(1e-5)
    expectEqual(ops.matmul(t(u), u), unit(3))
    expectEqual(ops.matmul(vt, t(vt)), unit(2))
    const [zeros, none] = ops.svd(ops.zeros([3, 2])) as readonly [Tensor, Tensor, Tensor]
    expectEqual(ops.matmul(t(zeros), zeros), unit(3))
    expect(numbers(none)).toEqual([0, 0])
  })

  it('gradients of vectors, where they do not depend on signs', () => {
    const weights = matrix(4, 4)
    const squares = (x: Tensor): Tensor => ops.sum(ops.multiply(weights, ops.square(x)))
    expectGradient((x) => squares(ops.eigh(ops.add(x, t(x)))[1]), matrix(4, 4))
    expectGradient((x) => ops.sum(ops.multiply(tensor([1, 2, 3, 4]), ops.eigh(ops.add(x, t(x)))[0])), matrix(4, 4))
    const columns = matrix(5, 3)
    expectGradient(
      (x) => {
        const [u, s, vt] = ops.svd(x, { fullMatrices: false }) as readonly [Tensor, Tensor, Tensor]
        const parts = [ops.multiply(columns, ops.square(u)), ops.multiply(tensor([1, 2, 3]), s), ops.multiply(matrix(3, 3), ops.square(vt))]
        return parts.map((part) => ops.sum(part)).reduce((a, b) => ops.add(a, b))
      },
      matrix(5, 3),
    )
    expectGradient((x) => ops.sum(ops.multiply(columns, ops.lstsq(x, matrix(3, 3)))), ops.multiply(matrix(3, 5), 1), 5e-2)
  })

  it('run compiled, in loops and stacks', () => {
    const a = matrix(3, 6, 6)
    const compiled = jit((x: Tensor) => ops.matmul(ops.inv(x), x))
    expectEqual(compiled(a), ops.broadcastTo(unit(6), [3, 6, 6]), 1e-3)
    expectEqual(ops.solve(a, ops.matmul(a, ops.ones([3, 6, 2]))), ops.ones([3, 6, 2]), 1e-3)
    expectEqual(ops.matrixPower(a, -2), ops.inv(ops.matmul(a, a)), 5e-2)
    expectEqual(ops.matrixPower(a, 0), ops.broadcastTo(unit(6), [3, 6, 6]), 0.0001)
    expectEqual(ops.matrixPower(a, 5), ops.matmul(a, ops.matmul(ops.matmul(a, a), ops.matmul(a, a))), 1e-2)
  })
})

describe('linear algebra', () => {
  beforeAll(() => setBackend('host'))

  it('is NaN where there is no answer', () => {
    const indefinite = tensor([
      [1, 2],
      [2, 1],
    ])
    expect(numbers(ops.cholesky(indefinite)).some(Number.isNaN)).toBe(true)
    expect(
      numbers(
        ops.det(
          tensor([
            [1, 2],
            [2, 4],
          ]),
        ),
      )[0],
    ).toBeCloseTo(0, 6)
    expect(
      numbers(
        ops.solve(
          tensor([
            [1, 2],
            [2, 4],
          ]),
          [1, 1],
        ),
      ).some((x) => !Number.isFinite(x)),
    ).toBe(true)
  })

  it('says which shapes it needs', () => {
    expect(() => ops.inv(ops.zeros([2, 3]))).toThrow(/inv: the matrices must be square[\s\S]*\(2, 3\)/)
    expect(() => ops.qr(ops.zeros([3]))).toThrow(/matrices are needed/)
    expect(() => ops.solve(unit(3), ops.zeros([2]))).toThrow(/right-hand side does not fit[\s\S]*\(3,\)/)
    expect(() => ops.norm(unit(2), { ord: 5, axis: [0, 1] })).toThrow(/no such norm of matrices/)
    expect(() => ops.matrixPower(unit(2), 0.5)).toThrow(/no whole number/)
  })

  it('refuses the gradient of arbitrary vectors', () => {
    const x = matrix(4, 2)
    using tape = new GradientTape()
    tape.watch(x)
    const [u] = ops.svd(x) as readonly [Tensor, Tensor, Tensor]
    const loss = ops.sum(u)
    expect(() => tape.gradient(loss, x)).toThrow(/fullMatrices: false/)
  })

  it('has second derivatives of systems', () => {
    const a = lax.add(matrix(3, 3), ops.multiply(unit(3), 4))
    const first = (x: Tensor): Tensor => {
      using tape = new GradientTape()
      tape.watch(x)
      return ops.sum(ops.square(tape.gradient(ops.sum(ops.inv(x)), x) as Tensor))
    }
    expectGradient(first, a)
  })
})
