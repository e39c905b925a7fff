/** Values between the places of a grid: nearest or linear, with rules for what is outside. */
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape, type Shape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import { asTensor, defineOp } from '../define.js'
import { resultType, toFloat } from '../promotion.js'

const { add, sub, mul, select, withNumber } = lax

/** The next whole number, halves away from zero. */
function rounded(x: Tensor): Tensor {
  const size = lax.unary.floor(withNumber(lax.abs(x), add, 0.5))
  return mul(lax.sign(x), size)
}

/** There and back again over `size` places, without repeating the ends. */
function mirrored(index: Tensor, size: number): Tensor {
  const last = size - 1
  return last === 0 ? lax.zerosLike(index) : lax.abs(withNumber(withNumber(withNumber(index, add, last), lax.mod, 2 * last), sub, last))
}

const clamped = (index: Tensor, size: number): Tensor => lax.min(lax.max(index, lax.zerosLike(index)), lax.fullLike(index, size - 1))

/** The place inside the grid that an index outside stands for. */
const INSIDE = {
  /** Is replaced by the fill value afterwards. */
  constant: clamped,
  nearest: clamped,
  wrap: (index, size) => withNumber(index, lax.mod, size),
  mirror: mirrored,
  /** Repeats the ends: mirrors a grid of twice the density. */
  reflect: (index, size) => {
    const doubled = mirrored(withNumber(withNumber(index, mul, 2), add, 1), 2 * size + 1)
    return withNumber(withNumber(doubled, sub, 1), lax.floorDiv, 2)
  },
} as const satisfies Record<string, (index: Tensor, size: number) => Tensor>

export type FillMode = keyof typeof INSIDE

export function requireFillMode(mode: string, where: string): FillMode {
  if (Object.hasOwn(INSIDE, mode)) return mode as FillMode
  throw new ValueError({ where, problem: 'unknown fillMode', expected: Object.keys(INSIDE).join(', '), received: String(mode) })
}

export interface Sampling {
  readonly order: 0 | 1
  readonly fillMode: FillMode
  readonly fillValue: number
}

interface Neighbour {
  readonly index: Tensor
  /** None counts as 1. */
  readonly weight?: Tensor
}

/** The places that a coordinate lies between, and how much each counts. */
function neighbours(coordinate: Tensor, order: 0 | 1): Neighbour[] {
  if (order === 0) return [{ index: lax.cast(rounded(coordinate), 'int32') }]
  const lower = lax.unary.floor(coordinate)
  const upperWeight = sub(coordinate, lower)
  const index = lax.cast(lower, 'int32')
  return [
    { index, weight: sub(lax.fullLike(upperWeight, 1), upperWeight) },
    { index: withNumber(index, add, 1), weight: upperWeight },
  ]
}

