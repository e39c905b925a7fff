/**
 * Layers that make one tensor of several. Follows `keras/src/layers/merging`. As in Keras the lower-case
 * names (`add`, `concatenate`, …) are functions on tensors; the layers are `new Add()`, ….
 */
import { ShapeError, ValueError } from '../core/errors.js'
import { broadcastShapes, formatShape, normalizeAxis, type PartialShape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import type { AnyTensor, Result } from '../ops/define.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { type CallOptions, Layer, type LayerOptions } from './layer.js'

type MaskList = readonly (Tensor | null)[]

/** Inputs of different rank meet by new axes after the batch. */
abstract class Merge extends Layer {
  constructor(options: LayerOptions = {}) {
    super(options)
    this.supportsMasking = true
  }

  protected abstract merge(inputs: readonly Tensor[], masks: MaskList): Tensor

  /** Checks the shapes, before anything is computed. */
  override build(inputShapes: readonly PartialShape[]): void {
    const shapes = requireShapes(inputShapes)
    const batches = new Set(shapes.map(([batch]) => batch).filter((batch) => batch !== null && batch !== undefined))
    const received = shapes.map(formatShape).join(', ')
    if (batches.size > 1) throw new ShapeError({ problem: 'the inputs differ in batch size', received })
    // Sizes that are not known yet are taken to fit.
    const known = shapes.map((shape) => shape.slice(1).map((size) => size ?? 1))
    try {
      known.reduce((a, b) => broadcastShapes(a, b, this.className))
    } catch (cause) {
      throw new ShapeError({
        problem: 'the inputs have shapes that do not fit each other',
        expected: 'sizes that are equal or 1',
        received,
        cause,
        ...(shapes.some((shape) => shapes.some((other) => isDenseOnChannelsFirst(shape, other))) && { hint: DENSE_HINT }),
      })
    }
  }

  override call(inputs: readonly Tensor[], { mask }: CallOptions): Tensor {
    requireList(inputs)
    const rank = Math.max(...inputs.map((x) => x.rank))
    const level = inputs.map((x) =>
      ops.reshape(x, [...x.shape.slice(0, 1), ...new Array<number>(rank - x.rank).fill(1), ...x.shape.slice(1)]),
    )
    return this.merge(level, (mask as MaskList | null | undefined) ?? inputs.map(() => null))
  }

  /** Where any input counts, if all have masks. */
  override computeMask(_inputs: readonly Tensor[], masks: MaskList | null): Tensor | null {
    if (masks === null || masks.some((mask) => mask === null)) return null
    return (masks as Tensor[]).reduce((a, b) => ops.logicalOr(a, b))
  }
}

const DENSE_HINT =
  'Dense works on the last axis, but the channels are on axis 1 here: put them last before Dense (layers.permute([2, 3, 1])) and back after (layers.permute([3, 1, 2])), or use Dense on (batch, channels) and reshape its output to (channels, 1, 1)'

/** Whether `shape` looks like the output of a Dense layer on (batch, channels, 1, 1), to be merged with (batch, channels, …). */
function isDenseOnChannelsFirst(shape: PartialShape, image: PartialShape): boolean {
  const [, channels] = image
  const last = shape.at(-1)
  return shape.length >= 4 && shape.length === image.length && typeof channels === 'number' && last === channels && image.at(-1) !== last
}

function requireList(inputs: unknown): void {
  if (Array.isArray(inputs) && inputs.length > 0) return
  throw new ValueError({ problem: 'a merging layer takes a list of tensors', received: String(inputs), hint: 'layer([a, b])' })
}

function requireShapes(shapes: readonly PartialShape[]): readonly PartialShape[] {
  requireList(shapes)
  if (shapes.every((shape) => Array.isArray(shape))) return shapes
  throw new ValueError({
    problem: 'a merging layer takes a list of tensors',
    received: `one tensor of shape ${formatShape(shapes as unknown as PartialShape)}`,
    hint: 'layer([a, b])',
  })
}

/** A mask without the feature axis as wide as its tensor. */
const widen = (mask: Tensor, x: Tensor): Tensor => ops.broadcastTo(mask.rank < x.rank ? ops.expandDims(mask, -1) : mask, x.shape)

/** Combines two by two; where one is masked out, the other alone counts. */
function mergeUnmasked(combine: (a: Tensor, b: Tensor) => Tensor, inputs: readonly Tensor[], masks: MaskList): Tensor {
  if (masks.every((mask) => mask === null)) return inputs.reduce((a, b) => combine(a, b))
  let [output, outputMask] = [inputs[0] as Tensor, masks[0] == null ? null : widen(masks[0], inputs[0] as Tensor)]
  inputs.slice(1).forEach((input, i) => {
    const given = masks[i + 1] ?? null
    const mask = given === null ? null : widen(given, input)
    const x = mask === null ? input : ops.where(mask, input, output)
    const before = outputMask === null ? output : ops.where(outputMask, output, x)
    outputMask = mask !== null && outputMask !== null ? ops.logicalOr(outputMask, mask) : null
    output = combine(before, x)
  })
  return output
}

/** Sum. */
export class Add extends Merge {
  static override readonly className: string = 'Add'

  protected override merge(inputs: readonly Tensor[]): Tensor {
    return inputs.reduce((a, b) => ops.add(a, b))
  }
}

/** The first less the second. */
export class Subtract extends Merge {
  static override readonly className: string = 'Subtract'

  protected override merge(inputs: readonly Tensor[]): Tensor {
    const [a, b] = requireTwo(inputs)
    return ops.subtract(a, b)
  }
}

/** Product. Where an input is masked out, it counts as 1; where all are, the product is 0. */
export class Multiply extends Merge {
  static override readonly className: string = 'Multiply'

  protected override merge(inputs: readonly Tensor[], masks: MaskList): Tensor {
    const wide = inputs.map((x, i) => (masks[i] == null ? null : widen(masks[i], x)))
    const product = inputs
      .map((x, i) => (wide[i] == null ? x : ops.where(wide[i], x, lax.full([], x.dtype, 1))))
      .reduce((a, b) => ops.multiply(a, b))
    if (wide.some((mask) => mask === null)) return product
    return ops.where(
      (wide as Tensor[]).reduce((a, b) => ops.logicalOr(a, b)),
      product,
      lax.full([], product.dtype, 0),
    )
  }
}

/** Mean. */
export class Average extends Merge {
  static override readonly className: string = 'Average'

  protected override merge(inputs: readonly Tensor[]): Tensor {
    return ops.divide(
      inputs.reduce((a, b) => ops.add(a, b)),
      inputs.length,
    )
  }
}

/** The greatest, element by element. */
export class Maximum extends Merge {
  static override readonly className: string = 'Maximum'

  protected override merge(inputs: readonly Tensor[], masks: MaskList): Tensor {
    return mergeUnmasked((a, b) => ops.maximum(a, b), inputs, masks)
  }
}

/** The smallest, element by element. */
export class Minimum extends Merge {
  static override readonly className: string = 'Minimum'

  protected override merge(inputs: readonly Tensor[], masks: MaskList): Tensor {
    return mergeUnmasked((a, b) => ops.minimum(a, b), inputs, masks)
  }
}

export interface ConcatenateOptions extends LayerOptions {
  /** Default -1. */
  readonly axis?: number | undefined
}

/** One after the other along `axis`; all other sizes must be equal. */
export class Concatenate extends Merge {
  static override readonly className: string = 'Concatenate'
  static override readonly configTable: ConfigTable = { axis: 'value' }
  readonly axis: number

  constructor({ axis = -1, ...options }: ConcatenateOptions = {}) {
    super(options)
    this.axis = axis
  }

  override build(inputShapes: readonly PartialShape[]): void {
    const shapes = requireShapes(inputShapes)
    const [first] = shapes as [PartialShape]
    const along = normalizeAxis(this.axis, first.length, 'axis')
    const fits = shapes.every(
      (shape) =>
        shape.length === first.length &&
        shape.every(
          (size, axis) => axis === along || size === null || shapes.every((other) => other[axis] == null || other[axis] === size),
        ),
    )
    if (!fits) {
      throw new ShapeError({
        problem: 'the inputs cannot be concatenated',
        expected: `equal sizes on all axes but ${this.axis}`,
        received: shapes.map(formatShape).join(', '),
      })
    }
  }

  override call(inputs: readonly Tensor[]): Tensor {
    requireList(inputs)
    return this.merge(inputs)
  }

  protected override merge(inputs: readonly Tensor[]): Tensor {
    return ops.concatenate(inputs, { axis: this.axis })
  }

  override computeMask(inputs: readonly Tensor[], masks: MaskList | null): Tensor | null {
    if (masks === null || masks.every((mask) => mask === null)) return null
    const wide = inputs.map((x, i) => (masks[i] == null ? ops.ones(x.shape, 'bool') : widen(masks[i], x)))
    return ops.any(ops.concatenate(wide, { axis: this.axis }), { axis: -1 })
  }
}

export interface DotOptions extends LayerOptions {
  /** Gives cosines: divides by the norms along the axes. Default false. */
  readonly normalize?: boolean | undefined
}

/** Sums products along an axis of each input, sample by sample: (batch, …a), (batch, …b) → (batch, …rest of a, …rest of b). */
export class Dot extends Merge {
  static override readonly className: string = 'Dot'
  static override readonly positional: readonly string[] = ['axes']
  static override readonly configTable: ConfigTable = { axes: 'value', normalize: 'value' }
  readonly axes: number | readonly [number, number]
  readonly normalize: boolean

  constructor(axes: number | readonly [number, number], { normalize = false, ...options }: DotOptions = {}) {
    super(options)
    const list = typeof axes === 'number' ? [axes, axes] : [...axes]
    if (list.length !== 2 || !list.every((axis) => Number.isInteger(axis) && axis !== 0)) {
      throw new ValueError({
        where: this.name,
        problem: 'axes must be one or two axes',
        expected: 'whole numbers other than 0, which is the batch',
        received: JSON.stringify(axes),
      })
    }
    this.axes = axes
    this.normalize = normalize
  }

  #axesOf(ranks: readonly [number, number]): [number, number] {
    const [a, b] = typeof this.axes === 'number' ? [this.axes, this.axes] : this.axes
    return [normalizeAxis(a, ranks[0], 'axes'), normalizeAxis(b, ranks[1], 'axes')]
  }

  override build(inputShapes: readonly PartialShape[]): void {
    const [a, b] = requireTwo(requireShapes(inputShapes))
    const [axisA, axisB] = this.#axesOf([a.length, b.length])
    const [sizeA, sizeB] = [a[axisA], b[axisB]]
    if (sizeA != null && sizeB != null && sizeA !== sizeB) {
      throw new ShapeError({
        problem: 'the axes to sum over differ in size',
        received: `${sizeA} on axis ${axisA} of ${formatShape(a)}, ${sizeB} on axis ${axisB} of ${formatShape(b)}`,
      })
    }
  }

  override call(inputs: readonly Tensor[]): Tensor {
    requireList(inputs)
    return this.merge(inputs)
  }

  protected override merge(inputs: readonly Tensor[]): Tensor {
    const [a, b] = requireTwo(inputs)
    const [axisA, axisB] = this.#axesOf([a.rank, b.rank])
    const [x, y] = this.normalize ? [unit(a, axisA), unit(b, axisB)] : [a, b]
    const result = lax.dot(x, y, { batchA: [0], batchB: [0], contractA: [axisA], contractB: [axisB] })
    return result.rank === 1 ? ops.expandDims(result, 1) : result
  }

  override computeMask(): null {
    return null
  }
}

