/**
 * Bounding boxes: `keras.utils.bounding_boxes`. Boxes are float tensors (…, 4); a format says what the four numbers are, and
 * `rel_` that they are shares of the image's height and width instead of pixels.
 */
import type { DType } from '../../core/dtype.js'
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape } from '../../core/shape.js'
import type { Tensor } from '../../engine/index.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import * as ops from '../../ops/index.js'

const { add, subtract, multiply, divide } = ops

/** Left, top, right and bottom. */
type Corners = readonly [x1: Tensor, y1: Tensor, x2: Tensor, y2: Tensor]
type Four = readonly [Tensor, Tensor, Tensor, Tensor]

interface Layout {
  readonly read: (numbers: Four) => Corners
  readonly write: (corners: Corners) => Four
}

const half = (x: Tensor): Tensor => divide(x, 2)
const corners = (x: Tensor, y: Tensor, width: Tensor, height: Tensor): Corners => [
  subtract(x, half(width)),
  subtract(y, half(height)),
  add(x, half(width)),
  add(y, half(height)),
]
const middle = (from: Tensor, to: Tensor): Tensor => add(from, half(subtract(to, from)))

const XYXY: Layout = { read: (numbers) => numbers, write: (box) => box }
const YXYX: Layout = { read: ([y1, x1, y2, x2]) => [x1, y1, x2, y2], write: ([x1, y1, x2, y2]) => [y1, x1, y2, x2] }
const XYWH: Layout = {
  read: ([x, y, width, height]) => [x, y, add(x, width), add(y, height)],
  write: ([x1, y1, x2, y2]) => [x1, y1, subtract(x2, x1), subtract(y2, y1)],
}
const CENTER_XYWH: Layout = {
  read: ([x, y, width, height]) => corners(x, y, width, height),
  write: ([x1, y1, x2, y2]) => [middle(x1, x2), middle(y1, y2), subtract(x2, x1), subtract(y2, y1)],
}
const CENTER_YXHW: Layout = {
  read: ([y, x, height, width]) => corners(x, y, width, height),
  write: ([x1, y1, x2, y2]) => [middle(y1, y2), middle(x1, x2), subtract(y2, y1), subtract(x2, x1)],
}

const FORMATS = {
  xyxy: { layout: XYXY, isRelative: false },
  yxyx: { layout: YXYX, isRelative: false },
  xywh: { layout: XYWH, isRelative: false },
  center_xywh: { layout: CENTER_XYWH, isRelative: false },
  center_yxhw: { layout: CENTER_YXHW, isRelative: false },
  rel_xyxy: { layout: XYXY, isRelative: true },
  rel_yxyx: { layout: YXYX, isRelative: true },
  rel_xywh: { layout: XYWH, isRelative: true },
  rel_center_xywh: { layout: CENTER_XYWH, isRelative: true },
} as const satisfies Record<string, { layout: Layout; isRelative: boolean }>

export type BoxFormat = keyof typeof FORMATS

function formatOf(format: string, where: string): (typeof FORMATS)[BoxFormat] {
  const name = String(format).toLowerCase()
  if (Object.hasOwn(FORMATS, name)) return FORMATS[name as BoxFormat]
  throw new ValueError({ where, problem: 'unknown format of boxes', expected: Object.keys(FORMATS).join(', '), received: String(format) })
}

/** Boxes, and what is known about each. */
export interface BoundingBoxes {
  readonly boxes: Tensor
  readonly labels?: Tensor
  readonly [key: string]: Tensor | undefined
}
/** The same, as people write it. */
export interface BoundingBoxesLike {
  readonly boxes: TensorLike
  readonly labels?: TensorLike
  readonly [key: string]: TensorLike | undefined
}

export interface ImageSize {
  /** Of the image; a number, or a tensor that fits (…, 1). */
  readonly height?: TensorLike | null | undefined
  readonly width?: TensorLike | null | undefined
}

const isBoxes = (value: unknown): value is BoundingBoxesLike => typeof value === 'object' && value !== null && 'boxes' in value

/** The four numbers of each box, (…, 1) each. */
function fourOf(boxes: Tensor, where: string): Four {
  if (boxes.rank < 1 || boxes.shape.at(-1) !== 4)
    throw new ShapeError({ where, problem: 'these are no boxes', expected: '(…, 4)', received: formatShape(boxes.shape) })
  return ops.split(boxes, 4, { axis: -1 }) as unknown as Four
}

const joined = (numbers: Four): Tensor => ops.concatenate([...numbers], { axis: -1 })

const floats = (boxes: TensorLike, dtype: DType = 'float32'): Tensor => ops.cast(asTensor(boxes), dtype)