const product = (a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined =>
  a === undefined || b === undefined ? (a ?? b) : mul(a, b)

/**
 * Values of a grid at coordinates. `rows` holds the grid's places in row-major order along axis 0: (places, …rest);
 * `coordinates` are float tensors of one shape S, one for each axis of the grid; `offset`, int32 of shape S, says where a
 * grid begins where there are several. The result has the shape S + rest and the dtype of `rows`.
 */
export function sampleGrid(rows: Tensor, grid: Shape, coordinates: readonly Tensor[], sampling: Sampling, offset?: Tensor): Tensor {
  const { order, fillMode, fillValue } = sampling
  const rest = rows.shape.slice(1)
  const shape = (coordinates[0] as Tensor).shape
  const dtype = resultType([...coordinates, rows])
  const strides = grid.map((_, axis) => grid.slice(axis + 1).reduce((a, b) => a * b, 1))
  const spread = (x: Tensor): Tensor =>
    lax.broadcast(
      x,
      [...shape, ...rest],
      shape.map((_, i) => i),
    )
  const corners = coordinates.reduce<{ place?: Tensor; valid?: Tensor; weight?: Tensor }[]>(
    (all, coordinate, axis) => {
      const size = grid[axis] as number
      const choices = neighbours(coordinate, order).map(({ index, weight }) => {
        const isInside = (): Tensor => lax.logicalAnd(withNumber(index, lax.ge, 0), withNumber(index, lax.lt, size))
        const place = withNumber(INSIDE[fillMode](index, size), mul, strides[axis] as number)
        return { place, weight, valid: fillMode === 'constant' ? isInside() : undefined }
      })
      return all.flatMap((corner) =>
        choices.map(({ place, weight, valid }) => {
          const both = corner.valid !== undefined && valid !== undefined ? lax.logicalAnd(corner.valid, valid) : valid
          const total = product(corner.weight, weight)
          return {
            place: corner.place === undefined ? place : add(corner.place, place),
            ...(both !== undefined && { valid: both }),
            ...(total !== undefined && { weight: total }),
          }
        }),
      )
    },
    [offset === undefined ? {} : { place: offset }],
  )
  const values = corners.map(({ place, valid, weight }) => {
    const found = lax.cast(lax.gather(rows, place as Tensor, 0), dtype)
    const kept = valid === undefined ? found : select(spread(valid), found, lax.fullLike(found, fillValue))
    return weight === undefined ? kept : mul(spread(lax.cast(weight, dtype)), kept)
  })
  const result = values.reduce(add)
  const isWhole = rows.dtype === 'int32' || rows.dtype === 'uint8'
  return lax.cast(isWhole ? rounded(result) : result, rows.dtype)
}

export interface MapCoordinatesOptions {
  /** 0: the nearest place, 1: linear between places. */
  order: 0 | 1
  /** What is outside: the fill value, the nearest end, the other side, or the image mirrored (reflect repeats the ends). Default `'constant'`. */
  fillMode?: FillMode
  /** Default 0. */
  fillValue?: number
}

/**
 * Values of `inputs` at coordinates: n-dimensional inputs, (n, …shape) → (…shape).
 *
 * @throws ShapeError, ValueError
 * @example
 * ops.image.mapCoordinates([[0, 1], [2, 3]], [[0.5], [1]], 1) // [2]
 */
export const mapCoordinates = defineOp<[Tensor, Tensor], MapCoordinatesOptions, Tensor>({
  name: 'MapCoordinates',
  module: 'image',
  tensors: 2,
  parameters: ['order', 'fillMode', 'fillValue'],
  call: ([input, places], { order, fillMode = 'constant', fillValue = 0 }) => {
    const where = 'mapCoordinates'
    const x = asTensor(input)
    const coordinates = toFloat(places)
    if (coordinates.rank < 2 || coordinates.shape[0] !== x.rank) {
      throw new ShapeError({
        where,
        problem: 'the coordinates do not fit the inputs',
        expected: `(${x.rank}, …) for inputs ${formatShape(x.shape)}`,
        received: formatShape(coordinates.shape),
      })
    }
    if (order !== 0 && order !== 1) throw new ValueError({ where, problem: 'unknown order', expected: '0 or 1', received: String(order) })
    const shape = coordinates.shape.slice(1)
    const along = x.shape.map((_, axis) => lax.reshape(lax.slice(coordinates, [axis, ...shape.map(() => 0)], [1, ...shape]), shape))
    const sampling = { order, fillMode: requireFillMode(fillMode, where), fillValue }
    return sampleGrid(lax.reshape(x, [x.size]), x.shape, along, sampling)
  },
})

export type Interpolation = 'nearest' | 'bilinear'
const ORDERS = { nearest: 0, bilinear: 1 } as const

export function orderOf(interpolation: string, where: string): 0 | 1 {
  if (Object.hasOwn(ORDERS, interpolation)) return ORDERS[interpolation as Interpolation]
  throw new ValueError({ where, problem: 'unknown interpolation', expected: "'nearest' or 'bilinear'", received: String(interpolation) })
}
