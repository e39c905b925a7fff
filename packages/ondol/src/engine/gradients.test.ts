/**
 * Every gradient rule against central finite differences in float64 on the host, once and differentiated
 * once more, along random directions. The table has an entry for every primitive: a new one is a type error.
 */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend, type HostArray } from '../backends/host/index.js'
import { CASES } from '../backends/testing/cases.js'
import { between, Draw, type Flavour } from '../backends/testing/draw.js'
import { isFloat, readElement } from '../core/dtype.js'
import { formatShape } from '../core/shape.js'
import { useBackend } from './backend.js'
import { bind } from './bind.js'
import { cond, scan, whileLoop } from './control.js'
import { GradientTape } from './gradient-tape.js'
import * as lax from './lax.js'
import type { PrimitiveAttributes, PrimitiveName } from './primitives.js'
import { isDifferentiable, type Tensor, tensor } from './tensor.js'

type Function = (...inputs: Tensor[]) => readonly Tensor[]

interface GradientCase {
  readonly f: Function
  readonly inputs: readonly HostArray[]
}

type Entry =
  | ((draw: Draw) => GradientCase)
  /** Constant between its steps, or no float in or out: nothing flows back. */
  | 'flat'
  /** A loop of unknown length. */
  | 'refused'

const plain = between(-2, 2)

/** Values that keep their distance from each other and from 0, so that small steps change no order: multiples of the golden ratio, folded. */
const apart = (): Flavour => {
  let place = 0
  return (uniform) => {
    if (place === 0) place = uniform() + 0.01
    place += 0.6180339887498949
    return (place % 1) * 4 - 2.0001
  }
}

/** Far enough from 0 to divide by. */
const awayFromZero: Flavour = (uniform) => (uniform() < 0.5 ? -1 : 1) * (0.4 + 2 * uniform())

/** The primitive on operands shaped as in the conformance suite, with floats drawn from `flavours` (the last one again for further operands). */
const of =
  <P extends PrimitiveName>(primitive: P, ...flavours: (Flavour | (() => Flavour))[]): Entry =>
  (draw) => {
    const { attributes, inputs } = CASES[primitive].make(draw, 'float64') as {
      attributes: PrimitiveAttributes[P]
      inputs: readonly HostArray[]
    }
    const redrawn = inputs.map((input, i) => {
      if (!isFloat(input.dtype)) return input
      const flavour = flavours[Math.min(i, flavours.length - 1)] ?? plain
      return draw.array('float64', input.shape, flavour === apart ? apart() : (flavour as Flavour))
    })
    return { f: (...tensors) => bind(primitive, attributes, tensors), inputs: redrawn }
  }

