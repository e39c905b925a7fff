/** Random operands and attributes for every primitive: a table that a new primitive has to enter. */
import { type DType, isFloat } from '../../core/dtype.js'
import type { Shape } from '../../core/shape.js'
import {
  ARITHMETIC,
  BIT_UNARY,
  BITWISE,
  type BinaryName,
  COMPARISON,
  FLOAT_UNARY,
  inferOutputs,
  LOGICAL,
  NUMBER_UNARY,
  type PrimitiveAttributes,
  type PrimitiveName,
  type UnaryName,
} from '../../engine/primitives.js'
import type { HostArray } from '../host/index.js'
import type { Case } from './builder.js'
import { condCase, scanCase, whileCase } from './controlCases.js'
import { anything, between, type Draw, type Flavour, finite, wholes } from './draw.js'
import {
  avgPoolCase,
  avgPoolGradCase,
  convCase,
  convInputGradCase,
  convKernelGradCase,
  maxPoolCase,
  maxPoolGatherCase,
  maxPoolGradCase,
} from './windowCases.js'

type Kinds = readonly ('float' | 'int' | 'bool')[]

interface CaseRule<Attributes> {
  readonly kinds: Kinds
  make(draw: Draw, dtype: DType): Case<Attributes>
}

type CaseTable<P extends PrimitiveName> = { readonly [Name in P]: CaseRule<PrimitiveAttributes[Name]> }

const FLOATS = ['float'] as const
const NUMBERS = ['float', 'int'] as const
const ALL = ['float', 'int', 'bool'] as const

/** Eighths: products, quotients and remainders of a few of them are exact in float32. */
const eighths: Flavour = (uniform, dtype) => {
  if (!isFloat(dtype)) return anything(uniform, dtype)
  const eighth = (Math.floor(uniform() * 127) + 1) / 8
  return uniform() < 0.5 ? eighth : -eighth
}

/** Where functions are defined, or where they are interesting. */
const DOMAINS: { readonly [N in UnaryName]?: Flavour } = {
  asin: between(-1.1, 1.1),
  acos: between(-1.1, 1.1),
  erfInv: between(-1.05, 1.05),
  lgamma: between(-6, 40),
  digamma: between(-6, 40),
  sin: between(-1000, 1000),
  cos: between(-1000, 1000),
  tan: between(-100, 100),
}

const unary = (name: UnaryName): CaseRule<PrimitiveAttributes[UnaryName]>['make'] => {
  const domain = DOMAINS[name]
  return (draw, dtype) => ({
    attributes: {},
    inputs: [draw.array(dtype, draw.shape(), domain !== undefined && !draw.once(4) ? domain : anything)],
  })
}

/** Trigonometric functions of huge arguments are noise: nobody promises them. */
const tame =
  (make: CaseRule<PrimitiveAttributes[UnaryName]>['make']): CaseRule<PrimitiveAttributes[UnaryName]>['make'] =>
  (draw, dtype) => {
    const { attributes, inputs } = make(draw, dtype)
    return {
      attributes,
      inputs: inputs.map((x) =>
        x.storage.every((_, i) => !(Math.abs(x.storage[i] as number) > 1e5)) || !isFloat(dtype) ? x : draw.array(dtype, x.shape, finite),
      ),
    }
  }

const exponents: Flavour = (uniform, dtype) => (isFloat(dtype) ? finite(uniform, dtype) : Math.floor(uniform() * 12))

const BINARY_FLAVOURS: { readonly [N in BinaryName]?: readonly [Flavour, Flavour] } = {
  pow: [anything, exponents],
  floorDiv: [eighths, eighths],
  mod: [eighths, eighths],
  shiftLeft: [anything, wholes(0, 40)],
  shiftRight: [anything, wholes(0, 40)],
  shiftRightLogical: [anything, wholes(0, 40)],
}