function requireTwo<T>(inputs: readonly T[]): readonly [T, T] {
  if (inputs.length === 2) return inputs as unknown as readonly [T, T]
  throw new ValueError({ problem: 'exactly two inputs are needed', received: `${inputs.length}` })
}

const unit = (x: Tensor, axis: number): Tensor =>
  ops.divide(x, ops.sqrt(ops.maximum(ops.sum(ops.square(x), { axis, keepdims: true }), 1e-12)))

const apply = <X extends AnyTensor>(layer: Layer, inputs: readonly X[]): Result<X> =>
  layer(inputs as readonly Tensor[]) as unknown as Result<X>

export const add = <X extends AnyTensor>(inputs: readonly X[], options?: LayerOptions): Result<X> => apply(new Add(options), inputs)
export const subtract = <X extends AnyTensor>(inputs: readonly X[], options?: LayerOptions): Result<X> =>
  apply(new Subtract(options), inputs)
export const multiply = <X extends AnyTensor>(inputs: readonly X[], options?: LayerOptions): Result<X> =>
  apply(new Multiply(options), inputs)
export const average = <X extends AnyTensor>(inputs: readonly X[], options?: LayerOptions): Result<X> => apply(new Average(options), inputs)
export const maximum = <X extends AnyTensor>(inputs: readonly X[], options?: LayerOptions): Result<X> => apply(new Maximum(options), inputs)
export const minimum = <X extends AnyTensor>(inputs: readonly X[], options?: LayerOptions): Result<X> => apply(new Minimum(options), inputs)
export const concatenate = <X extends AnyTensor>(inputs: readonly X[], options?: ConcatenateOptions): Result<X> =>
  apply(new Concatenate(options), inputs)
export const dot = <X extends AnyTensor>(
  inputs: readonly X[],
  axes: number | readonly [number, number] = -1,
  options?: DotOptions,
): Result<X> => apply(new Dot(axes, options), inputs)