const ENTRIES: { readonly [P in PrimitiveName]: Entry } = {
  neg: of('neg'),
  abs: of('abs', awayFromZero),
  sign: 'flat',
  floor: 'flat',
  ceil: 'flat',
  round: 'flat',
  logicalNot: 'flat',
  bitwiseNot: 'flat',
  exp: of('exp'),
  expm1: of('expm1'),
  log: of('log', between(0.3, 4)),
  log1p: of('log1p', between(-0.6, 3)),
  sqrt: of('sqrt', between(0.3, 4)),
  rsqrt: of('rsqrt', between(0.3, 4)),
  sin: of('sin'),
  cos: of('cos'),
  tan: of('tan', between(-1.2, 1.2)),
  asin: of('asin', between(-0.9, 0.9)),
  acos: of('acos', between(-0.9, 0.9)),
  atan: of('atan'),
  tanh: of('tanh'),
  sigmoid: of('sigmoid'),
  erf: of('erf'),
  erfInv: of('erfInv', between(-0.9, 0.9)),
  lgamma: of('lgamma', between(0.4, 6)),
  digamma: of('digamma', between(0.4, 6)),

  add: of('add'),
  sub: of('sub'),
  mul: of('mul'),
  div: of('div', plain, awayFromZero),
  pow: of('pow', between(0.3, 3), plain),
  max: of('max', apart),
  min: of('min', apart),
  floorDiv: 'flat',
  mod: of('mod', plain, awayFromZero),
  atan2: of('atan2', awayFromZero),
  bitwiseAnd: 'flat',
  bitwiseOr: 'flat',
  bitwiseXor: 'flat',
  shiftLeft: 'flat',
  shiftRight: 'flat',
  shiftRightLogical: 'flat',
  eq: 'flat',
  ne: 'flat',
  lt: 'flat',
  le: 'flat',
  gt: 'flat',
  ge: 'flat',
  logicalAnd: 'flat',
  logicalOr: 'flat',
  logicalXor: 'flat',
  select: of('select'),
  cast: (draw) => ({ f: (x) => bind('cast', { dtype: 'float64' }, [x as Tensor]), inputs: [draw.array('float64', draw.shape(), plain)] }),
  randomBits: 'flat',

  full: 'flat',
  constant: 'flat',
  iota: 'flat',
  reshape: of('reshape'),
  transpose: of('transpose'),
  broadcast: of('broadcast'),
  slice: of('slice'),
  pad: of('pad'),
  concat: of('concat'),

  reduceSum: of('reduceSum'),
  reduceProd: of('reduceProd', between(0.7, 1.3)),
  reduceMax: of('reduceMax', apart),
  reduceMin: of('reduceMin', apart),
  argMax: 'flat',
  argMin: 'flat',
  cumSum: of('cumSum'),
  cumProd: of('cumProd', between(0.7, 1.3)),
  cumMax: of('cumMax', apart),
  moments: of('moments'),

  gather: of('gather'),
  scatterAdd: of('scatterAdd'),
  scatterSet: of('scatterSet'),
  sort: of('sort', apart),

  dot: of('dot'),
  conv: of('conv'),
  convInputGrad: of('convInputGrad'),
  convKernelGrad: of('convKernelGrad'),
  maxPool: of('maxPool', apart),
  maxPoolGrad: of('maxPoolGrad'),
  maxPoolGather: of('maxPoolGather'),
  avgPool: of('avgPool'),
  avgPoolGrad: of('avgPoolGrad'),

  scan: (draw) => {
    const [length, units] = [draw.of([0, 1, 2, 4]), draw.of([1, 3])]
    const reverse = draw.once(2)
    return {
      // A recurrent cell with captured weights, a counter, a nonlinear carry and two kinds of results.
      f: (weights, initial, sequence) => {
        const [carries, results] = scan(
          ([state, steps], [element]) => {
            const product = lax.dot(state as Tensor, weights as Tensor, { batchA: [], batchB: [], contractA: [1], contractB: [0] })
            const next = lax.tanh(lax.add(product, element as Tensor))
            const scaled = lax.mul(next, lax.cast(lax.broadcast(steps as Tensor, next.shape, []), 'float64'))
            return [
              [next, lax.add(steps as Tensor, lax.fullLike(steps as Tensor, 1))],
              [lax.mul(scaled, element as Tensor), next],
            ]
          },
          [initial as Tensor, tensor(1, [], 'int32')],
          [sequence as Tensor],
          { length, reverse },
        )
        return [...carries, ...results]
      },
      inputs: [
        draw.array('float64', [units, units], plain),
        draw.array('float64', [2, units], plain),
        draw.array('float64', [length, 2, units], plain),
      ],
    }
  },
  cond: (draw) => {
    const isTrue = draw.int(0, 1)
    return {
      f: (x, y) =>
        cond(
          tensor([isTrue], [], 'bool'),
          () => [lax.mul(x as Tensor, lax.sin(y as Tensor)), x as Tensor],
          () => [y as Tensor, lax.tanh(x as Tensor)],
        ),
      inputs: [draw.array('float64', [3], plain), draw.array('float64', [3], plain)],
    }
  },
  while: 'refused',
}

beforeAll(() => useBackend(createHostBackend()))

const floats = (tensors: readonly Tensor[]): Tensor[] => tensors.filter(isDifferentiable)

/** Fixed weights that turn outputs into one number. */
const weightsFor = ({ shape, size }: Tensor, seed: number): Tensor =>
  tensor(
    Float64Array.from({ length: size }, (_, i) => Math.cos(1.7 * i + seed)),
    shape,
    'float64',
  )

/** The gradient of the weighted sum of f's outputs, as a function that can be differentiated again. */
const gradientOf =
  (f: Function): Function =>
  (...inputs) => {
    const tape = new GradientTape()
    try {
      tape.watch(floats(inputs))
      const outputs = floats(f(...inputs))
      const seeds = outputs.map((output, i) => weightsFor(output, i))
      return tape.gradient(outputs, floats(inputs), { outputGradients: seeds, unconnectedGradients: 'zero' }) as Tensor[]
    } finally {
      tape.dispose()
    }
  }

/** Σ weights · outputs. */
function weigh(f: Function, inputs: readonly HostArray[]): number {
  const outputs = floats(f(...inputs.map(({ storage, shape, dtype }) => tensor(storage, shape, dtype))))
  return outputs.reduce(
    (total, output, n) => (output.dataSync() as Float64Array).reduce((sum, value, i) => sum + value * Math.cos(1.7 * i + n), total),
    0,
  )
}

const STEP = 1e-6

