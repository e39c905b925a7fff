/**
 * The primitives: everything a backend has to be able to do, with the attributes of each and the
 * rule (`infer`) that gives its outputs' shapes and dtypes. Gradients are in `gradients.ts`.
 *
 * Element-wise primitives take operands of one shape; broadcasting, promotion and argument
 * conveniences belong to `ops/`. Inputs have been checked there, so the rules here check only
 * what would make a backend read or write out of bounds.
 */
import type { DType, TypedArray } from '../core/dtype.js'
import { ShapeError } from '../core/errors.js'
import { formatShape, type Shape, sameShape } from '../core/shape.js'
import type { Abstract, Graph } from './graph.js'

// biome-ignore format: rows of related functions
/** float → same float. */
export const FLOAT_UNARY = [
  'exp', 'expm1', 'log', 'log1p', 'sqrt', 'rsqrt', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan',
  'tanh', 'sigmoid', 'erf', 'erfInv', 'lgamma', 'digamma', 'floor', 'ceil', 'round',
] as const
/** number → same dtype. `sign(NaN)` is NaN; integers wrap. */
export const NUMBER_UNARY = ['neg', 'abs', 'sign'] as const
/** `logicalNot` bool → bool; `bitwiseNot` int → int. */
export const BIT_UNARY = ['logicalNot', 'bitwiseNot'] as const
/**
 * two of one dtype → that dtype. `max`/`min` propagate NaN. `div` is for floats. `floorDiv`/`mod` round toward
 * minus infinity, as Python does; an integer divided by 0 gives 0. `shiftRight` is arithmetic,
 * `shiftRightLogical` is not; shift counts use their low five bits.
 */
export const ARITHMETIC = ['add', 'sub', 'mul', 'div', 'pow', 'max', 'min', 'floorDiv', 'mod', 'atan2'] as const
export const BITWISE = ['bitwiseAnd', 'bitwiseOr', 'bitwiseXor', 'shiftLeft', 'shiftRight', 'shiftRightLogical'] as const
/** two of one dtype → bool. */
export const COMPARISON = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const
export const LOGICAL = ['logicalAnd', 'logicalOr', 'logicalXor'] as const

export type UnaryName = (typeof FLOAT_UNARY)[number] | (typeof NUMBER_UNARY)[number] | (typeof BIT_UNARY)[number]
export type BinaryName = (typeof ARITHMETIC)[number] | (typeof BITWISE)[number] | (typeof COMPARISON)[number] | (typeof LOGICAL)[number]
export type ReduceName = 'reduceSum' | 'reduceProd' | 'reduceMax' | 'reduceMin'
/** Scalar functions of same-shaped operands: what fused loops are made of. */
export type ElementwiseName = UnaryName | BinaryName | 'select' | 'cast' | 'randomBits'

/** Which axes of which operand pair up. Output axes: batch, then free axes of a, then of b. */
export interface DotSpec {
  readonly batchA: readonly number[]
  readonly batchB: readonly number[]
  readonly contractA: readonly number[]
  readonly contractB: readonly number[]
}

/**
 * A convolution of 1 to 3 spatial axes. Kernel: (...spatial, inputChannels / groups, outputChannels).
 * `padding` is [low, high] for each spatial axis, in elements of the input, and may be negative.
 */
export interface ConvSpec {
  readonly strides: readonly number[]
  readonly padding: readonly (readonly [number, number])[]
  readonly dilation: readonly number[]
  readonly groups: number
  readonly layout: 'channelsLast' | 'channelsFirst'
}

/** Windows over spatial axes. Padded places never count: not in a maximum, not in a mean's divisor. */
export interface PoolSpec {
  readonly window: readonly number[]
  readonly strides: readonly number[]
  readonly padding: readonly (readonly [number, number])[]
  readonly layout: 'channelsLast' | 'channelsFirst'
}

type None = Readonly<Record<string, never>>
type Axis = { readonly axis: number }
type Axes = { readonly axes: readonly number[] }

