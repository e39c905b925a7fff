/** How far boxes are from anchors, and how much boxes overlap: what detectors are trained with. */
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape } from '../../core/shape.js'
import type { Tensor } from '../../engine/index.js'
import { epsilon } from '../../ops/config.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import * as ops from '../../ops/index.js'
import { isRecord } from '../convert.js'
import { convertFormat, type ImageSize } from './boxes.js'

const { add, subtract, multiply, divide } = ops

/** [height, width, channels] of the images, or [height, width]. */
type ImageShape = readonly number[] | null | undefined

const sizeOf = (imageShape: ImageShape): ImageSize => (imageShape == null ? {} : { height: imageShape[0], width: imageShape[1] })

const pair = (x: Tensor, start: 0 | 2): Tensor => (ops.split(x, 2, { axis: -1 }) as unknown as [Tensor, Tensor])[start / 2] as Tensor

function requireCentred(format: string, name: string, where: string): void {
  if (format === 'center_xywh' || format === 'center_yxhw') return
  throw new ValueError({ where, problem: `unknown ${name}`, expected: "'center_xywh' or 'center_yxhw'", received: String(format) })
}

function varianceOf(variance: TensorLike | null | undefined, where: string): Tensor | undefined {
  if (variance === null || variance === undefined) return undefined
  const found = ops.cast(asTensor(variance), 'float32')
  if (found.shape.at(-1) === 4) return found
  throw new ShapeError({ where, problem: 'variance does not fit', expected: 'four numbers', received: formatShape(found.shape) })
}

export interface DeltaOptions {
  /** What the deltas of boxes are divided by. */
  readonly variance?: TensorLike | null | undefined
  /** Needed for relative formats. */
  readonly imageShape?: ImageShape
}

/**
 * Boxes as distances from anchors: shifts of centres in sizes of the anchor, and logarithms of the sizes' ratios.
 *
 * @throws ValueError, ShapeError
 * @example
 * utils.boundingBoxes.encodeBoxToDeltas([[0, 0, 4, 4]], [[1, 1, 5, 5]], 'xyxy', 'xyxy') // [[0.25, 0.25, 0, 0]]
 */
export function encodeBoxToDeltas(
  anchors: TensorLike,
  boxes: TensorLike,
  anchorFormat: string,
  boxFormat: string,
  { encodingFormat = 'center_yxhw', variance, imageShape }: DeltaOptions & { readonly encodingFormat?: string | undefined } = {},
): Tensor {
  const where = 'encodeBoxToDeltas'
  const divisor = varianceOf(variance, where)
  requireCentred(encodingFormat, 'encodingFormat', where)
  const anchor = convertFormat(anchors, anchorFormat, encodingFormat, sizeOf(imageShape))
  const box = convertFormat(boxes, boxFormat, encodingFormat, sizeOf(imageShape))
  const [anchorSize, boxSize] = [ops.maximum(pair(anchor, 2), epsilon()), ops.maximum(pair(box, 2), epsilon())]
  const shift = divide(subtract(pair(box, 0), pair(anchor, 0)), anchorSize)
  const deltas = ops.concatenate([shift, ops.log(divide(boxSize, anchorSize))], { axis: -1 })
  return divisor === undefined ? deltas : divide(deltas, divisor)
}

type Levels = Readonly<Record<string, TensorLike>>
type DecodeOptions = DeltaOptions & { readonly encodedFormat?: string | undefined }

export function decodeDeltasToBoxes(
  anchors: TensorLike,
  boxesDelta: TensorLike,
  anchorFormat: string,
  boxFormat: string,
  options?: DecodeOptions,
): Tensor
export function decodeDeltasToBoxes(
  anchors: Levels,
  boxesDelta: Levels,
  anchorFormat: string,
  boxFormat: string,
  options?: DecodeOptions,
): Record<string, Tensor>
/**
 * What `encodeBoxToDeltas` came from. Records, by the level of a pyramid, give a record.
 *
 * @throws ValueError, ShapeError
 * @example
 * utils.boundingBoxes.decodeDeltasToBoxes([[0, 0, 4, 4]], [[0.25, 0.25, 0, 0]], 'xyxy', 'xyxy') // [[1, 1, 5, 5]]
 */
export function decodeDeltasToBoxes(
  anchors: TensorLike | Levels,
  boxesDelta: TensorLike | Levels,
  anchorFormat: string,
  boxFormat: string,
  options: DecodeOptions = {},
): Tensor | Record<string, Tensor> {
  const where = 'decodeDeltasToBoxes'
  if (isRecord(anchors) && isRecord(boxesDelta)) {
    const levels = Object.entries(anchors as Levels)
    const decode = (level: string, anchor: TensorLike): Tensor =>
      decodeDeltasToBoxes(anchor, (boxesDelta as Levels)[level] as TensorLike, anchorFormat, boxFormat, options)
    return Object.fromEntries(levels.map(([level, anchor]) => [level, decode(level, anchor)]))
  }
  const { encodedFormat = 'center_yxhw', variance, imageShape } = options
  const factor = varianceOf(variance, where)
  requireCentred(encodedFormat, 'encodedFormat', where)
  const anchor = convertFormat(anchors as TensorLike, anchorFormat, encodedFormat, sizeOf(imageShape))
  const given = asTensor(boxesDelta as TensorLike)
  const deltas = factor === undefined ? given : multiply(given, factor)
  const size = pair(anchor, 2)
  const box = ops.concatenate([add(multiply(pair(deltas, 0), size), pair(anchor, 0)), multiply(ops.exp(pair(deltas, 2)), size)], {
    axis: -1,
  })
  return convertFormat(box, encodedFormat, boxFormat, sizeOf(imageShape))
}

