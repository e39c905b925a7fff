/** Audio as its spectra over time, by a convolution that can be trained. Follows `keras/src/layers/preprocessing/stft_spectrogram.py`. */
import { DTypeError, ValueError } from '../../core/errors.js'
import { lax, type Tensor, type Variable } from '../../engine/index.js'
import { STFT, type WindowLike } from '../../initializers/stft.js'
import { type DataFormat, epsilon, requireDataFormat } from '../../ops/config.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { InputSpec } from '../input-spec.js'
import { Layer, type LayerOptions } from '../layer.js'

const MODES = ['log', 'magnitude', 'psd', 'real', 'imag', 'angle', 'stft'] as const

export interface STFTSpectrogramOptions extends LayerOptions {
  /** `'log'` (default), `'magnitude'`, `'psd'` (power), `'real'`, `'imag'`, `'angle'` or `'stft'` (real, then imaginary). */
  readonly mode?: (typeof MODES)[number] | undefined
  /** Samples in a frame. Default 256. */
  readonly frameLength?: number | undefined
  /** Samples from one frame to the next. Default: half a frame. */
  readonly frameStep?: number | null | undefined
  /** Samples in a transform. Default: the power of 2 that holds a frame. */
  readonly fftLength?: number | null | undefined
  /** Name of a window of `scipy.signal`, numbers, or null. Default `'hann'`. */
  readonly window?: WindowLike | undefined
  readonly periodic?: boolean | undefined
  /** `'density'` (default), `'spectrum'` or null. */
  readonly scaling?: 'density' | 'spectrum' | null | undefined
  readonly padding?: 'valid' | 'same' | undefined
  /** Channels on an axis of their own. Default false. */
  readonly expandDims?: boolean | undefined
  readonly dataFormat?: DataFormat | null | undefined
}

/**
 * (batch, time, channels) → (batch, frames, channels · frequencies), or with `expandDims`
 * (batch, frames, frequencies, channels); channels first accordingly.
 *
 * @example
 * layers.stftSpectrogram({ mode: 'log', frameLength: 256, frameStep: 128 })(audio)
 */
export class STFTSpectrogram extends Layer {
  static override readonly className: string = 'STFTSpectrogram'
  static override readonly configTable: ConfigTable = Object.fromEntries(
    ['mode', 'frameLength', 'frameStep', 'fftLength', 'window', 'periodic', 'scaling', 'padding', 'dataFormat', 'expandDims'].map(
      (name) => [name, 'value'],
    ),
  )
  readonly mode: (typeof MODES)[number]
  readonly frameLength: number
  readonly frameStep: number | null
  readonly fftLength: number | null
  readonly window: WindowLike
  readonly periodic: boolean
  readonly scaling: 'density' | 'spectrum' | null
  readonly padding: 'valid' | 'same'
  readonly expandDims: boolean
  readonly dataFormat: DataFormat
  realKernel: Variable | undefined
  imagKernel: Variable | undefined

  constructor(options: STFTSpectrogramOptions = {}) {
    const { mode = 'log', frameLength = 256, frameStep = null, fftLength = null, window = 'hann', periodic = false, ...others } = options
    const { scaling = 'density', padding = 'valid', expandDims = false, dataFormat, ...rest } = others
    super(rest)
    const refuse = (problem: string, received: unknown): never => {
      throw new ValueError({ where: this.name, problem, received: String(received) })
    }
    if (frameStep !== null && (frameStep > frameLength || frameStep < 1)) refuse('frameStep must be between 1 and frameLength', frameStep)
    if (fftLength !== null && fftLength < frameLength) refuse('fftLength must be at least frameLength', fftLength)
    if (!MODES.includes(mode)) refuse(`mode must be one of ${MODES.join(', ')}`, mode)
    if (scaling !== null && scaling !== 'density' && scaling !== 'spectrum')
      refuse("scaling must be 'density', 'spectrum' or null", scaling)
    if (padding !== 'valid' && padding !== 'same') refuse("padding must be 'valid' or 'same'", padding)
    this.mode = mode
    this.frameLength = frameLength
    this.frameStep = frameStep
    this.fftLength = fftLength
    this.window = window
    this.periodic = periodic
    this.scaling = scaling
    this.padding = padding
    this.expandDims = expandDims
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.inputSpec = new InputSpec({ ndim: 3 })
  }

