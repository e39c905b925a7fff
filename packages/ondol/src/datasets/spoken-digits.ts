/**
 * Spoken digits: 3,000 clips of six people who say zero to nine (Jackson and others, Free Spoken Digit Dataset,
 * https://github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0). WAV files called `{digit}_{speaker}_{index}.wav`.
 */
import { platform } from '#platform'
import { ValueError } from '../core/errors.js'
import { type Tensor, tensor } from '../engine/index.js'
import { fitted, loadAudio } from '../utils/audio.js'
import type { Split } from './digits.js'
import { soundFolder } from './sounds.js'

export interface LoadDataOptions {
  /** The folder with the clips, or the one with `recordings/` in it. Default: `free-spoken-digit-dataset` in `ONDOL_DATASETS`. */
  readonly path?: string | URL
  /** Samples in a second. Default 8000, as the files have them. */
  readonly samplingRate?: number
  /** Samples of a clip: longer ones are cut, shorter ones end in zeros. Default: a second of them. */
  readonly sequenceLength?: number
  /** Only these people: `george`, `jackson`, `lucas`, `nicolas`, `theo`, `yweweler`. Default: all. */
  readonly speakers?: readonly string[]
}

/** Takes below this number are for testing. */
const TEST_TAKES = 5

/**
 * Loads the clips. The first five takes of each digit by each person are for testing, as the data set has it.
 *
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`: x float32 (clips, samples) between -1 and 1, y uint8 (clips), the digits.
 * @throws DataError where there are no clips, and for damaged ones.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.spokenDigits.loadData({ path: 'free-spoken-digit-dataset' })
 * const features = utils.mfcc(xTrain, { samplingRate: 8000, fftLength: 512, sequenceStride: 128, maxFreq: 4000, numMelBins: 40 })
 */
export async function loadData(options: LoadDataOptions = {}): Promise<Split> {
  const { samplingRate = 8000, sequenceLength = samplingRate, speakers } = options
  const where = 'datasets.spokenDigits.loadData()'
  if (!(Number.isInteger(sequenceLength) && sequenceLength > 0))
    throw new ValueError({ where, problem: 'sequenceLength must be a whole number above 0', received: `${sequenceLength}` })
  const hint = 'unpack https://github.com/Jakobovski/free-spoken-digit-dataset, and pass its folder as path'
  const folder = await soundFolder(where, options.path, 'free-spoken-digit-dataset', ['recordings', ''], hint, isClip)
  const clips = [...(await platform.listFolder(folder))].sort().flatMap((name) => {
    const found = clipOf(name)
    return found !== undefined && (speakers === undefined || speakers.includes(found.speaker)) ? [{ name, ...found }] : []
  })
  if (clips.length === 0) throw new ValueError({ where, problem: 'there are no clips of these speakers', received: `${speakers}` })
  const part = async (isTest: boolean): Promise<[Tensor, Tensor]> => {
    const chosen = clips.filter(({ take }) => take < TEST_TAKES === isTest)
    const x = new Float32Array(chosen.length * sequenceLength)
    for (const [row, { name }] of chosen.entries()) {
      const { samples } = await loadAudio(`${folder}/${name}`, { samplingRate, mono: true })
      x.set(fitted(samples, sequenceLength), row * sequenceLength)
    }
    const y = Uint8Array.from(chosen, ({ digit }) => digit)
    return [tensor(x, [chosen.length, sequenceLength], 'float32'), tensor(y, [chosen.length], 'uint8')]
  }
  return [await part(false), await part(true)]
}

/** What a file's name says of it. */
function clipOf(name: string): { readonly digit: number; readonly speaker: string; readonly take: number } | undefined {
  const found = /^(\d)_([^_]+)_(\d+)\.wav$/.exec(name)
  return found === null ? undefined : { digit: Number(found[1]), speaker: found[2] as string, take: Number(found[3]) }
}

const isClip = (name: string): boolean => clipOf(name) !== undefined
