/** Other sampling rates, log-mel energies and MFCCs against NumPy, Keras and SciPy. */
import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { tensor, useBackend } from '../engine/index.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'
import { loadAudio, logMel, mfcc, resample } from './audio.js'

const vectors = readVectors<{
  readonly rates: readonly { readonly rate: number; readonly wanted: number; readonly x: VectorTensor; readonly value: VectorTensor }[]
  readonly features: {
    readonly x: VectorTensor
    readonly options: Readonly<Record<string, number>>
    readonly bands: VectorTensor
    readonly coefficients: VectorTensor
  }
}>('audio')

beforeAll(() => useBackend(createHostBackend()))

function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  expect(found.length).toBe(wanted.length)
  Array.from(wanted, (value, i) => expect(Math.abs((found[i] as number) - value), `[${i}]`).toBeLessThan(tolerance))
}

/** A WAV file of 16-bit samples. */
function wav(samples: readonly number[], samplingRate: number, channels = 1): Uint8Array {
  const bytes = Buffer.alloc(44 + 2 * samples.length)
  bytes.write('RIFF', 0)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(channels, 22)
  bytes.writeUInt32LE(samplingRate, 24)
  bytes.writeUInt16LE(16, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(2 * samples.length, 40)
  for (const [i, sample] of samples.entries()) bytes.writeInt16LE(sample, 44 + 2 * i)
  return bytes
}

describe('resample', () => {
  it.each(vectors.rates)('from $rate to $wanted', ({ rate, wanted, x, value }) => {
    expectClose(resample(elements(x) as Float32Array, rate, wanted), elements(value), 1e-6)
  })

  it('keeps channels apart, and a tone what it is', () => {
    const [left, right] = [440, 1000].map(
      (frequency) =>
        (i: number, rate: number): number =>
          Math.sin((2 * Math.PI * frequency * i) / rate),
    )
    const both = (rate: number, length: number): Float32Array =>
      Float32Array.from({ length: 2 * length }, (_, i) =>
        ((i % 2 === 0 ? left : right) as (i: number, rate: number) => number)(i >> 1, rate),
      )
    const found = resample(both(11025, 1102), 11025, 8000, 2)
    const wanted = both(8000, 800)
    expect(found.length).toBe(wanted.length)
    for (let i = 100; i < 1500; i++) expect(Math.abs((found[i] as number) - (wanted[i] as number))).toBeLessThan(0.01)
    expect(resample(wanted, 8000, 8000)).toBe(wanted)
    expect(resample(new Float32Array(0), 8000, 16000)).toHaveLength(0)
    expect(() => resample(wanted, 8000.5, 16000)).toThrow(/whole numbers above 0/)
  })
})

describe('features', () => {
  it('are those of Keras and SciPy', () => {
    const { x, options, bands, coefficients } = vectors.features
    const sound = tensor(elements(x), x.shape, 'float32')
    const camel = Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name.replace(/_(.)/g, (_, one: string) => one.toUpperCase()), value]),
    )
    const found = logMel(sound, camel)
    expect(found.shape).toEqual(bands.shape)
    expectClose(found.dataSync(), elements(bands), 1e-3)
    const fewer = mfcc(sound, camel)
    expect(fewer.shape).toEqual(coefficients.shape)
    expectClose(fewer.dataSync(), elements(coefficients), 2e-3)
    expect(() => mfcc(sound, { ...camel, numCoefficients: 21 })).toThrow(/not so many coefficients/)
  })
})

describe('loadAudio', () => {
  it('mixes channels and changes the rate', async () => {
    const bytes = wav([16384, 0, -16384, 16384], 4, 2)
    expect(await loadAudio(bytes)).toEqual({ samplingRate: 4, channels: 2, samples: Float32Array.of(0.5, 0, -0.5, 0.5) })
    expect(await loadAudio(bytes, { mono: true })).toEqual({ samplingRate: 4, channels: 1, samples: Float32Array.of(0.25, 0) })
    expect((await loadAudio(bytes, { samplingRate: 8 })).samples).toHaveLength(8)
    await expect(loadAudio('nowhere.wav')).rejects.toThrow(/no such file/)
  })
})
