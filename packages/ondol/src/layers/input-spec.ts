/** What a layer demands of its inputs. Follows `keras/src/layers/input_spec.py`. */
import type { DType } from '../core/dtype.js'
import { DTypeError, GraphError, ShapeError, ValueError } from '../core/errors.js'
import { formatShape, type PartialShape } from '../core/shape.js'
import { flatten, type Tree } from '../core/tree.js'

export interface InputSpecOptions {
  readonly dtype?: DType
  /** Exact sizes; `null` fits all. */
  readonly shape?: PartialShape
  readonly ndim?: number
  readonly minNdim?: number
  readonly maxNdim?: number
  /** Sizes of some axes; negative axes count from the end. */
  readonly axes?: Readonly<Record<number, number | null>>
  /** A last axis of size 1 may be there or not. */
  readonly allowLastAxisSqueeze?: boolean
  readonly name?: string
  /** What to do when a size does not fit. */
  readonly hint?: string
  /** `null` may come in its place. */
  readonly optional?: boolean
}

export class InputSpec {
  readonly dtype: DType | undefined
  readonly shape: PartialShape | undefined
  readonly ndim: number | undefined
  readonly minNdim: number | undefined
  readonly maxNdim: number | undefined
  readonly axes: ReadonlyMap<number, number | null>
  readonly allowLastAxisSqueeze: boolean
  readonly name: string | undefined
  readonly hint: string | undefined
  readonly optional: boolean

  constructor({
    dtype,
    shape,
    ndim,
    minNdim,
    maxNdim,
    axes = {},
    allowLastAxisSqueeze = false,
    name,
    hint,
    optional = false,
  }: InputSpecOptions) {
    this.dtype = dtype
    this.shape = shape
    this.ndim = shape?.length ?? ndim
    this.minNdim = minNdim
    this.maxNdim = maxNdim
    this.axes = new Map(Object.entries(axes).map(([axis, size]) => [Number(axis), size]))
    this.allowLastAxisSqueeze = allowLastAxisSqueeze
    this.name = name
    this.hint = hint
    this.optional = optional
    const rank = this.ndim ?? maxNdim
    const beyond = [...this.axes.keys()].find((axis) => rank !== undefined && axis >= rank)
    if (beyond !== undefined) throw new ValueError({ where: 'InputSpec', problem: `axis ${beyond} is beyond the rank ${rank}` })
  }
}

interface Shaped {
  readonly shape: PartialShape
  readonly dtype: DType
}

const isShaped = (value: unknown): value is Shaped => typeof value === 'object' && value !== null && 'shape' in value && 'dtype' in value

/** Checks inputs against their specs, leaf by leaf; records are matched by name when all specs have names. */
export function assertInputCompatibility(specs: InputSpec | readonly (InputSpec | null)[], inputs: Tree<unknown>): void {
  const list = flatten<InputSpec | null>(specs as Tree<InputSpec | null>)
  const leaves = leavesFor(list, inputs)
  if (leaves.length !== list.length) {
    throw new GraphError({ problem: 'wrong number of inputs', expected: `${list.length} input(s)`, received: `${leaves.length} input(s)` })
  }
  leaves.forEach((leaf, index) => {
    const spec = list[index]
    if (spec === null || spec === undefined || (spec.optional && (leaf === null || leaf === undefined))) return
    if (!isShaped(leaf)) throw new GraphError({ problem: `input ${index} is no tensor`, received: `${typeof leaf} ${String(leaf)}` })
    assertFits(spec, leaf, spec.name === undefined ? `input ${index}` : `input '${spec.name}'`)
  })
}

function leavesFor(specs: readonly (InputSpec | null)[], inputs: Tree<unknown>): unknown[] {
  const names = specs.map((spec) => spec?.name)
  const isRecord = typeof inputs === 'object' && inputs !== null && Object.getPrototypeOf(inputs) === Object.prototype
  if (!isRecord || !names.every((name): name is string => name !== undefined)) return flatten(inputs)
  return names.map((name) => {
    if (Object.hasOwn(inputs, name)) return (inputs as Readonly<Record<string, unknown>>)[name]
    throw new GraphError({
      problem: `data for input '${name}' is missing`,
      expected: `keys ${names.join(', ')}`,
      received: `keys ${Object.keys(inputs).join(', ')}`,
    })
  })
}

function assertFits(spec: InputSpec, { shape, dtype }: Shaped, what: string): void {
  const refuse = (expected: string, hint?: string): never => {
    throw new ShapeError({
      problem: `${what} does not fit`,
      expected,
      received: `shape ${formatShape(shape)}`,
      ...(hint !== undefined && { hint }),
    })
  }
  const rank = shape.length
  if (spec.ndim !== undefined && !spec.allowLastAxisSqueeze && rank !== spec.ndim) refuse(`${spec.ndim} axes`, rankHint(spec.ndim, rank))
  if (spec.maxNdim !== undefined && rank > spec.maxNdim) refuse(`at most ${spec.maxNdim} axes`)
  if (spec.minNdim !== undefined && rank < spec.minNdim) refuse(`at least ${spec.minNdim} axes`, rankHint(spec.minNdim, rank))
  if (spec.dtype !== undefined && dtype !== spec.dtype)
    throw new DTypeError({ problem: `${what} has the wrong dtype`, expected: spec.dtype, received: dtype })
  for (const [axis, size] of spec.axes) {
    const found = shape[axis < 0 ? axis + rank : axis]
    if (size !== null && found !== null && found !== size) refuse(`size ${size} on axis ${axis}`, spec.hint)
  }
  if (spec.shape === undefined) return
  const squeezed = (sizes: PartialShape): PartialShape => (spec.allowLastAxisSqueeze && sizes.at(-1) === 1 ? sizes.slice(0, -1) : sizes)
  const expected = squeezed(spec.shape)
  const actual = squeezed(shape)
  const agrees = expected.every(
    (size, axis) => size === null || actual[axis] === null || actual[axis] === undefined || actual[axis] === size,
  )
  if (!agrees) refuse(`shape ${formatShape(spec.shape)}`)
}

const rankHint = (expected: number, received: number): string | undefined =>
  received === expected - 1
    ? 'a single sample still needs a batch axis: ops.expandDims(x, 0); images need a channel axis: ops.expandDims(x, -1)'
    : undefined