const binary = (name: BinaryName): CaseRule<PrimitiveAttributes[BinaryName]>['make'] => {
  const [left, right] = BINARY_FLAVOURS[name] ?? [anything, anything]
  return (draw, dtype) => {
    const shape = draw.shape()
    return { attributes: {}, inputs: [draw.array(dtype, shape, left), draw.array(dtype, shape, right)] }
  }
}

const rules = <N extends PrimitiveName>(names: readonly N[], rule: (name: N) => unknown): CaseTable<N> =>
  Object.fromEntries(names.map((name) => [name, rule(name)])) as unknown as CaseTable<N>

const reduction = (
  kinds: Kinds,
  flavour: Flavour = anything,
): CaseRule<PrimitiveAttributes['reduceSum' | 'reduceProd' | 'reduceMax' | 'reduceMin']> => ({
  kinds,
  make: (draw, dtype) => {
    const shape = draw.shape(0, 4)
    return { attributes: { axes: draw.axesOf(shape) }, inputs: [draw.array(dtype, shape, flavour)] }
  },
})

const positionOf: CaseRule<PrimitiveAttributes['argMax' | 'argMin']> = {
  kinds: NUMBERS,
  make: (draw, dtype) => {
    const shape = draw.shape(1, 4, 1)
    return { attributes: { axis: draw.axisOf(shape) }, inputs: [draw.array(dtype, shape, draw.once(2) ? anything : wholes(0, 5))] }
  },
}

const running = (flavour: Flavour): CaseRule<PrimitiveAttributes['cumSum' | 'cumProd' | 'cumMax']> => ({
  kinds: NUMBERS,
  make: (draw, dtype) => {
    const shape = draw.shape(1, 4)
    return { attributes: { axis: draw.axisOf(shape), reverse: draw.once(2) }, inputs: [draw.array(dtype, shape, flavour)] }
  },
})

const scattered = (kinds: Kinds): CaseRule<PrimitiveAttributes['scatterAdd' | 'scatterSet']> => ({
  kinds,
  make: (draw, dtype) => {
    const [attributes, x, indices] = gathering(draw, dtype)
    const [updates] = inferOutputs('gather', attributes, [x, indices]) as [HostArray]
    return { attributes, inputs: [x, indices, draw.array(dtype, updates.shape)] }
  },
})

/** An axis of x, and indices of which some are out of range and some repeat. */
function gathering(draw: Draw, dtype: DType): readonly [{ readonly axis: number }, HostArray, HostArray] {
  const shape = draw.shape(1, 3, 1)
  const axis = draw.axisOf(shape)
  const indices = draw.array('int32', draw.shape(0, 2), wholes(-2, (shape[axis] as number) + 1))
  return [{ axis }, draw.array(dtype, shape), indices]
}

const smallFactors: Flavour = (uniform, dtype) => (isFloat(dtype) ? (uniform() < 0.5 ? -1 : 1) * (0.5 + uniform()) : finite(uniform, dtype))