  override build(): void {
    const length = this.fftLength ?? 2 ** Math.ceil(Math.log2(this.frameLength))
    const kernel = (side: 'real' | 'imag'): Variable =>
      this.addWeight({
        name: `${side}_kernel`,
        shape: [this.frameLength, 1, Math.floor(length / 2) + 1],
        initializer: new STFT({ side, window: this.window, scaling: this.scaling, periodic: this.periodic }),
      })
    if (this.mode !== 'imag') this.realKernel = kernel('real')
    if (this.mode !== 'real') this.imagKernel = kernel('imag')
  }

  override call(inputs: Tensor): Tensor {
    if (!['float16', 'float32', 'float64', 'bfloat16'].includes(inputs.dtype))
      throw new DTypeError({ problem: 'a signal is floats', expected: 'float16, float32 or float64', received: inputs.dtype })
    const part = (kernel: Variable | undefined): Tensor => this.#convolve(inputs, (kernel as Variable).value)
    const { mode } = this
    if (mode === 'real') return this.#arrange(part(this.realKernel))
    if (mode === 'imag') return this.#arrange(part(this.imagKernel))
    const [real, imaginary] = [part(this.realKernel), part(this.imagKernel)]
    if (mode === 'angle') return this.#arrange(ops.arctan2(imaginary, real))
    if (mode === 'stft') return this.#arrange(ops.concatenate([real, imaginary], { axis: 3 }))
    const power = ops.add(ops.square(real), ops.square(imaginary))
    if (mode === 'psd') {
      // All frequencies but the ends stand for their mirror images too.
      const inner = lax.slice(power, [0, 0, 0, 1], [...power.shape.slice(0, 3), (power.shape[3] as number) - 2])
      return this.#arrange(
        ops.add(
          power,
          ops.pad(inner, [
            [0, 0],
            [0, 0],
            [0, 0],
            [1, 1],
          ]),
        ),
      )
    }
    const magnitude = this.#arrange(ops.sqrt(ops.maximum(power, epsilon())))
    return mode === 'magnitude' ? magnitude : ops.log(ops.maximum(magnitude, epsilon()))
  }

  /** (batch, channels, frames, frequencies): every channel is a signal of its own. */
  #convolve(inputs: Tensor, kernel: Tensor): Tensor {
    const signals = this.dataFormat === 'channels_last' ? ops.transpose(inputs, [0, 2, 1]) : inputs
    const [batch, channels, time] = signals.shape as [number, number, number]
    const spectra = ops.conv(lax.reshape(signals, [batch * channels, time, 1]), lax.cast(kernel, inputs.dtype), {
      strides: this.frameStep ?? Math.floor(this.frameLength / 2),
      padding: this.padding,
      dataFormat: 'channels_last',
    })
    return lax.reshape(spectra, [batch, channels, ...spectra.shape.slice(1)])
  }

  #arrange(x: Tensor): Tensor {
    const [batch, channels, frames, frequencies] = x.shape as [number, number, number, number]
    if (this.dataFormat === 'channels_last')
      return this.expandDims
        ? ops.transpose(x, [0, 2, 3, 1])
        : lax.reshape(ops.transpose(x, [0, 2, 1, 3]), [batch, frames, channels * frequencies])
    return this.expandDims ? x : lax.reshape(ops.transpose(x, [0, 1, 3, 2]), [batch, channels * frequencies, frames])
  }
}

export const stftSpectrogram = (...args: ConstructorParameters<typeof STFTSpectrogram>): STFTSpectrogram => new STFTSpectrogram(...args)
