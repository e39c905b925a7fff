/** Settings that all models share: Keras's `keras.config`. */
import { type DType, isFloat } from '../core/dtype.js'
import { ValueError } from '../core/errors.js'

export type DataFormat = 'channels_last' | 'channels_first'

const settings: { floatx: DType; epsilon: number; imageDataFormat: DataFormat } = {
  floatx: 'float32',
  epsilon: 1e-7,
  imageDataFormat: 'channels_last',
}

/** The default float dtype. */
export const floatx = (): DType => settings.floatx

export function setFloatx(dtype: DType): void {
  if (!isFloat(dtype))
    throw new ValueError({
      where: 'setFloatx',
      problem: 'floatx must be a float dtype',
      expected: 'float16, bfloat16, float32 or float64',
      received: String(dtype),
    })
  settings.floatx = dtype
}

/** The small number that keeps divisions and logarithms finite: 1e-7. */
export const epsilon = (): number => settings.epsilon

export function setEpsilon(value: number): void {
  settings.epsilon = value
}

export const imageDataFormat = (): DataFormat => settings.imageDataFormat

export function setImageDataFormat(format: DataFormat): void {
  settings.imageDataFormat = requireDataFormat(format, 'setImageDataFormat')
}

/** A checked data format; the configured one where none is given. */
export function requireDataFormat(format: string | null | undefined, where: string): DataFormat {
  if (format === undefined || format === null) return settings.imageDataFormat
  if (format === 'channels_last' || format === 'channels_first') return format
  if (format === 'channelsLast') return 'channels_last'
  if (format === 'channelsFirst') return 'channels_first'
  throw new ValueError({ where, problem: 'unknown data format', expected: "'channels_last' or 'channels_first'", received: format })
}
