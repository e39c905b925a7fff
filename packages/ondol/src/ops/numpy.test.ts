// What the vectors of Keras do not show: every element's accuracy, null sizes, compiled code, edges of gradients, bad input.
import { beforeEach, describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import { GradientTape, jit, type Tensor, tensor } from '../engine/index.js'
import { backends } from '../training/testing/backends.js'
import * as ops from './index.js'
import './methods.js'
import { KerasTensor } from './operation.js'

const symbol = (...shape: (number | null)[]): KerasTensor => new KerasTensor(shape)
const values = (x: unknown): unknown => (x as Tensor).arraySync()

/** Distance between neighbouring float32 at a value. */
const spacing = (value: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value) || 1e-45)), -126) - 23)

/** The largest error in units of the last place. */
function worst(found: Tensor, wanted: (i: number) => number): number {
  return Array.from(found.dataSync()).reduce((error, value, i) => {
    const want = Math.fround(wanted(i))
    if (Object.is(value, want) || (value === want && !Number.isFinite(want))) return error
    return Math.max(error, Math.abs(value - want) / spacing(want))
  }, 0)
}

/** From tiny to huge, both signs. */
const WIDE = Array.from({ length: 400 }, (_, i) => Math.fround((i % 2 === 0 ? 1 : -1) * 10 ** (-20 + i / 10)))
const UP_TO_90 = Array.from({ length: 361 }, (_, i) => Math.fround(-90 + i / 2 + 0.01))

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend))

  it.each([
    ['sinh', ops.sinh, Math.sinh, [...UP_TO_90, 1e-20, -1e-5, 1e-3, 0.3]],
    ['cosh', ops.cosh, Math.cosh, UP_TO_90],
    ['arcsinh', ops.arcsinh, Math.asinh, WIDE],
    ['arccosh', ops.arccosh, Math.acosh, WIDE.map((x) => Math.fround(1 + Math.abs(x)))],
    ['arctanh', ops.arctanh, Math.atanh, WIDE.filter((x) => Math.abs(x) < 1)],
    ['cbrt', ops.cbrt, Math.cbrt, WIDE],
    ['exp2', ops.exp2, (x: number) => 2 ** x, UP_TO_90],
    ['deg2rad', ops.deg2rad, (x: number) => (x * Math.PI) / 180, WIDE],
  ] as const)('%s is exact to a few units of the last place', (_, op, exact, x) => {
    expect(worst(op(tensor([...x])), (i) => exact(x[i] as number))).toBeLessThanOrEqual(5)
  })

  it('keeps lengths and sums of powers within the floats', () => {
    const [a, b] = [WIDE, [...WIDE].reverse()]
    expect(worst(ops.hypot(tensor(a), tensor(b)), (i) => Math.hypot(a[i] as number, b[i] as number))).toBeLessThanOrEqual(3)
    expect(values(ops.hypot(tensor([3e38, 0]), tensor([1, 0])))).toEqual([Math.fround(3e38), 0])
    expect(values(ops.logaddexp(tensor([1000, -1000]), tensor([0, -1000])))).toEqual([1000, Math.fround(-1000 + Math.LN2)])
    expect(values(ops.i0(tensor([Number.POSITIVE_INFINITY, 0])))).toEqual([Number.POSITIVE_INFINITY, 1])
  })

  it('has whole powers of two exactly', () => {
    const powers = Array.from({ length: 254 }, (_, i) => i - 126)
    expect(Array.from(ops.exp2(tensor(powers)).dataSync())).toEqual(powers.map((n) => 2 ** n))
    expect(Array.from(ops.ldexp(tensor(powers.map(() => 1)), tensor(powers, [254], 'int32')).dataSync())).toEqual(powers.map((n) => 2 ** n))
  })

  it('takes numbers apart and puts them together', () => {
    const numbers = new Float32Array([0, -0, 1, -1.5, 1e-30, 3.4e38, -7e-39, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    const bits = ops.view(tensor(numbers), 'int32')
    expect(Array.from(bits.dataSync())).toEqual(Array.from(new Int32Array(numbers.buffer)))
    expect(ops.view(bits, { dtype: 'float32' }).dataSync()).toEqual(numbers)
    const bytes = ops.view(tensor(numbers), 'uint8')
    expect(bytes.shape).toEqual([36])
    expect(Array.from(bytes.dataSync())).toEqual(Array.from(new Uint8Array(numbers.buffer)))
  })

  it('finds in compiled code what it finds outside', () => {
    const sorted = tensor([1, 2, 2, 5])
    const x = tensor([
      [0, 2],
      [5, 9],
    ])
    const search = jit((list: Tensor, at: Tensor) => ops.searchsorted(list, at, { side: 'right' }))
    expect(values(search(sorted, x))).toEqual([
      [0, 3],
      [4, 4],
    ])
    const distinct = jit((list: Tensor) => ops.unique(list, { size: 4, fillValue: 0, returnCounts: true }))
    expect(distinct(tensor([5, 2, 5, 1])).map(values)).toEqual([
      [1, 2, 5, 0],
      [1, 1, 2, 0],
    ])
    const divisor = jit((a: Tensor, b: Tensor) => ops.gcd(a, b))
    expect(values(divisor(tensor([12, 0], [2], 'int32'), tensor([18, 7], [2], 'int32')))).toEqual([6, 7])
  })

  it('puts the element at kth where sorting puts it', () => {
    const x = tensor([
      [7, 1, 4, 3],
      [2, 9, 0, 5],
    ])
    const placed = ops.takeAlongAxis(x, ops.argpartition(x, 1), 1).arraySync() as number[][]
    expect(placed.map((row) => row[1])).toEqual([3, 2])
    expect(placed.every((row) => Math.max(row[0] as number, row[1] as number) <= Math.min(row[2] as number, row[3] as number))).toBe(true)
  })
})