export type PrimitiveAttributes = Record<Exclude<UnaryName | BinaryName, never>, None> & {
  /** (condition: bool, whenTrue, whenFalse) → whenTrue's dtype. */
  select: None
  /** Conversion rules: see `writeElement` in core/dtype.ts. */
  cast: { readonly dtype: DType }
  /** (key: int32 (2,)) → int32 `shape`: element i is x0 ^ x1 of threefry2x32-20(key, counter (0, i)). */
  randomBits: { readonly shape: Shape }

  /** One number everywhere. */
  full: { readonly shape: Shape; readonly dtype: DType; readonly value: number }
  /** Data known when traced. */
  constant: { readonly shape: Shape; readonly dtype: DType; readonly storage: TypedArray }
  /** 0, 1, 2, … along `axis`. */
  iota: { readonly shape: Shape; readonly dtype: DType; readonly axis: number }

  reshape: { readonly shape: Shape }
  /** Output axis i is input axis `permutation[i]`. */
  transpose: { readonly permutation: readonly number[] }
  /** Input axis i becomes output axis `axes[i]` (increasing); its size is that or 1. */
  broadcast: { readonly shape: Shape; readonly axes: readonly number[] }
  /** `size` elements from `start`, `step` (not 0, may be negative) apart, for each axis. */
  slice: { readonly start: readonly number[]; readonly size: readonly number[]; readonly step: readonly number[] }
  /** (x, value scalar of x's dtype): `interior` places between elements, `low`/`high` around, all ≥ 0. */
  pad: { readonly low: readonly number[]; readonly high: readonly number[]; readonly interior: readonly number[] }
  concat: Axis

  /** Reduced axes disappear. An empty sum is 0, product 1, maximum -inf (or the smallest integer). bool: max is any, min is all. */
  reduceSum: Axes
  reduceProd: Axes
  reduceMax: Axes
  reduceMin: Axes
  /** int32 index of the first greatest (smallest) element; NaN counts as greatest (smallest). */
  argMax: Axis
  argMin: Axis
  cumSum: Axis & { readonly reverse: boolean }
  cumProd: Axis & { readonly reverse: boolean }
  cumMax: Axis & { readonly reverse: boolean }
  /** x → [mean, biased variance] over `axes`, which disappear; computed stably, in float32 at least. */
  moments: Axes

  /** (x, int32 indices) → x.shape[:axis] + indices.shape + x.shape[axis+1:]. Indices are clamped. */
  gather: Axis
  /** (x, int32 indices, updates): adds updates at clamped indices; shapes as `gather`'s output. */
  scatterAdd: Axis
  /** As `scatterAdd`, but sets; where an index repeats the last one wins. */
  scatterSet: Axis
  /** x → [sorted, int32 positions] along `axis`; stable; NaN last (first if descending). */
  sort: Axis & { readonly descending: boolean }

  dot: DotSpec
  /** (x, kernel) → y. */
  conv: ConvSpec
  /** (dy, kernel) → gradient of conv's x, of `inputShape`. */
  convInputGrad: ConvSpec & { readonly inputShape: Shape }
  /** (x, dy) → gradient of conv's kernel, of `kernelShape`. */
  convKernelGrad: ConvSpec & { readonly kernelShape: Shape }
  /** x → [y, int32 position of the first greatest element inside the window, row-major over `window`]. */
  maxPool: PoolSpec
  /** (dy, positions) → gradient of maxPool's x, of `inputShape`. */
  maxPoolGrad: PoolSpec & { readonly inputShape: Shape }
  /** (x, positions) → the elements of x at the positions: transpose of `maxPoolGrad`. */
  maxPoolGather: PoolSpec
  avgPool: PoolSpec
  /** dy → gradient of avgPool's x, of `inputShape`. */
  avgPoolGrad: PoolSpec & { readonly inputShape: Shape }

  /**
   * Inputs: `constants` of them, then `carries`, then sequences (length first). `body` maps
   * (constants, carries, elements) to (carries, results). Outputs: last carries, then stacked
   * results (length first, at the place of their step also when `reverse`).
   */
  scan: { readonly body: Graph; readonly constants: number; readonly carries: number; readonly length: number; readonly reverse: boolean }
  /** Inputs: `conditionConstants`, then `bodyConstants`, then carries; condition(constants, carries) → bool scalar. */
  while: { readonly condition: Graph; readonly body: Graph; readonly conditionConstants: number; readonly bodyConstants: number }
  /** (bool scalar, operands): both branches take the operands. */
  cond: { readonly whenTrue: Graph; readonly whenFalse: Graph }
}

export type PrimitiveName = keyof PrimitiveAttributes

