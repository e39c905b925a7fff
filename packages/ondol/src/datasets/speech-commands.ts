/**
 * Speech Commands: 105,829 clips of a second in which people say one of 35 words (Warden 2018, arXiv:1804.03209, CC BY 4.0). A folder
 * of WAV files for each word. Too much for one tensor, so it comes as datasets for a `DataLoader`.
 */
import { platform } from '#platform'
import { ValueError } from '../core/errors.js'
import { HostArray, type MapDataset } from '../data/index.js'
import { fitted, loadAudio } from '../utils/audio.js'
import { getFile } from '../utils/get-file.js'
import type { SourceOptions } from './files.js'
import { soundFolder } from './sounds.js'

/** A clip, float32 (samples), and its class, int32. */
export type SpeechDataset = MapDataset<[HostArray, HostArray]>

export interface SpeechCommands {
  readonly train: SpeechDataset
  readonly validation: SpeechDataset
  readonly test: SpeechDataset
  /** What the labels mean. */
  readonly classNames: readonly string[]
}

/** `path`: the folder with the folders of words, or addresses of the archive. Default: `speech_commands` in `ONDOL_DATASETS`; else it is downloaded. */
export interface LoadDataOptions extends SourceOptions {
  /** Classes, in the order of their labels. Default: all words in alphabetical order. */
  readonly words?: readonly string[]
  /** What becomes of other words: they are left out (default), or are one more class, `_unknown_`, the last one. */
  readonly others?: 'leave out' | 'unknown'
  /** Samples in a second. Default 16000, as the files have them. */
  readonly samplingRate?: number
  /** Samples of a clip: longer ones are cut, shorter ones end in zeros. Default: a second of them. */
  readonly sequenceLength?: number
}

const ARCHIVE = {
  fname: 'speech_commands_v0.02.tar.gz',
  origin: 'https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz',
  fileHash: 'af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58',
  maxBytes: 2_428_923_189,
} as const

const LISTS = { validation: 'validation_list.txt', test: 'testing_list.txt' } as const

/** Shares of people, in percent, where the data set has no lists: those of its README. */
const SHARE = 10
const MOST_HASHED = 2 ** 27 - 1

type Part = 'train' | 'validation' | 'test'

/**
 * Finds the clips, and whose part they are: by the lists of the data set, else by its rule, which keeps all clips of a person in
 * one part. Each clip is read when a loader asks for it.
 *
 * @throws DataError where there are no clips; damaged ones are told when they are read.
 * @example
 * const { train, classNames } = await datasets.speechCommands.loadData({ words: ['yes', 'no'], others: 'unknown' })
 * const loader = new data.DataLoader(train, { batchSize: 64, shuffle: true, numWorkers: 4 })
 */
export async function loadData(options: LoadDataOptions = {}): Promise<SpeechCommands> {
  const where = 'datasets.speechCommands.loadData()'
  const { others = 'leave out', samplingRate = 16_000, sequenceLength = samplingRate } = options
  if (others !== 'leave out' && others !== 'unknown')
    throw new ValueError({ where, problem: 'unknown answer to others', expected: "'leave out' or 'unknown'", received: `'${others}'` })
  const folder = await folderOf(where, options)
  const entries = [...(await platform.listFolder(folder))].sort()
  const isWord = await Promise.all(entries.map(async (name) => !/^[._]/.test(name) && (await platform.isFolder(`${folder}/${name}`))))
  const found = entries.filter((_, i) => isWord[i])
  const words = options.words ?? found
  const missing = words.find((word) => !found.includes(word))
  if (missing !== undefined)
    throw new ValueError({ where, problem: `there is no folder '${missing}'`, expected: found.join(', '), received: words.join(', ') })
  const hasUnknown = others === 'unknown' && words.length < found.length
  const partOf = await partsIn(folder)
  const parts: Record<Part, { path: string; label: number }[]> = { train: [], validation: [], test: [] }
  for (const word of found) {
    const place = words.indexOf(word)
    if (place < 0 && !hasUnknown) continue
    for (const name of [...(await platform.listFolder(`${folder}/${word}`))].sort()) {
      if (name.endsWith('.wav'))
        parts[await partOf(word, name)].push({ path: `${folder}/${word}/${name}`, label: place < 0 ? words.length : place })
    }
  }
  const read = (clips: readonly { path: string; label: number }[]): SpeechDataset => ({
    length: clips.length,
    async getItem(index) {
      const { path, label } = clips[index] as (typeof clips)[0]
      const { samples } = await loadAudio(path, { samplingRate, mono: true })
      const clip = new HostArray(fitted(samples, sequenceLength), [sequenceLength], 'float32')
      return [clip, new HostArray(Int32Array.of(label), [], 'int32')]
    },
  })
  return {
    train: read(parts.train),
    validation: read(parts.validation),
    test: read(parts.test),
    classNames: hasUnknown ? [...words, '_unknown_'] : words,
  }
}

const isAddress = (path: unknown): boolean => (path instanceof URL ? path.protocol !== 'file:' : /^https?:\/\//.test(String(path)))

async function folderOf(where: string, { path, fileHash, cacheDir = null, fetch, signal, onProgress }: LoadDataOptions): Promise<string> {
  const addresses = (Array.isArray(path) ? path : [path]).filter(isAddress).map(String)
  const hasLocal = path !== undefined || (platform.environment('ONDOL_DATASETS') ?? '') !== ''
  const local = path === undefined || addresses.length > 0 ? undefined : (path as string | URL)
  const isWord = (name: string): boolean => /^[a-z]+$/.test(name)
  const hint = `unpack ${ARCHIVE.origin}, and pass its folder as path`
  const look = (at: string | URL | undefined): Promise<string> => soundFolder(where, at, 'speech_commands', [''], hint, isWord)
  if (hasLocal && addresses.length === 0) return look(local)
  const origin = addresses.length > 0 ? addresses : ARCHIVE.origin
  return look(
    await getFile({
      ...ARCHIVE,
      origin,
      ...(fileHash !== undefined && { fileHash, maxBytes: Number.POSITIVE_INFINITY }),
      cacheDir,
      extract: true,
      ...(fetch !== undefined && { fetch }),
      ...(signal !== undefined && { signal }),
      ...(onProgress !== undefined && { onProgress }),
    }),
  )
}

/** Tells the part that a clip belongs to. */
async function partsIn(folder: string): Promise<(word: string, name: string) => Promise<Part>> {
  const lists = await Promise.all(
    Object.entries(LISTS).map(async ([part, name]) => [part as Part, await platform.readFile(`${folder}/${name}`)] as const),
  )
  if (lists.every(([, bytes]) => bytes === undefined)) return (_, name) => hashedPart(name)
  const parts = new Map(
    lists.flatMap(([part, bytes]) =>
      new TextDecoder()
        .decode(bytes ?? new Uint8Array(0))
        .split(/\s+/)
        .map((path) => [path, part] as const),
    ),
  )
  return async (word, name) => parts.get(`${word}/${name}`) ?? 'train'
}

/** The rule of the data set: by a checksum of the speaker's name. */
async function hashedPart(name: string): Promise<Part> {
  const speaker = name.replace(/_nohash_.*$/, '')
  const digest = new DataView(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(speaker)))
  const percent = ((digest.getUint32(16) & MOST_HASHED) * 100) / MOST_HASHED
  return percent < SHARE ? 'validation' : percent < 2 * SHARE ? 'test' : 'train'
}
