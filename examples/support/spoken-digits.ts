/** Recordings of digits, as spectrograms: WAV files called `{digit}_{speaker}_{take}.wav`, as the Free Spoken Digit Dataset has them. */
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type data, layers, ops, type Tensor, utils } from 'ondol'
import { dataFolder, sampleFile } from './example.js'

export interface Recordings {
  /** (n, frames, bands, 1): loudness in bands even to the ear, each recording with mean 0 and deviation 1. */
  readonly features: Tensor
  readonly digits: readonly number[]
  readonly speakers: readonly string[]
}

/** From the folder given with `--data`, else the few that lie in `examples/data`. The first 0.8 s of each. */
export async function loadRecordings(): Promise<Recordings> {
  const what = 'the recordings of the Free Spoken Digit Dataset (https://github.com/Jakobovski/free-spoken-digit-dataset)'
  const folder = dataFolder(what) ?? fileURLToPath(sampleFile('spoken-digits'))
  const names = (await readdir(folder)).filter((name) => /^\d_[a-z]+_\d+\.wav$/.test(name)).sort()
  if (names.length === 0) throw new Error(`There are no files like 7_jackson_32.wav in ${folder}. Give --data a folder with ${what}`)

  const files = await utils.audioDatasetFromDirectory(folder, {
    labels: null,
    shuffle: false,
    batchSize: 64,
    samplingRate: 8000,
    outputSequenceLength: 6400,
    verbose: false,
  })
  const spectrogram = layers.melSpectrogram({
    samplingRate: 8000,
    fftLength: 512,
    sequenceLength: 400,
    sequenceStride: 160,
    numMelBins: 20,
  })
  const parts: Tensor[] = []
  for await (const batch of files) {
    const bands: Tensor = spectrogram(ops.squeeze((batch as data.HostArray).toTensor(), -1))
    parts.push(ops.expandDims(ops.transpose(bands, [0, 2, 1]), -1))
  }
  const loudness = ops.concatenate(parts, { axis: 0 })
  const [mean, variance] = ops.moments(loudness, [1, 2], { keepdims: true })
  return {
    features: ops.divide(ops.subtract(loudness, mean), ops.sqrt(ops.add(variance, 1e-6))),
    digits: names.map((name) => Number(name[0])),
    speakers: names.map((name) => name.split('_')[1] as string),
  }
}
