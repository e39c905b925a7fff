/** Audio as the energy in bands that are even to the ear. Follows `keras/src/layers/preprocessing/mel_spectrogram.py`. */
import { ValueError } from '../../core/errors.js'
import { lax, type Tensor } from '../../engine/index.js'
import type { StftOptions } from '../../ops/fourier.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { Layer, type LayerOptions } from '../layer.js'

export interface MelSpectrogramOptions extends LayerOptions {
  /** Samples in a transform. Default 2048. */
  readonly fftLength?: number | undefined
  /** Samples from one frame to the next. Default 512. */
  readonly sequenceStride?: number | undefined
  /** Samples in a frame. Default: `fftLength`. */
  readonly sequenceLength?: number | null | undefined
  /** `'hann'` (default), `'hamming'`, numbers of your own, or null. */
  readonly window?: StftOptions['window'] | undefined
  /** In Hz. Default 16000. */
  readonly samplingRate?: number | undefined
  /** Default 128. */
  readonly numMelBins?: number | undefined
  /** In Hz. Default 20. */
  readonly minFreq?: number | undefined
  /** In Hz. Default: half the sampling rate. */
  readonly maxFreq?: number | null | undefined
  /** In decibels. Default true. */
  readonly powerToDb?: boolean | undefined
  /** Decibels below the loudest at which everything is cut off. Default 80. */
  readonly topDb?: number | undefined
  /** Exponent of the magnitudes: 1 for energy, 2 for power. Default 2. */
  readonly magExp?: number | undefined
  /** Default 1e-10. */
  readonly minPower?: number | undefined
  /** What 0 decibels are. Default 1. */
  readonly refPower?: number | undefined
}

/**
 * (samples,) or (batch, samples) → (…, numMelBins, frames).
 *
 * @example
 * layers.melSpectrogram({ numMelBins: 64, samplingRate: 8000 })(audio)
 */
export class MelSpectrogram extends Layer {
  static override readonly className: string = 'MelSpectrogram'
  static override readonly configTable: ConfigTable = Object.fromEntries(
    [
      ...['fftLength', 'sequenceStride', 'sequenceLength', 'window', 'samplingRate', 'numMelBins', 'minFreq', 'maxFreq', 'powerToDb'],
      ...['topDb', 'magExp', 'minPower', 'refPower'],
    ].map((name) => [name, 'value']),
  )
  static override readonly isStateless: boolean = true
  readonly fftLength: number
  readonly sequenceStride: number
  readonly sequenceLength: number
  readonly window: StftOptions['window']
  readonly samplingRate: number
  readonly numMelBins: number
  readonly minFreq: number
  readonly maxFreq: number
  readonly powerToDb: boolean
  readonly topDb: number
  readonly magExp: number
  readonly minPower: number
  readonly refPower: number

  constructor(options: MelSpectrogramOptions = {}) {
    const { fftLength = 2048, sequenceStride = 512, sequenceLength = null, window = 'hann', samplingRate = 16000, ...others } = options
    const { numMelBins = 128, minFreq = 20, maxFreq = null, powerToDb = true, topDb = 80, ...more } = others
    const { magExp = 2, minPower = 1e-10, refPower = 1, ...rest } = more
    super(rest)
    this.fftLength = fftLength
    this.sequenceStride = sequenceStride
    this.sequenceLength = sequenceLength || fftLength
    if (fftLength < this.sequenceLength)
      throw new ValueError({
        where: this.name,
        problem: 'fftLength is less than sequenceLength',
        expected: `${this.sequenceLength} or more`,
        received: `${fftLength}`,
      })
    this.window = window
    this.samplingRate = samplingRate
    this.numMelBins = numMelBins
    this.minFreq = minFreq
    this.maxFreq = maxFreq || Math.trunc(samplingRate / 2)
    this.powerToDb = powerToDb
    this.topDb = topDb
    this.magExp = magExp
    this.minPower = minPower
    this.refPower = refPower
  }

  override call(inputs: Tensor): Tensor {
    const { sequenceLength, sequenceStride, fftLength, window } = this
    const x = lax.cast(inputs, this.computeDtype === 'float64' ? 'float64' : 'float32')
    const [real, imaginary] = ops.stft(x, { sequenceLength, sequenceStride, fftLength, ...(window !== undefined && { window }) })
    const power = ops.add(ops.square(real), ops.square(imaginary))
    const spectrum = this.magExp === 2 ? power : ops.power(ops.sqrt(power), this.magExp)
    const bins = spectrum.shape.at(-1) as number
    const filters = lax.cast(lax.constant(this.#filters(bins), [bins, this.numMelBins], 'float32'), x.dtype)
    const bands = ops.matmul(spectrum, filters)
    const scaled = this.powerToDb ? this.#decibels(bands) : bands
    return lax.cast(ops.swapaxes(scaled, -1, -2), this.computeDtype)
  }

  #decibels(power: Tensor): Tensor {
    const reference = 10 * Math.log10(Math.max(Math.abs(this.refPower), this.minPower))
    const level = ops.subtract(ops.multiply(ops.log10(ops.maximum(power, this.minPower)), 10), reference)
    return ops.maximum(level, ops.subtract(ops.max(level), this.topDb))
  }

  /** Triangles over the frequencies, even on the mel scale, as a matrix (frequencies, bands). */
  #filters(bins: number): Float32Array {
    const { numMelBins: bands } = this
    const nyquist = this.samplingRate / 2
    const [low, high] = [mel(this.minFreq), mel(this.maxFreq)]
    const edge = (i: number): number => low + ((high - low) * i) / (bands + 1)
    const filters = new Float32Array(bins * bands)
    // Frequency 0 belongs to no band.
    for (let bin = 1; bin < bins; bin++) {
      const at = mel((nyquist * bin) / (bins - 1))
      for (let band = 0; band < bands; band++) {
        const [left, center, right] = [edge(band), edge(band + 1), edge(band + 2)]
        filters[bin * bands + band] = Math.max(0, Math.min((at - left) / (center - left), (right - at) / (right - center)))
      }
    }
    return filters
  }
}

const mel = (hertz: number): number => 1127 * Math.log(1 + hertz / 700)

export const melSpectrogram = (...args: ConstructorParameters<typeof MelSpectrogram>): MelSpectrogram => new MelSpectrogram(...args)