type Infer<P extends PrimitiveName> = (attributes: PrimitiveAttributes[P], ...inputs: Abstract[]) => Abstract | Abstract[]

const same = (_: unknown, x: Abstract): Abstract => x
const elementwise =
  (name: string, dtype?: DType) =>
  (_: unknown, x: Abstract, y: Abstract): Abstract => {
    if (!sameShape(x.shape, y.shape)) throw mismatch(name, x, y)
    return dtype === undefined ? x : { shape: x.shape, dtype }
  }
const table = <N extends string, R>(names: readonly N[], rule: (name: N) => R): Record<N, R> =>
  Object.fromEntries(names.map((name) => [name, rule(name)])) as Record<N, R>

const reduced = ({ axes }: Axes, x: Abstract): Abstract => ({ shape: x.shape.filter((_, axis) => !axes.includes(axis)), dtype: x.dtype })
const arg = ({ axis }: Axis, x: Abstract): Abstract => ({ shape: x.shape.filter((_, at) => at !== axis), dtype: 'int32' })
const shaped = ({ shape }: { readonly shape: Shape }, x: Abstract): Abstract => ({ shape, dtype: x.dtype })
const made = ({ shape, dtype }: { readonly shape: Shape; readonly dtype: DType }): Abstract => ({ shape, dtype })

export const INFER: { readonly [P in PrimitiveName]: Infer<P> } = {
  ...table(FLOAT_UNARY, () => same),
  ...table(NUMBER_UNARY, () => same),
  ...table(BIT_UNARY, () => same),
  ...table(ARITHMETIC, (name) => elementwise(name)),
  ...table(BITWISE, (name) => elementwise(name)),
  ...table(COMPARISON, (name) => elementwise(name, 'bool')),
  ...table(LOGICAL, (name) => elementwise(name, 'bool')),
  select: (_, _condition, whenTrue) => whenTrue as Abstract,
  cast: ({ dtype }, x) => ({ shape: (x as Abstract).shape, dtype }),
  randomBits: ({ shape }) => ({ shape, dtype: 'int32' }),
  full: made,
  constant: made,
  iota: made,
  reshape: shaped as Infer<'reshape'>,
  broadcast: shaped as Infer<'broadcast'>,
  transpose: ({ permutation }, x) => ({
    shape: permutation.map((axis) => (x as Abstract).shape[axis] as number),
    dtype: (x as Abstract).dtype,
  }),
  slice: ({ size }, x) => ({ shape: size, dtype: (x as Abstract).dtype }),
  pad: ({ low, high, interior }, x) => ({
    shape: (x as Abstract).shape.map(
      (size, axis) => (low[axis] as number) + (high[axis] as number) + size + Math.max(size - 1, 0) * (interior[axis] as number),
    ),
    dtype: (x as Abstract).dtype,
  }),
  concat: ({ axis }, ...inputs) => {
    const [first] = inputs as [Abstract, ...Abstract[]]
    const total = inputs.reduce((sum, { shape }) => sum + (shape[axis] as number), 0)
    return { shape: first.shape.map((size, at) => (at === axis ? total : size)), dtype: first.dtype }
  },
  reduceSum: reduced as Infer<'reduceSum'>,
  reduceProd: reduced as Infer<'reduceProd'>,
  reduceMax: reduced as Infer<'reduceMax'>,
  reduceMin: reduced as Infer<'reduceMin'>,
  argMax: arg as Infer<'argMax'>,
  argMin: arg as Infer<'argMin'>,
  cumSum: same as Infer<'cumSum'>,
  cumProd: same as Infer<'cumProd'>,
  cumMax: same as Infer<'cumMax'>,
  moments: (attributes, x) => [reduced(attributes, x as Abstract), reduced(attributes, x as Abstract)],
  gather: ({ axis }, x, indices) => {
    const { shape, dtype } = x as Abstract
    return { shape: [...shape.slice(0, axis), ...(indices as Abstract).shape, ...shape.slice(axis + 1)], dtype }
  },
  scatterAdd: same as Infer<'scatterAdd'>,
  scatterSet: same as Infer<'scatterSet'>,
  sort: (_, x) => [x as Abstract, { shape: (x as Abstract).shape, dtype: 'int32' }],
  dot: ({ batchA, contractA, batchB, contractB }, a, b) => {
    const left = (a as Abstract).shape
    const right = (b as Abstract).shape
    contractA.forEach((axis, i) => {
      if (left[axis] !== right[contractB[i] as number]) throw mismatch('dot', a as Abstract, b as Abstract)
    })
    batchA.forEach((axis, i) => {
      if (left[axis] !== right[batchB[i] as number]) throw mismatch('dot', a as Abstract, b as Abstract)
    })
    const free = (shape: Shape, ...used: (readonly number[])[]): number[] =>
      shape.filter((_, axis) => !used.some((axes) => axes.includes(axis)))
    return {
      shape: [...batchA.map((axis) => left[axis] as number), ...free(left, batchA, contractA), ...free(right, batchB, contractB)],
      dtype: (a as Abstract).dtype,
    }
  },
  conv: (spec, x, kernel) => ({
    shape: convOutputShape(spec, (x as Abstract).shape, (kernel as Abstract).shape),
    dtype: (x as Abstract).dtype,
  }),
  convInputGrad: ({ inputShape }, dy) => ({ shape: inputShape, dtype: (dy as Abstract).dtype }),
  convKernelGrad: ({ kernelShape }, x) => ({ shape: kernelShape, dtype: (x as Abstract).dtype }),
  maxPool: (spec, x) => {
    const shape = poolOutputShape(spec, (x as Abstract).shape)
    return [
      { shape, dtype: (x as Abstract).dtype },
      { shape, dtype: 'int32' },
    ]
  },
  maxPoolGrad: ({ inputShape }, dy) => ({ shape: inputShape, dtype: (dy as Abstract).dtype }),
  maxPoolGather: (_, x, positions) => ({ shape: (positions as Abstract).shape, dtype: (x as Abstract).dtype }),
  avgPool: (spec, x) => ({ shape: poolOutputShape(spec, (x as Abstract).shape), dtype: (x as Abstract).dtype }),
  avgPoolGrad: ({ inputShape }, dy) => ({ shape: inputShape, dtype: (dy as Abstract).dtype }),
  scan: ({ body, carries, length }) =>
    body.outputs.map(({ shape, dtype }, index) => ({ shape: index < carries ? shape : [length, ...shape], dtype })),
  while: ({ body }) => body.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
  cond: ({ whenTrue }) => whenTrue.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
}