describe('gradients', () => {
  beforeEach(() => setBackend('host'))
  const gradientOf = (f: (x: Tensor) => Tensor, at: number[]): number[] => {
    using tape = new GradientTape()
    const x = tensor(at)
    tape.watch(x)
    const [gradient] = tape.gradient(ops.sum(f(x)), [x])
    return Array.from((gradient as Tensor).dataSync())
  }

  it('are finite wherever the function is', () => {
    expect(gradientOf(ops.sinc, [0, 1e-9])).toEqual([0, expect.closeTo(0, 6)])
    expect(gradientOf((x) => ops.hypot(x, ops.multiply(x, 0)), [0, 2])).toEqual([0, 1])
    expect(gradientOf((x) => ops.vander(x, 3), [0])).toEqual([1])
    expect(gradientOf(ops.arcsinh, [0, 1e19, -1e19])).toEqual([1, expect.closeTo(0, 6), expect.closeTo(0, 6)])
    expect(gradientOf(ops.cosh, [0, -85])).toEqual([0, expect.closeTo(-Math.sinh(85), -32)])
    expect(gradientOf(ops.nanToNum, [Number.NaN, 1, Number.POSITIVE_INFINITY])).toEqual([0, 1, 0])
    expect(gradientOf(ops.nansum, [Number.NaN, 1])).toEqual([0, 1])
    expect(gradientOf((x) => ops.divideNoNan(1, x), [0, 2])).toEqual([0, -0.25])
  })

  it('are those of higher orders too', () => {
    const second = gradientOf(
      (x) => {
        using tape = new GradientTape()
        tape.watch(x)
        return tape.gradient(ops.sum(ops.sinh(x)), [x])[0] as Tensor
      },
      [0.5],
    )
    expect(second[0]).toBeCloseTo(Math.sinh(0.5), 6)
  })

  it('flow to the elements that were chosen', () => {
    expect(gradientOf((x) => ops.median(x), [3, 1, 2])).toEqual([0, 0, 1])
    expect(gradientOf((x) => ops.quantile(x, 0.25), [1, 2, 3])).toEqual([0.5, 0.5, 0])
    expect(gradientOf((x) => ops.getItem(x, '::-2'), [1, 2, 3])).toEqual([1, 0, 1])
    expect(gradientOf((x) => ops.unique(x), [2, 1, 2])).toEqual([1, 1, 0])
  })
})

describe('symbolic tensors', () => {
  const shape = (x: unknown): unknown => (x as KerasTensor).shape

  it('keep sizes that are not known', () => {
    const x = symbol(null, 6)
    expect(shape(ops.roll(x, 2, 0))).toEqual([null, 6])
    expect(shape(ops.quantile(x, [0.1, 0.9], { axis: 0 }))).toEqual([2, 6])
    expect(shape(ops.nanmean(x, 1))).toEqual([null])
    expect(shape(ops.tril(x))).toEqual([null, 6])
    expect(shape(ops.diff(x, { axis: 0 }))).toEqual([null, 6])
    expect(shape(ops.median(x, { axis: 1, keepdims: true }))).toEqual([null, 1])
    expect(shape(ops.hstack([x, x]))).toEqual([null, 12])
    expect(ops.split(x, 3, 1).map(shape)).toEqual([
      [null, 2],
      [null, 2],
      [null, 2],
    ])
    expect(shape(ops.getItem(x, [{ start: 1 }, null, 2]))).toEqual([null, 1])
    expect(shape(ops.searchsorted(tensor([1, 2]), x))).toEqual([null, 6])
    expect(shape(ops.unique(x as unknown as Tensor, { size: 4 }))).toEqual([4])
    expect(ops.meshgrid(symbol(3), symbol(null)).map(shape)).toEqual([
      [null, 3],
      [null, 3],
    ])
    expect(shape(ops.linspace(x as unknown as Tensor, 1, 5))).toEqual([5, null, 6])
    expect(ops.size(x)).toBeNull()
    expect(ops.ndim(x)).toBe(2)
  })

  it('hold the key of getItem as Keras writes it', () => {
    const y = ops.getItem(symbol(null, 4), ':2, ..., 0') as KerasTensor
    expect(y.history?.operation.inboundNodes[0]?.args[1]).toEqual([
      { class_name: '__slice__', config: { start: null, stop: 2, step: null } },
      { class_name: '__ellipsis__', config: {} },
      0,
    ])
  })

  it('are refused where a shape depends on values', () => {
    expect(() => ops.nonzero(symbol(3))).toThrow(/Nonzero|nonzero/)
    expect(() => jit((x: Tensor) => ops.nonzero(x))(tensor([1, 0]))).toThrow(/depends on values[\s\S]*ops\.where/)
    expect(() => jit((x: Tensor) => ops.unique(x))(tensor([1, 0]))).toThrow(/give size/)
    expect(() => jit((x: Tensor) => ops.bincount(x))(tensor([1, 0], [2], 'int32'))).toThrow(/depends on values/)
  })
})