export interface ConvertFormatOptions extends ImageSize {
  /** Default `'float32'`. */
  readonly dtype?: DType | undefined
}

export function convertFormat(boxes: TensorLike, source: string, target: string, options?: ConvertFormatOptions): Tensor
export function convertFormat(boxes: BoundingBoxesLike, source: string, target: string, options?: ConvertFormatOptions): BoundingBoxes
/**
 * Boxes in another format: `xyxy`, `yxyx`, `xywh`, `center_xywh`, `center_yxhw`, and all but the last also with `rel_`.
 *
 * @throws ValueError when there is no such format, or the size of the image is needed; ShapeError
 * @example
 * utils.boundingBoxes.convertFormat([[10, 20, 30, 60]], 'xyxy', 'center_xywh') // [[20, 40, 20, 40]]
 */
export function convertFormat(
  boxes: TensorLike | BoundingBoxesLike,
  source: string,
  target: string,
  options: ConvertFormatOptions = {},
): Tensor | BoundingBoxes {
  const where = 'convertFormat'
  if (isBoxes(boxes)) return { ...boxes, boxes: convertFormat(boxes.boxes, source, target, options) } as BoundingBoxes
  const { height, width, dtype = 'float32' } = options
  const [from, to] = [formatOf(source, where), formatOf(target, where)]
  if ((from.isRelative || to.isRelative) && (height == null || width == null)) {
    throw new ValueError({
      where,
      problem: 'relative boxes need the size of the image',
      expected: 'height and width',
      received: `${source} to ${target}, height=${height ?? null}, width=${width ?? null}`,
    })
  }
  const given = floats(boxes, dtype)
  const numbers = fourOf(given, where)
  if (from === to) return given
  const box = from.layout.read(numbers)
  if (from.isRelative === to.isRelative) return joined(to.layout.write(box))
  const scale = from.isRelative ? multiply : divide
  const [tall, wide] = [ops.cast(asTensor(height as TensorLike), dtype), ops.cast(asTensor(width as TensorLike), dtype)]
  return joined(to.layout.write(box.map((x, i) => scale(x, i % 2 === 0 ? wide : tall)) as unknown as Four))
}

const areaOf = ([x1, y1, x2, y2]: Four): Tensor => multiply(subtract(x2, x1), subtract(y2, y1))

/**
 * Boxes cut at the borders of the image; the labels of what is left empty become -1.
 *
 * @throws ValueError, ShapeError
 * @example
 * utils.boundingBoxes.clipToImageSize({ boxes: [[-5, 0, 20, 30]], labels: [3] }, { height: 10, width: 10 })
 */
export function clipToImageSize(
  boundingBoxes: BoundingBoxesLike,
  { height, width, boundingBoxFormat = 'xyxy' }: ImageSize & { readonly boundingBoxFormat?: string | undefined } = {},
): BoundingBoxes {
  const where = 'clipToImageSize'
  requireFormat(boundingBoxFormat, ['xyxy', 'rel_xyxy'], where)
  const isRelative = boundingBoxFormat === 'rel_xyxy'
  if (!isRelative && (height == null || width == null))
    throw new ValueError({
      where,
      problem: 'the size of the image is needed',
      expected: 'height and width',
      hint: "or boundingBoxFormat: 'rel_xyxy'",
    })
  const boxes = asTensor(boundingBoxes.boxes)
  const limits = isRelative ? [1, 1] : [width as TensorLike, height as TensorLike].map((size) => ops.cast(asTensor(size), boxes.dtype))
  const cut = fourOf(boxes, where).map((x, i) => ops.clip(x, 0, limits[i % 2] as TensorLike)) as unknown as Four
  const clipped = { ...boundingBoxes, boxes: joined(cut) }
  if (boundingBoxes.labels === undefined) return clipped as BoundingBoxes
  const isLeft = ops.squeeze(ops.greater(areaOf(cut), 0), -1)
  return { ...clipped, labels: ops.where(isLeft, asTensor(boundingBoxes.labels), -1) } as BoundingBoxes
}

function requireFormat(format: string, allowed: readonly string[], where: string): void {
  if (allowed.includes(format)) return
  throw new ValueError({
    where,
    problem: 'this format of boxes does not work here',
    expected: allowed.join(' or '),
    received: format,
    hint: 'use convertFormat first',
  })
}

export interface BoxAffineOptions {
  /** Turning point, as shares of the image. Default 0.5. */
  readonly centerX?: number | null | undefined
  readonly centerY?: number | null | undefined
  readonly boundingBoxFormat?: string | undefined
}

