/** Sounds: read from WAV files, at another sampling rate, and as what speech recognition looks at. */
import { platform } from '#platform'
import { DataError, ValueError } from '../core/errors.js'
import type { Tensor } from '../engine/index.js'
import { MelSpectrogram, type MelSpectrogramOptions } from '../layers/preprocessing/index.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { type Audio, decodeWav } from './wav.js'

/** Zero crossings of the filter on each side, and the share of the band that it lets through. */
const CROSSINGS = 6
const ROLLOFF = 0.99

const divisorOf = (a: number, b: number): number => (b === 0 ? a : divisorOf(b, a % b))

/**
 * Samples at another rate: a sinc under a Hann window, as torchaudio's `resample` does it (J. O. Smith, "Digital Audio
 * Resampling"). `channels` lie side by side.
 *
 * @returns ⌈length · to / from⌉ samples for each channel.
 * @example
 * const { samples } = await utils.loadAudio('yes.wav')          // 44100 a second
 * const fewer = utils.resample(samples, 44100, 16000)
 */
export function resample(samples: Float32Array, from: number, to: number, channels = 1): Float32Array {
  for (const rate of [from, to, channels])
    if (!(Number.isInteger(rate) && rate > 0))
      throw new ValueError({
        where: 'resample',
        problem: 'rates and channels are whole numbers above 0',
        received: `${from}, ${to}, ${channels}`,
      })
  if (from === to) return samples
  const divisor = divisorOf(from, to)
  const [step, phases] = [from / divisor, to / divisor]
  const band = (Math.min(step, phases) * ROLLOFF) / step
  const reach = Math.ceil(CROSSINGS / band)
  const count = Math.floor(samples.length / channels)
  const length = Math.ceil((count * phases) / step)
  const made = new Float32Array(length * channels)
  /** Places between two samples come again: their weights are kept. */
  const weights = new Map<number, Float64Array>()
  const weightsAt = (phase: number): Float64Array => {
    const kept = weights.get(phase)
    if (kept !== undefined) return kept
    const share = (phase * step) / phases - Math.floor((phase * step) / phases)
    const fresh = Float64Array.from({ length: 2 * reach + 1 }, (_, i) => {
      const distance = (i - reach - share) * band
      if (Math.abs(distance) >= CROSSINGS) return 0
      const window = Math.cos((distance * Math.PI) / CROSSINGS / 2) ** 2
      const angle = distance * Math.PI
      return (angle === 0 ? 1 : Math.sin(angle) / angle) * window * band
    })
    weights.set(phase, fresh)
    return fresh
  }
  for (let i = 0; i < length; i++) {
    const phase = i % phases
    const centre = ((i - phase) / phases) * step + Math.floor((phase * step) / phases)
    const own = weightsAt(phase)
    const [first, last] = [Math.max(0, centre - reach), Math.min(count - 1, centre + reach)]
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0
      for (let k = first; k <= last; k++) sum += (own[k - centre + reach] as number) * (samples[k * channels + channel] as number)
      made[i * channels + channel] = sum
    }
  }
  return made
}

export interface LoadAudioOptions {
  /** Samples in a second that come out. Default: as the file has them. */
  readonly samplingRate?: number | null
  /** The mean of all channels. Default false. */
  readonly mono?: boolean
}

/**
 * The sound in a WAV file (or its bytes): samples between -1 and 1.
 *
 * @throws DataError when there is no such file, or it is damaged.
 * @example
 * const { samples } = await utils.loadAudio('yes.wav', { samplingRate: 16000, mono: true })
 */
export async function loadAudio(path: string | Uint8Array, options: LoadAudioOptions = {}): Promise<Audio> {
  const bytes = typeof path === 'string' ? await platform.readFile(path) : path
  if (bytes === undefined) throw new DataError({ where: 'loadAudio', problem: 'there is no such file', received: String(path) })
  return adapted(decodeWav(bytes, typeof path === 'string' ? path : 'loadAudio'), options)
}

/** A sound as it is asked for. */
export function adapted({ samplingRate, channels, samples }: Audio, options: LoadAudioOptions): Audio {
  const one = options.mono === true && channels > 1 ? mixed(samples, channels) : samples
  const left = one === samples ? channels : 1
  const rate = options.samplingRate ?? samplingRate
  return { samplingRate: rate, channels: left, samples: resample(one, samplingRate, rate, left) }
}

const mixed = (samples: Float32Array, channels: number): Float32Array =>
  Float32Array.from({ length: samples.length / channels }, (_, i) => {
    let sum = 0
    for (let channel = 0; channel < channels; channel++) sum += samples[i * channels + channel] as number
    return sum / channels
  })

/** `samples` of one channel, cut or filled up with zeros. */
export function fitted(samples: Float32Array, length: number): Float32Array {
  const made = new Float32Array(length)
  made.set(samples.subarray(0, length))
  return made
}

export type LogMelOptions = MelSpectrogramOptions

/**
 * Energies of bands that are as wide as hearing tells them apart, in decibels: (…, samples) → (…, frames, bands), by the layer
 * MelSpectrogram.
 */
export function logMel(x: TensorLike, options: LogMelOptions = {}): Tensor {
  const bands = new MelSpectrogram(options)(asTensor(x)) as Tensor
  const { rank } = bands
  return ops.transpose(bands, [...Array(rank - 2).keys(), rank - 1, rank - 2])
}

export interface MfccOptions extends LogMelOptions {
  /** Default 13. */
  readonly numCoefficients?: number
}

/**
 * Mel-frequency cepstral coefficients: the first ones of the cosine transform (type II, orthonormal) of `logMel` along its bands.
 * (…, samples) → (…, frames, coefficients).
 *
 * @example
 * const features = utils.mfcc(x, { samplingRate: 16000, numMelBins: 40, numCoefficients: 13 })
 */
export function mfcc(x: TensorLike, { numCoefficients = 13, ...options }: MfccOptions = {}): Tensor {
  const bands = logMel(x, options)
  const count = bands.shape.at(-1) as number
  if (!(Number.isInteger(numCoefficients) && numCoefficients >= 1 && numCoefficients <= count))
    throw new ValueError({
      where: 'mfcc',
      problem: 'there are not so many coefficients',
      expected: `1 to ${count}`,
      received: `${numCoefficients}`,
    })
  const cosines = Array.from({ length: count }, (_, band) =>
    Array.from(
      { length: numCoefficients },
      (_, i) => Math.sqrt((i === 0 ? 1 : 2) / count) * Math.cos((Math.PI * i * (2 * band + 1)) / (2 * count)),
    ),
  )
  return ops.matmul(bands, ops.convertToTensor(cosines, { dtype: 'float32' }))
}