type Edges = [Tensor, Tensor, Tensor, Tensor]
const edges = (boxes: Tensor): Edges => ops.split(boxes, 4, { axis: -1 }) as unknown as Edges

const overlap = (low1: Tensor, low2: Tensor, high1: Tensor, high2: Tensor): Tensor =>
  ops.maximum(subtract(ops.minimum(high1, high2), ops.maximum(low1, low2)), 0)

export interface IouOptions {
  /** Whether pairs with a box of negative numbers get `maskVal`. Default false. */
  readonly useMasking?: boolean | undefined
  /** Default -1. */
  readonly maskVal?: number | undefined
  /** Needed for relative formats. */
  readonly imageShape?: ImageShape
}

/**
 * Intersection over union of all pairs: (…, n, 4) and (…, m, 4) → (…, n, m).
 *
 * @throws ValueError, ShapeError
 * @example
 * utils.boundingBoxes.computeIou([[0, 0, 2, 2]], [[1, 0, 3, 2]], 'xyxy') // [[1 / 3]]
 */
export function computeIou(
  boxes1: TensorLike,
  boxes2: TensorLike,
  boundingBoxFormat: string,
  { useMasking = false, maskVal = -1, imageShape }: IouOptions = {},
): Tensor {
  const where = 'computeIou'
  const [a, b] = [boxes1, boxes2].map((boxes) => {
    const found = convertFormat(boxes, boundingBoxFormat, 'yxyx', sizeOf(imageShape))
    if (found.rank === 2 || found.rank === 3) return found
    throw new ShapeError({
      where,
      problem: 'these are no lists of boxes',
      expected: '(n, 4) or (batch, n, 4)',
      received: formatShape(found.shape),
    })
  }) as [Tensor, Tensor]
  const across = (x: Tensor): Tensor => ops.swapaxes(x, -1, -2)
  const [top1, left1, bottom1, right1] = edges(a)
  const [top2, left2, bottom2, right2] = edges(b).map(across) as Edges
  const intersection = multiply(overlap(top1, top2, bottom1, bottom2), overlap(left1, left2, right1, right2))
  const area1 = multiply(subtract(bottom1, top1), subtract(right1, left1))
  const area2 = multiply(subtract(bottom2, top2), subtract(right2, left2))
  const iou = divide(intersection, add(subtract(add(area1, area2), intersection), epsilon()))
  if (!useMasking) return iou
  const isBackground = (boxes: Tensor): Tensor => ops.less(ops.max(boxes, { axis: -1, keepdims: true }), 0)
  return ops.where(ops.logicalOr(isBackground(a), across(isBackground(b))), maskVal, iou)
}

/**
 * Complete intersection over union of boxes with their partners (Zheng et al. 2020): (…, 4) and (…, 4) → (…). It also counts
 * how far centres are apart, and how far proportions differ.
 *
 * @throws ValueError, ShapeError
 * @example
 * utils.boundingBoxes.computeCiou([[0, 0, 2, 2]], [[0, 0, 2, 2]], 'xyxy') // [1]
 */
export function computeCiou(
  boxes1: TensorLike,
  boxes2: TensorLike,
  boundingBoxFormat: string,
  { imageShape }: { readonly imageShape?: ImageShape } = {},
): Tensor {
  const [a, b] = [boxes1, boxes2].map((boxes) => convertFormat(boxes, boundingBoxFormat, 'xyxy', sizeOf(imageShape))) as [Tensor, Tensor]
  const tiny = epsilon()
  const [x1, y1, x2, y2] = edges(a)
  const [u1, v1, u2, v2] = edges(b)
  const [width1, width2] = [subtract(x2, x1), subtract(u2, u1)]
  const [height1, height2] = [add(subtract(y2, y1), tiny), add(subtract(v2, v1), tiny)]
  const intersection = multiply(overlap(x1, u1, x2, u2), overlap(y1, v1, y2, v2))
  const union = add(subtract(add(multiply(width1, height1), multiply(width2, height2)), intersection), tiny)
  const iou = divide(intersection, add(union, tiny))
  const spanX = subtract(ops.maximum(x2, u2), ops.minimum(x1, u1))
  const spanY = subtract(ops.maximum(y2, v2), ops.minimum(y1, v1))
  const diagonal = add(add(ops.square(spanX), ops.square(spanY)), tiny)
  const apart = (low1: Tensor, high1: Tensor, low2: Tensor, high2: Tensor): Tensor =>
    ops.square(subtract(divide(add(low1, high1), 2), divide(add(low2, high2), 2)))
  const distance = add(apart(x1, x2, u1, u2), apart(y1, y2, v1, v2))
  const angle = (width: Tensor, height: Tensor): Tensor => ops.arctan(divide(width, height))
  const proportion = multiply(ops.square(subtract(angle(width2, height2), angle(width1, height1))), 4 / Math.PI ** 2)
  const weight = divide(proportion, add(subtract(proportion, iou), 1 + tiny))
  return ops.squeeze(subtract(iou, add(divide(distance, diagonal), multiply(proportion, weight))), -1)
}