describe('methods', () => {
  beforeEach(() => setBackend('host'))

  it('are the ops, on tensors and on symbols', () => {
    const x = tensor([
      [1, -2],
      [3, 4],
    ])
    expect(values(x.add(1).mul(x).relu().sum(1))).toEqual([4, 32])
    expect(values(x.matmul(x).mean({ axis: 0, keepdims: true }))).toEqual([[5, 0]])
    expect(values(x.at('::-1, 0').reshape([2, 1]).transpose())).toEqual([[3, 1]])
    expect(values(x.slice([0, 1], [2, 1]).clip(-1, 3).cast('int32').flatten())).toEqual([-1, 3])
    expect(values(x.argmax(1))).toEqual([0, 1])
    const y = symbol(null, 3).add(1).softmax().max(-1)
    expect([y.shape, y instanceof KerasTensor]).toEqual([[null], true])
  })
})

describe('vectorize', () => {
  beforeEach(() => setBackend('host'))

  it('applies a function of scalars at every place', () => {
    const f = ops.vectorize((a: Tensor, b: Tensor) =>
      ops.cond(
        ops.greater(a, b),
        () => ops.subtract(a, b),
        () => ops.add(a, b),
      ),
    )
    expect(values(f(tensor([[1], [4]]), tensor([2, 3])))).toEqual([
      [3, 4],
      [2, 1],
    ])
    const scaled = ops.vectorize((a: Tensor, by: number) => ops.multiply(a, by), { excluded: [1] })
    expect(values(scaled(tensor([1, 2]), 10))).toEqual([10, 20])
  })

  it('applies a function of vectors along the other axes', () => {
    const product = ops.vectorize((a: Tensor, b: Tensor) => ops.dot(a, b), { signature: '(n),(n)->()' })
    expect(
      values(
        product(
          tensor([
            [1, 2],
            [3, 4],
          ]),
          tensor([10, 1]),
        ),
      ),
    ).toEqual([12, 34])
    expect(() => product(tensor([1, 2]), tensor([1, 2, 3]))).toThrow(/argument 1 does not fit the signature[\s\S]*n being 2/)
  })
})

describe('bad input', () => {
  it('is named, with what to do', () => {
    const x = tensor([[1, 2, 3]])
    expect(() => ops.getItem(x, [0, 0, 0])).toThrow(/more indices than axes/)
    expect(() => ops.getItem(x, '1')).toThrow(/index 1 is outside of axis 0/)
    expect(() => ops.getItem(x, 'one')).toThrow(/no key/)
    expect(() => ops.getItem(x, ops.greater(tensor([1]), 0))).toThrow(/whole numbers[\s\S]*ops\.where/)
    expect(() => ops.quantile(x, 0.5, { method: 'median' as 'linear' })).toThrow(/unknown method 'median'[\s\S]*linear/)
    expect(() => ops.split(x, 2, 1)).toThrow(/equal parts[\s\S]*arraySplit/)
    expect(() => ops.average(x, 1, tensor([1, 2]))).toThrow(/weights do not fit/)
    expect(() => ops.cross(tensor([1]), tensor([1]))).toThrow(/2 or 3 components/)
    expect(() => ops.rot90(x, 1, [0, 0])).toThrow(/two different axes/)
    expect(() => ops.ldexp(x, x)).toThrow(/exponent must be whole/)
    expect(() => ops.gcd(x, x)).toThrow(/integers/)
    expect(() => ops.searchsorted(x, x)).toThrow(/must be a list[\s\S]*vectorizedMap/)
    expect(() => ops.view(x, 'float64')).toThrow(/64 bits/)
    expect(() => ops.correlate(x, x)).toThrow(/must be lists/)
    expect(() => ops.arange(0, 1, 0)).toThrow(/step must not be 0/)
    expect(() => ops.select([ops.greater(x, 1)], [])).toThrow(/one choice for each condition/)
  })
})
