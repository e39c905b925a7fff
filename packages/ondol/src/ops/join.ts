/** Joining tensors and taking them apart: concatenate, stack, split and their kin. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, normalizeAxis, type Shape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { asTensor, defineOp, type Op } from './define.js'
import { type None, part } from './kinds.js'
import { resultType, toDType } from './promotion.js'

/** Tensors of one dtype, at least one of them. */
function promoted(inputs: readonly Tensor[], where: string): [Tensor, ...Tensor[]] {
  if (inputs.length === 0) throw new ValueError({ where, problem: 'there is nothing to join' })
  const dtype = resultType(inputs)
  return inputs.map((x) => toDType(x, dtype)) as [Tensor, ...Tensor[]]
}

function joined(inputs: readonly Tensor[], axis: number, where: string): Tensor {
  const tensors = promoted(inputs, where)
  const [first] = tensors
  const along = normalizeAxis(axis, first.rank, where)
  for (const other of tensors) {
    if (other.rank !== first.rank || other.shape.some((size, i) => i !== along && size !== first.shape[i])) {
      throw new ShapeError({
        where,
        problem: `shapes must agree on every axis but ${along}`,
        received: tensors.map(({ shape }) => formatShape(shape)).join(' and '),
      })
    }
  }
  return lax.concat(tensors, along)
}

/** Joins tensors along an axis. */
export const concatenate = defineOp<[Tensor[]], { axis?: number }, Tensor>({
  name: 'Concatenate',
  module: 'numpy',
  tensors: 1,
  parameters: ['axis'],
  call: ([inputs], { axis = 0 }) => joined(inputs, axis, 'concatenate'),
})

/** `x2` after `x1` along an axis; without one, of both flattened. */
export const append = defineOp<[Tensor, Tensor], { axis?: number | null }, Tensor>({
  name: 'Append',
  module: 'numpy',
  tensors: 2,
  parameters: ['axis'],
  call: (inputs, { axis }) => {
    if (axis !== undefined && axis !== null) return joined(inputs, axis, 'append')
    return joined(
      inputs.map((x) => flat(asTensor(x))),
      0,
      'append',
    )
  },
})

const flat = (x: Tensor): Tensor => lax.reshape(x, [x.size])

/** Joins tensors of one shape along a new axis. */
export const stack = defineOp<[Tensor[]], { axis?: number }, Tensor>({
  name: 'Stack',
  module: 'numpy',
  tensors: 1,
  parameters: ['axis'],
  call: ([inputs], { axis = 0 }) => {
    const tensors = promoted(inputs, 'stack')
    const [first] = tensors
    const at = normalizeAxis(axis, first.rank + 1, 'stack')
    if (tensors.some((x) => x.rank !== first.rank || x.shape.some((size, i) => size !== first.shape[i]))) {
      throw new ShapeError({
        where: 'stack',
        problem: 'shapes must be equal',
        received: tensors.map(({ shape }) => formatShape(shape)).join(' and '),
      })
    }
    const shape = [...first.shape.slice(0, at), 1, ...first.shape.slice(at)]
    return lax.concat(
      tensors.map((x) => lax.reshape(x, shape)),
      at,
    )
  },
})

/** Joins tensors that have first been given at least some axes. */
const stacking = (
  name: string,
  where: string,
  shapeOf: (shape: Shape) => Shape,
  axisOf: (rank: number) => number,
): Op<[Tensor[]], None, Tensor> =>
  defineOp<[Tensor[]], None, Tensor>({
    name,
    module: 'numpy',
    tensors: 1,
    parameters: [],
    call: ([inputs]) => {
      const tensors = inputs.map((input) => {
        const x = asTensor(input)
        return lax.reshape(x, shapeOf(x.shape))
      })
      return joined(tensors, axisOf(tensors[0]?.rank ?? 0), where)
    },
  })
