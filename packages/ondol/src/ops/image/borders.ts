/** Cutting borders off, and adding them: `keras.ops.image` cropImages, padImages. */
import { ValueError } from '../../core/errors.js'
import { lax, type Tensor } from '../../engine/index.js'
import type { DataFormat } from '../config.js'
import { asTensor, defineOp } from '../define.js'
import { imageAxes } from './layout.js'

type Given = number | null | undefined

interface Side {
  readonly name: string
  readonly value: Given
}

/** Of the margins before and after and the size that remains or comes, two are given; the third follows. */
function settle(where: string, sides: readonly [Side, Side, Side], size: number, isPadding: boolean): [before: number, after: number] {
  const isMissing = ({ value }: Side): boolean => value === null || value === undefined
  const received = sides.map(({ name, value }) => `${name}=${value ?? null}`).join(', ')
  if (sides.filter(isMissing).length !== 1)
    throw new ValueError({ where, problem: `two of ${sides.map(({ name }) => name).join(', ')} must be given`, received })
  const [before, after, target] = sides.map(({ value }) => value ?? undefined)
  const total = target === undefined ? undefined : isPadding ? target - size : size - target
  const first = before ?? (total as number) - (after as number)
  const last = after ?? (total as number) - first
  const rest = isPadding ? 0 : size - first - last
  if (![first, last, rest].every((n) => Number.isInteger(n) && n >= 0)) {
    throw new ValueError({
      where,
      problem: 'the sizes do not fit',
      expected: `whole numbers of at least 0 that fit ${size} pixels`,
      received,
    })
  }
  return [first, last]
}

export interface PadImagesOptions {
  topPadding?: number | null
  leftPadding?: number | null
  bottomPadding?: number | null
  rightPadding?: number | null
  targetHeight?: number | null
  targetWidth?: number | null
  dataFormat?: DataFormat | null
}

/**
 * Images with zeros around them. Two of topPadding, bottomPadding and targetHeight are given, and two of leftPadding,
 * rightPadding and targetWidth.
 *
 * @throws ShapeError, ValueError
 * @example
 * ops.image.padImages(ops.ones([2, 4, 4, 3]), { topPadding: 1, targetHeight: 8, leftPadding: 2, rightPadding: 2 })
 */
export const padImages = defineOp<[Tensor], PadImagesOptions, Tensor>({
  name: 'PadImages',
  module: 'image',
  tensors: 1,
  parameters: ['topPadding', 'leftPadding', 'bottomPadding', 'rightPadding', 'targetHeight', 'targetWidth', 'dataFormat'],
  call: ([input], { topPadding, leftPadding, bottomPadding, rightPadding, targetHeight, targetWidth, dataFormat }) => {
    const x = asTensor(input)
    const { height, width } = imageAxes(x, dataFormat, 'padImages')
    const vertical = [
      { name: 'topPadding', value: topPadding },
      { name: 'bottomPadding', value: bottomPadding },
      { name: 'targetHeight', value: targetHeight },
    ] as const
    const horizontal = [
      { name: 'leftPadding', value: leftPadding },
      { name: 'rightPadding', value: rightPadding },
      { name: 'targetWidth', value: targetWidth },
    ] as const
    const [low, high] = [x.shape.map(() => 0), x.shape.map(() => 0)]
    ;[low[height], high[height]] = settle('padImages', vertical, x.shape[height] as number, true)
    ;[low[width], high[width]] = settle('padImages', horizontal, x.shape[width] as number, true)
    return lax.pad(x, lax.full([], x.dtype, 0), low, high)
  },
})

export interface CropImagesOptions {
  topCropping?: number | null
  leftCropping?: number | null
  bottomCropping?: number | null
  rightCropping?: number | null
  targetHeight?: number | null
  targetWidth?: number | null
  dataFormat?: DataFormat | null
}

/**
 * Images without their borders. Two of topCropping, bottomCropping and targetHeight are given, and two of leftCropping,
 * rightCropping and targetWidth.
 *
 * @throws ShapeError, ValueError
 * @example
 * ops.image.cropImages(ops.ones([2, 8, 8, 3]), { topCropping: 1, targetHeight: 4, leftCropping: 2, rightCropping: 2 })
 */
export const cropImages = defineOp<[Tensor], CropImagesOptions, Tensor>({
  name: 'CropImages',
  module: 'image',
  tensors: 1,
  parameters: ['topCropping', 'leftCropping', 'bottomCropping', 'rightCropping', 'targetHeight', 'targetWidth', 'dataFormat'],
  call: ([input], { topCropping, leftCropping, bottomCropping, rightCropping, targetHeight, targetWidth, dataFormat }) => {
    const x = asTensor(input)
    const { height, width } = imageAxes(x, dataFormat, 'cropImages')
    const vertical = [
      { name: 'topCropping', value: topCropping },
      { name: 'bottomCropping', value: bottomCropping },
      { name: 'targetHeight', value: targetHeight },
    ] as const
    const horizontal = [
      { name: 'leftCropping', value: leftCropping },
      { name: 'rightCropping', value: rightCropping },
      { name: 'targetWidth', value: targetWidth },
    ] as const
    const start = x.shape.map(() => 0)
    const size = [...x.shape]
    for (const [axis, sides] of [
      [height, vertical],
      [width, horizontal],
    ] as const) {
      const [before, after] = settle('cropImages', sides, x.shape[axis] as number, false)
      start[axis] = before
      size[axis] = (x.shape[axis] as number) - before - after
    }
    return lax.slice(x, start, size)
  },
})
