/** Settings that all models share: Keras's `keras.config`. */
import { platform } from '#platform'
import { type DType, isFloat } from '../core/dtype.js'
import { ValueError } from '../core/errors.js'

export type DataFormat = 'channels_last' | 'channels_first'

interface Settings {
  floatx: DType
  epsilon: number
  imageDataFormat: DataFormat
  maxEpochs: number | null
  maxStepsPerEpoch: number | null
  isInteractive: boolean
}

/** A limit from the environment: a whole number above 0. */
function limitFrom(variable: string): number | null {
  const limit = Number(platform.environment(variable) ?? Number.NaN)
  return Number.isInteger(limit) && limit > 0 ? limit : null
}

const settings: Settings = {
  floatx: 'float32',
  epsilon: 1e-7,
  imageDataFormat: 'channels_last',
  maxEpochs: limitFrom('KERAS_MAX_EPOCHS'),
  maxStepsPerEpoch: limitFrom('KERAS_MAX_STEPS_PER_EPOCH'),
  isInteractive: true,
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

/** Epochs that `fit` runs at most, whatever it is told: for quick trials. Also `KERAS_MAX_EPOCHS`. Default null: no limit. */
export const maxEpochs = (): number | null => settings.maxEpochs

export function setMaxEpochs(limit: number | null): void {
  settings.maxEpochs = requireLimit(limit, 'setMaxEpochs')
}

/** Steps of an epoch, an evaluation or a prediction at most. Also `KERAS_MAX_STEPS_PER_EPOCH`. Default null: no limit. */
export const maxStepsPerEpoch = (): number | null => settings.maxStepsPerEpoch

export function setMaxStepsPerEpoch(limit: number | null): void {
  settings.maxStepsPerEpoch = requireLimit(limit, 'setMaxStepsPerEpoch')
}

function requireLimit(limit: number | null, where: string): number | null {
  if (limit === null || (Number.isInteger(limit) && limit > 0)) return limit
  throw new ValueError({ where, problem: 'this is no limit', expected: 'a whole number above 0, or null', received: String(limit) })
}

/** Progress bars and messages are printed: the default. */
export function enableInteractiveLogging(): void {
  settings.isInteractive = true
}

/** Progress bars and messages are not printed. */
export function disableInteractiveLogging(): void {
  settings.isInteractive = false
}

export const isInteractiveLoggingEnabled = (): boolean => settings.isInteractive

/** A checked data format; the configured one where none is given. */
export function requireDataFormat(format: string | null | undefined, where: string): DataFormat {
  if (format === undefined || format === null) return settings.imageDataFormat
  if (format === 'channels_last' || format === 'channels_first') return format
  if (format === 'channelsLast') return 'channels_last'
  if (format === 'channelsFirst') return 'channels_first'
  throw new ValueError({ where, problem: 'unknown data format', expected: "'channels_last' or 'channels_first'", received: format })
}