const column = (shape: Shape): Shape => (shape.length < 2 ? [shape[0] ?? 1, 1] : shape)
const row = (shape: Shape): Shape => (shape.length < 2 ? [1, shape[0] ?? 1] : shape)
/** Side by side: along axis 1, lists along axis 0. */
export const hstack = stacking(
  'Hstack',
  'hstack',
  (shape) => (shape.length === 0 ? [1] : shape),
  (rank) => Math.min(rank - 1, 1),
)
/** One below the other: along axis 0; lists are rows. */
export const vstack = stacking('Vstack', 'vstack', row, () => 0)
/** One behind the other: along axis 2; lists are (1, n, 1), matrices (m, n, 1). */
export const dstack = stacking(
  'Dstack',
  'dstack',
  (shape) => (shape.length < 3 ? [...row(shape), 1] : shape),
  () => 2,
)
/** Lists as the columns of a matrix; matrices side by side. */
export const columnStack = stacking('ColumnStack', 'columnStack', column, () => 1)

interface SplitOptions {
  indicesOrSections: number | readonly number[]
  axis?: number
}

/** Parts of `x` that end at `bounds`, and the rest. */
function cut(x: Tensor, axis: number, bounds: readonly number[]): Tensor[] {
  const total = x.shape[axis] as number
  // As slices do: negative ones count from the end.
  const ends = bounds.map((at) => Math.min(Math.max(at < 0 ? at + total : at, 0), total))
  return [...ends, total].map((end, i) => part(x, axis, i === 0 ? 0 : (ends[i - 1] as number), end))
}

function sections(x: Tensor, { indicesOrSections: given, axis = 0 }: SplitOptions, where: string): Tensor[] {
  const along = normalizeAxis(axis, x.rank, where)
  if (typeof given !== 'number') return cut(x, along, given)
  const total = x.shape[along] as number
  requireSections(given, where)
  if (total % given !== 0) {
    throw new ShapeError({
      where,
      problem: 'the axis does not divide into equal parts',
      expected: `a size divisible by ${given}`,
      received: formatShape(x.shape),
      hint: 'ops.arraySplit gives parts that are not equal',
    })
  }
  return cut(
    x,
    along,
    Array.from({ length: given - 1 }, (_, i) => ((i + 1) * total) / given),
  )
}

function requireSections(count: number, where: string): void {
  if (!Number.isInteger(count) || count < 1)
    throw new ValueError({ where, problem: 'the number of parts must be a whole number of at least 1', received: `${count}` })
}

const splitting = (name: string, call: (x: Tensor, options: SplitOptions) => Tensor[]): Op<[Tensor], SplitOptions, Tensor[]> =>
  defineOp<[Tensor], SplitOptions, Tensor[]>({
    name,
    module: 'numpy',
    tensors: 1,
    parameters: ['indicesOrSections', 'axis'],
    call: ([input], options) => call(asTensor(input), options),
  })
/** Equal parts (a number), or parts between indices (a list). */
export const split = splitting('Split', (x, options) => sections(x, options, 'split'))
/** As `split`, but the first parts may be one longer. */
export const arraySplit = splitting('ArraySplit', (x, options) => {
  const { indicesOrSections: count, axis = 0 } = options
  if (typeof count !== 'number') return sections(x, options, 'arraySplit')
  requireSections(count, 'arraySplit')
  const along = normalizeAxis(axis, x.rank, 'arraySplit')
  const total = x.shape[along] as number
  const short = Math.floor(total / count)
  const end = (i: number): number => (i + 1) * short + Math.min(i + 1, total % count)
  return cut(
    x,
    along,
    Array.from({ length: count - 1 }, (_, i) => end(i)),
  )
})

type Sections = Pick<SplitOptions, 'indicesOrSections'>
const splittingAlong = (name: string, where: string, axisOf: (rank: number) => number): Op<[Tensor], Sections, Tensor[]> =>
  defineOp<[Tensor], Sections, Tensor[]>({
    name,
    module: 'numpy',
    tensors: 1,
    parameters: ['indicesOrSections'],
    call: ([input], { indicesOrSections }) => {
      const x = asTensor(input)
      return sections(x, { indicesOrSections, axis: axisOf(x.rank) }, where)
    },
  })
/** Parts along axis 1 (of a list, axis 0). */
export const hsplit = splittingAlong('Hsplit', 'hsplit', (rank) => (rank === 1 ? 0 : 1))
/** Parts along axis 0. */
export const vsplit = splittingAlong('Vsplit', 'vsplit', () => 0)
/** Parts along axis 2. */
export const dsplit = splittingAlong('Dsplit', 'dsplit', () => 2)
