/** Settings of the whole library, as `keras.config`: default float type, fuzz factor, image layout. */
import { type DType, isFloat } from './dtype.js'
import { DTypeError, ValueError } from './errors.js'

export type ImageDataFormat = 'channels_last' | 'channels_first'

const settings: { floatx: DType; epsilon: number; imageDataFormat: ImageDataFormat } = {
  floatx: 'float32',
  epsilon: 1e-7,
  imageDataFormat: 'channels_last',
}

/** The float type of weights and computations that name none: `'float32'`. */
export const floatx = (): DType => settings.floatx

/** @throws DTypeError when `dtype` is no float type. */
export function setFloatx(dtype: DType): void {
  if (!isFloat(dtype)) {
    throw new DTypeError({ where: 'config.setFloatx', problem: 'not a float type', expected: 'float16, bfloat16, float32 or float64', received: `${dtype}` })
  }
  settings.floatx = dtype
}

/** The small number that keeps logarithms and divisions finite: 1e-7. */
export const epsilon = (): number => settings.epsilon

export function setEpsilon(value: number): void {
  settings.epsilon = value
}

/** Where channels are in images when a layer does not say: `'channels_last'`. */
export const imageDataFormat = (): ImageDataFormat => settings.imageDataFormat

/** @throws ValueError for anything but `'channels_last'` and `'channels_first'`. */
export function setImageDataFormat(format: ImageDataFormat): void {
  if (format !== 'channels_last' && format !== 'channels_first') {
    throw new ValueError({ where: 'config.setImageDataFormat', problem: 'unknown data format', expected: "'channels_last' or 'channels_first'", received: `${format}` })
  }
  settings.imageDataFormat = format
}