/** Abstract outputs of a primitive. */
export function inferOutputs<P extends PrimitiveName>(
  primitive: P,
  attributes: PrimitiveAttributes[P],
  inputs: readonly Abstract[],
): Abstract[] {
  const outputs = (INFER[primitive] as Infer<P>)(attributes, ...inputs)
  return Array.isArray(outputs) ? outputs : [outputs]
}

/** Positions of batch, channel and spatial axes in tensors of a layout. */
export function layoutAxes(layout: ConvSpec['layout'], rank: number): { readonly channel: number; readonly spatial: readonly number[] } {
  const first = layout === 'channelsFirst' ? 2 : 1
  return { channel: layout === 'channelsFirst' ? 1 : rank - 1, spatial: Array.from({ length: rank - 2 }, (_, i) => first + i) }
}

/** Window places along one axis. */
export const windowCount = (size: number, [low, high]: readonly [number, number], window: number, stride: number): number =>
  Math.max(0, Math.floor((size + low + high - window) / stride) + 1)

export function convOutputShape(spec: ConvSpec, input: Shape, kernel: Shape): number[] {
  const { channel, spatial } = layoutAxes(spec.layout, input.length)
  const output = [...input]
  output[channel] = kernel[kernel.length - 1] as number
  spatial.forEach((axis, i) => {
    const window = ((kernel[i] as number) - 1) * (spec.dilation[i] as number) + 1
    output[axis] = windowCount(input[axis] as number, spec.padding[i] as [number, number], window, spec.strides[i] as number)
  })
  return output
}

export function poolOutputShape(spec: PoolSpec, input: Shape): number[] {
  const output = [...input]
  layoutAxes(spec.layout, input.length).spatial.forEach((axis, i) => {
    output[axis] = windowCount(
      input[axis] as number,
      spec.padding[i] as [number, number],
      spec.window[i] as number,
      spec.strides[i] as number,
    )
  })
  return output
}

const mismatch = (name: string, x: Abstract, y: Abstract): ShapeError =>
  new ShapeError({ where: name, problem: 'operand shapes do not fit', received: `${formatShape(x.shape)} and ${formatShape(y.shape)}` })