/** Compares the slope along random directions with what the gradient says. */
function checkGradient(draw: Draw, f: Function, inputs: readonly HostArray[]): void {
  const gradients = gradientOf(f)(...inputs.map(({ storage, shape, dtype }) => tensor(storage, shape, dtype))).map((gradient) =>
    gradient.dataSync(),
  )
  const differentiable = inputs.filter(({ dtype }) => isFloat(dtype))
  differentiable.forEach((moved, n) => {
    const direction = draw.array('float64', moved.shape, between(-1, 1)).storage as Float64Array
    const at = (step: number): readonly HostArray[] =>
      inputs.map((input) =>
        input === moved ? { ...input, storage: (input.storage as Float64Array).map((x, i) => x + step * (direction[i] as number)) } : input,
      )
    const measured = (weigh(f, at(STEP)) - weigh(f, at(-STEP))) / (2 * STEP)
    const claimed = direction.reduce((sum, d, i) => sum + d * (gradients[n]?.[i] as number), 0)
    const scale = 1 + Math.abs(measured) + direction.reduce((sum, d, i) => sum + Math.abs(d * (gradients[n]?.[i] as number)), 0)
    if (!(Math.abs(measured - claimed) < 2e-6 * scale)) {
      const shapes = inputs.map(({ dtype, shape }) => `${dtype}${formatShape(shape)}`).join(' ')
      const values = Array.from({ length: Math.min(moved.storage.length, 20) }, (_, i) => readElement(moved.dtype, moved.storage, i))
      throw new Error(`slope for input ${n} of ${shapes}: measured ${measured}, claimed ${claimed}; the input begins ${values.join(', ')}`)
    }
  })
}

const property = (make: (draw: Draw) => void, numRuns: number): void =>
  fc.assert(
    fc.property(fc.gen(), (generate) => make(new Draw(generate, ['float64']))),
    { seed: 20_261_122, numRuns },
  )

describe.each(Object.entries(ENTRIES))('%s', (name, entry) => {
  if (entry === 'refused') {
    it('has no gradient and says so', () => {
      const tape = new GradientTape()
      const x = tensor([1], [], 'float64')
      tape.watch(x)
      const [y] = whileLoop(
        (v) => lax.lt(v as Tensor, lax.fullLike(v as Tensor, 8)),
        (v) => [lax.add(v as Tensor, v as Tensor)],
        [x],
      ) as [Tensor]
      expect(y.arraySync()).toBe(8)
      expect(() => tape.gradient(y, x)).toThrow('has no reverse-mode gradient')
      tape.dispose()
    })
  } else if (entry === 'flat') {
    it('lets nothing flow back', () =>
      property((draw) => {
        const { kinds, make } = CASES[name as PrimitiveName]
        const dtype = kinds.some((kind) => kind === 'float') ? 'float64' : kinds.some((kind) => kind === 'int') ? 'int32' : 'bool'
        const { attributes, inputs } = make(draw, dtype)
        const tape = new GradientTape()
        const tensors = inputs.map(({ storage, shape, dtype: type }) => tensor(storage, shape, type))
        tape.watch(floats(tensors))
        const outputs = bind(name as PrimitiveName, attributes as PrimitiveAttributes[PrimitiveName], tensors)
        if (floats(outputs).length > 0)
          expect(tape.gradient(floats(outputs), floats(tensors)).every((gradient) => gradient === null)).toBe(true)
        tape.dispose()
      }, 5))
  } else {
    it('has the slope of finite differences', () =>
      property((draw) => {
        const { f, inputs } = entry(draw)
        checkGradient(draw, f, inputs)
      }, 40))
    it('can be differentiated twice', () =>
      property((draw) => {
        const { f, inputs } = entry(draw)
        checkGradient(draw, gradientOf(f), inputs)
      }, 16))
  }
})

describe('gradients at kinks', () => {
  const gradient = (f: (x: Tensor) => Tensor, x: Tensor): unknown => (gradientAt(f, x) as Tensor).arraySync()
  const gradientAt = (f: (x: Tensor) => Tensor, x: Tensor): Tensor | null => {
    const tape = new GradientTape()
    tape.watch(x)
    const result = tape.gradient(f(x), x)
    tape.dispose()
    return result
  }

  it('shares a maximum among equals', () => {
    expect(gradient((x) => lax.reduceMax(x, [0]), tensor([1, 3, 3, 2]))).toEqual([0, 0.5, 0.5, 0])
  })

  it('gives a rectifier no slope at 0', () => {
    expect(gradient((x) => lax.max(x, lax.zerosLike(x)), tensor([-1, 0, 2]))).toEqual([0, 0, 1])
  })

  it('gives zeros in products their due', () => {
    expect(gradient((x) => lax.reduceProd(x, [0]), tensor([2, 0, 5]))).toEqual([0, 10, 0])
    expect(gradient((x) => lax.cumProd(x, 0), tensor([2, 0, 5]))).toEqual([1, 12, 0])
  })

  it('counts only the last of repeated updates', () => {
    const updates = tensor([1, 2, 3])
    expect(gradient((u) => lax.scatterSet(tensor([0, 0]), tensor([1, 0, 1], [3], 'int32'), u, 0), updates)).toEqual([0, 1, 1])
  })
})