export const CASES: CaseTable<PrimitiveName> = {
  ...rules(FLOAT_UNARY, (name) => ({ kinds: FLOATS, make: ['sin', 'cos', 'tan'].includes(name) ? tame(unary(name)) : unary(name) })),
  ...rules(NUMBER_UNARY, (name) => ({ kinds: NUMBERS, make: unary(name) })),
  ...rules(BIT_UNARY, (name) => ({ kinds: name === 'logicalNot' ? ['bool'] : ['int'], make: unary(name) })),
  ...rules(ARITHMETIC, (name) => ({ kinds: name === 'div' || name === 'atan2' ? FLOATS : NUMBERS, make: binary(name) })),
  ...rules(BITWISE, (name) => ({ kinds: ['int'], make: binary(name) })),
  ...rules(COMPARISON, (name) => ({ kinds: ALL, make: binary(name) })),
  ...rules(LOGICAL, (name) => ({ kinds: ['bool'], make: binary(name) })),

  select: {
    kinds: ALL,
    make: (draw, dtype) => {
      const shape = draw.shape()
      return { attributes: {}, inputs: [draw.array('bool', shape), draw.array(dtype, shape, anything), draw.array(dtype, shape, anything)] }
    },
  },
  cast: {
    kinds: ALL,
    make: (draw, dtype) => ({ attributes: { dtype }, inputs: [draw.array(draw.of(draw.dtypes), draw.shape(), anything)] }),
  },
  randomBits: {
    kinds: ['int'],
    make: (draw) => ({ attributes: { shape: draw.shape() }, inputs: [draw.array('int32', [2], wholes(-(2 ** 31), 2 ** 31 - 1))] }),
  },
  full: {
    kinds: ALL,
    make: (draw, dtype) => ({ attributes: { shape: draw.shape(), dtype, value: draw.of([0, 1, -2.5, 300, 1e-3]) }, inputs: [] }),
  },
  constant: {
    kinds: ALL,
    make: (draw, dtype) => {
      const { shape, storage } = draw.array(dtype, draw.shape(), anything)
      return { attributes: { shape, dtype, storage }, inputs: [] }
    },
  },
  iota: {
    kinds: NUMBERS,
    make: (draw, dtype) => {
      const shape = draw.shape(1, 3)
      return { attributes: { shape, dtype, axis: draw.axisOf(shape) }, inputs: [] }
    },
  },

  reshape: {
    kinds: ALL,
    make: (draw, dtype) => {
      const shape = draw.shape()
      const target: Shape = draw.of([
        [...shape].reverse(),
        [1, ...shape],
        [...shape.slice(0, -2), shape.slice(-2).reduce((a, b) => a * b, 1)],
      ])
      return { attributes: { shape: target }, inputs: [draw.array(dtype, shape, anything)] }
    },
  },
  transpose: {
    kinds: ALL,
    make: (draw, dtype) => {
      const shape = draw.shape()
      return { attributes: { permutation: draw.permutation(shape.length) }, inputs: [draw.array(dtype, shape, anything)] }
    },
  },
  broadcast: {
    kinds: ALL,
    make: (draw, dtype) => {
      const shape = draw.shape()
      const axes = draw.axesOf(shape)
      const source = axes.map((axis) => (draw.once(3) ? 1 : (shape[axis] as number)))
      return { attributes: { shape, axes }, inputs: [draw.array(dtype, source, anything)] }
    },
  },
  slice: {
    kinds: ALL,
    make: (draw, dtype) => {
      const shape = draw.shape()
      const along = shape.map((size) => sliceOf(draw, size))
      const attributes = {
        start: along.map(({ start }) => start),
        size: along.map(({ size }) => size),
        step: along.map(({ step }) => step),
      }
      return { attributes, inputs: [draw.array(dtype, shape, anything)] }
    },
  },
  pad: {
    kinds: ALL,
    make: (draw, dtype) => {
      const shape = draw.shape(0, 3)
      const widths = (most: number): number[] => shape.map(() => draw.int(0, most))
      return {
        attributes: { low: widths(3), high: widths(3), interior: widths(2) },
        inputs: [draw.array(dtype, shape, anything), draw.array(dtype, [])],
      }
    },
  },
  concat: {
    kinds: ALL,
    make: (draw, dtype) => {
      const shape = draw.shape(1, 3)
      const axis = draw.axisOf(shape)
      const part = (): Shape => shape.map((size, at) => (at === axis ? draw.size() : size))
      return { attributes: { axis }, inputs: Array.from({ length: draw.int(1, 4) }, () => draw.array(dtype, part(), anything)) }
    },
  },

  reduceSum: reduction(NUMBERS),
  reduceProd: reduction(NUMBERS, smallFactors),
  reduceMax: reduction(ALL),
  reduceMin: reduction(ALL),
  argMax: positionOf,
  argMin: positionOf,
  cumSum: running(finite),
  cumProd: running(smallFactors),
  cumMax: running(anything),
  moments: {
    kinds: FLOATS,
    make: (draw, dtype) => {
      const shape = draw.shape(0, 4, 1)
      return { attributes: { axes: draw.axesOf(shape) }, inputs: [draw.array(dtype, shape, draw.once(2) ? finite : between(90, 110))] }
    },
  },

  gather: {
    kinds: ALL,
    make: (draw, dtype) => {
      const [attributes, ...inputs] = gathering(draw, dtype)
      return { attributes, inputs }
    },
  },
  scatterAdd: scattered(NUMBERS),
  scatterSet: scattered(ALL),
  sort: {
    kinds: ALL,
    make: (draw, dtype) => {
      const shape = draw.shape(1, 3)
      return {
        attributes: { axis: draw.axisOf(shape), descending: draw.once(2) },
        inputs: [draw.array(dtype, shape, draw.once(2) ? anything : wholes(0, 5))],
      }
    },
  },

  dot: {
    kinds: NUMBERS,
    make: (draw, dtype) => {
      const sizes = (most: number): number[] => Array.from({ length: draw.int(0, most) }, () => draw.size())
      const [batch, contracted] = [sizes(1), draw.once(8) ? sizes(2) : [draw.size()]]
      const [a, b] = [draw.int(0, 3) === 3 ? sizes(2) : [draw.size()], draw.int(0, 3) === 3 ? sizes(2) : [draw.size()]]
      const left = arranged(draw, dtype, batch, contracted, a)
      const right = arranged(draw, dtype, batch, contracted, b)
      const attributes = { batchA: left.batch, contractA: left.contracted, batchB: right.batch, contractB: right.contracted }
      return { attributes, inputs: [left.array, right.array] }
    },
  },
  conv: { kinds: FLOATS, make: convCase },
  convInputGrad: { kinds: FLOATS, make: convInputGradCase },
  convKernelGrad: { kinds: FLOATS, make: convKernelGradCase },
  maxPool: { kinds: FLOATS, make: maxPoolCase },
  maxPoolGrad: { kinds: FLOATS, make: maxPoolGradCase },
  maxPoolGather: { kinds: FLOATS, make: maxPoolGatherCase },
  avgPool: { kinds: FLOATS, make: avgPoolCase },
  avgPoolGrad: { kinds: FLOATS, make: avgPoolGradCase },

  scan: { kinds: ALL, make: scanCase },
  while: { kinds: NUMBERS, make: whileCase },
  cond: { kinds: ALL, make: condCase },
}

/** Some of `length` places, forwards or backwards. */
function sliceOf(draw: Draw, length: number): { readonly start: number; readonly size: number; readonly step: number } {
  if (length === 0) return { start: 0, size: 0, step: 1 }
  const stride = draw.int(1, 3)
  const size = draw.int(0, Math.ceil(length / stride))
  const span = size === 0 ? 1 : (size - 1) * stride + 1
  const low = draw.int(0, length - span)
  return draw.once(2) ? { start: low + span - 1, size, step: -stride } : { start: low, size, step: stride }
}

/** An operand of `dot` whose axes of three kinds are shuffled. */
function arranged(
  draw: Draw,
  dtype: DType,
  batch: Shape,
  contracted: Shape,
  free: Shape,
): { batch: number[]; contracted: number[]; array: HostArray } {
  const sizes = [...batch, ...contracted, ...free]
  const order = draw.once(2) ? draw.permutation(sizes.length) : sizes.map((_, axis) => axis)
  const shape = order.map((axis) => sizes[axis] as number)
  return {
    batch: batch.map((_, i) => order.indexOf(i)),
    contracted: contracted.map((_, i) => order.indexOf(batch.length + i)),
    array: draw.array(dtype, shape, draw.once(10) ? anything : finite),
  }
}