/**
 * Boxes around what was in boxes (batch, n, 4) before the images were turned by `angle` degrees, moved, scaled and sheared;
 * all of these are of shape (batch,).
 *
 * @throws ValueError, ShapeError
 * @example
 * utils.boundingBoxes.affineTransform([[[1, 2, 3, 4]]], [90], [0], [0], [1], [0], [0], 10, 10)
 */
export function affineTransform(
  boxes: TensorLike,
  angle: TensorLike,
  translateX: TensorLike,
  translateY: TensorLike,
  scale: TensorLike,
  shearX: TensorLike,
  shearY: TensorLike,
  height: number,
  width: number,
  { centerX, centerY, boundingBoxFormat = 'xyxy' }: BoxAffineOptions = {},
): Tensor {
  const where = 'affineTransform'
  requireFormat(boundingBoxFormat, ['xyxy'], where)
  const degrees = Math.PI / 180
  const numbers = [angle, translateX, translateY, scale, shearX, shearY].map((value) => ops.reshape(floats(value), [-1, 1, 1]))
  const [turn, moveX, moveY, size, slantX, slantY] = numbers as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
  const rotation = multiply(turn, -degrees)
  const [slopeX, slopeY] = [multiply(slantX, -degrees), multiply(slantY, -degrees)]
  const [x0, y0] = [(centerX ?? 0.5) * (width - 1), (centerY ?? 0.5) * (height - 1)]
  const [offsetX, offsetY] = [subtract(x0, multiply(moveX, width - 1)), subtract(y0, multiply(moveY, height - 1))]
  const [cosine, tangent] = [ops.cos(slopeY), ops.tan(slopeX)]
  const a = divide(ops.cos(subtract(rotation, slopeY)), cosine)
  const b = add(multiply(a, tangent), ops.sin(rotation))
  const c = ops.negative(divide(ops.sin(subtract(rotation, slopeY)), cosine))
  const d = subtract(ops.cos(rotation), multiply(c, tangent))
  const [a0, a1, b0, b1] = [multiply(d, size), ops.negative(multiply(b, size)), ops.negative(multiply(c, size)), multiply(a, size)]
  const [x1, y1, x2, y2] = fourOf(floats(boxes), where)
  const image = (p: Tensor, q: Tensor, centre: number, x: Tensor, y: Tensor): Tensor =>
    add(add(multiply(p, subtract(x, offsetX)), multiply(q, subtract(y, offsetY))), centre)
  const points = [
    [x1, y1],
    [x2, y1],
    [x2, y2],
    [x1, y2],
  ] as const
  const xs = points.map(([x, y]) => image(a0, a1, x0, x, y))
  const ys = points.map(([x, y]) => image(b0, b1, y0, x, y))
  const least = (all: Tensor[]): Tensor => all.reduce((p, q) => ops.minimum(p, q))
  const greatest = (all: Tensor[]): Tensor => all.reduce((p, q) => ops.maximum(p, q))
  return joined([least(xs), least(ys), greatest(xs), greatest(ys)])
}

const shifted = (boxes: TensorLike, x: TensorLike, y: TensorLike, where: string): Four =>
  fourOf(asTensor(boxes), where).map((number, i) => add(number, i % 2 === 0 ? x : y)) as unknown as Four

/**
 * Boxes (`xyxy`) in the part of an image that begins at `top` and `left`.
 *
 * @throws ValueError, ShapeError
 * @example
 * utils.boundingBoxes.crop([[5, 5, 20, 30]], 2, 3, 10, 12) // [[2, 3, 12, 10]]
 */
export function crop(
  boxes: TensorLike,
  top: number,
  left: number,
  height: number,
  width: number,
  { boundingBoxFormat = 'xyxy' }: { readonly boundingBoxFormat?: string | undefined } = {},
): Tensor {
  requireFormat(boundingBoxFormat, ['xyxy'], 'crop')
  const moved = shifted(boxes, -left, -top, 'crop')
  return joined(moved.map((x, i) => ops.clip(x, 0, i % 2 === 0 ? width : height)) as unknown as Four)
}

/**
 * Boxes (`xyxy`) in an image with `top` rows above and `left` columns before it.
 *
 * @throws ValueError, ShapeError
 * @example
 * utils.boundingBoxes.pad([[5, 5, 20, 30]], 2, 3) // [[8, 7, 23, 32]]
 */
export function pad(
  boxes: TensorLike,
  top: number,
  left: number,
  { boundingBoxFormat = 'xyxy' }: ImageSize & { readonly boundingBoxFormat?: string | undefined } = {},
): Tensor {
  requireFormat(boundingBoxFormat, ['xyxy'], 'pad')
  return joined(shifted(boxes, left, top, 'pad'))
}
