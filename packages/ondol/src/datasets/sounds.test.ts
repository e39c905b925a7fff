/** Folders of spoken words, written here. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { DataLoader, type HostArray } from '../data/index.js'
import { useBackend } from '../engine/index.js'
import { speechCommands, spokenDigits } from './index.js'

/** A WAV file of 16-bit samples. */
function wav(samples: readonly number[], samplingRate: number): Uint8Array {
  const bytes = Buffer.alloc(44 + 2 * samples.length)
  bytes.write('RIFF', 0)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(1, 22)
  bytes.writeUInt32LE(samplingRate, 24)
  bytes.writeUInt16LE(16, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(2 * samples.length, 40)
  for (const [i, sample] of samples.entries()) bytes.writeInt16LE(sample, 44 + 2 * i)
  return bytes
}

const collected = async (batches: AsyncIterable<unknown>): Promise<unknown[]> => {
  const all: unknown[] = []
  for await (const batch of batches) all.push(batch)
  return all
}

let folder: string
const put = async (path: string, content: Uint8Array | string): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), content)
}
beforeAll(() => useBackend(createHostBackend()))
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ondol-sounds-'))
  vi.stubEnv('ONDOL_DATASETS', '')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

describe('spokenDigits', () => {
  beforeEach(async () => {
    for (const [
      digit,
      speaker,
      take,
      samples,
    ] of [[3, 'ann', 0, [8192]], [7, 'ann', 5, [16384, -16384, 8192, 1]], [0, 'bob', 12, []], [1, 'bob', 4, [1, 2]]] as const) // biome-ignore format: one line
      await put(`recordings/${digit}_${speaker}_${take}.wav`, wav(samples, 8000))
    await put('recordings/notes.txt', 'nothing')
  })

  it('are split by their takes, cut and filled up', async () => {
    const [[xTrain, yTrain], [xTest, yTest]] = await spokenDigits.loadData({ path: folder, sequenceLength: 3 })
    expect([xTrain.arraySync(), [...yTrain.dataSync()]]).toEqual([[[0, 0, 0], [0.5, -0.5, 0.25]], [0, 7]]) // biome-ignore format: one line
    expect([xTest.shape, [...yTest.dataSync()], yTest.dtype]).toEqual([[2, 3], [1, 3], 'uint8'])
    vi.stubEnv('ONDOL_DATASETS', dirname(folder))
    await expect(spokenDigits.loadData()).rejects.toThrow(/there are no sounds[\s\S]*free-spoken-digit-dataset\/recordings/)
  })

  it('come at another rate, and of some people', async () => {
    const [[x, y]] = await spokenDigits.loadData({ path: join(folder, 'recordings'), samplingRate: 16_000, speakers: ['ann'] })
    expect([x.shape, [...y.dataSync()]]).toEqual([[1, 16_000], [7]])
    await expect(spokenDigits.loadData({ path: folder, speakers: ['eve'] })).rejects.toThrow(/no clips of these speakers/)
    await expect(spokenDigits.loadData({})).rejects.toThrow(/neither path nor ONDOL_DATASETS[\s\S]*Hint: unpack/)
    await expect(spokenDigits.loadData({ path: folder, sequenceLength: 0 })).rejects.toThrow(/whole number above 0/)
  })
})

describe('speechCommands', () => {
  const rule = (speaker: string): string => {
    const bits = Number(BigInt(`0x${createHash('sha1').update(speaker).digest('hex')}`) % 2n ** 27n)
    const percent = (bits * 100) / (2 ** 27 - 1)
    return percent < 10 ? 'validation' : percent < 20 ? 'test' : 'train'
  }
  const speakers = Array.from({ length: 40 }, (_, i) => createHash('sha1').update(`${i}`).digest('hex').slice(0, 8))
  beforeEach(async () => {
    for (const speaker of speakers) await put(`yes/${speaker}_nohash_0.wav`, wav([100], 16_000))
    await put(`no/${speakers[0]}_nohash_1.wav`, wav([16_384, -16_384], 16_000))
    await put('up/deadbeef_nohash_0.wav', wav([1], 16_000))
    await put('_background_noise_/rain.wav', wav([1], 16_000))
  })

  it('are split by the speakers where there are no lists', async () => {
    const { train, validation, test, classNames } = await speechCommands.loadData({ path: folder, words: ['yes'] })
    expect(classNames).toEqual(['yes'])
    const counts = { train: train.length, validation: validation.length, test: test.length }
    for (const part of ['train', 'validation', 'test'] as const)
      expect(counts[part]).toBe(speakers.filter((one) => rule(one) === part).length)
    expect(counts.validation + counts.test).toBeGreaterThan(0)
  })

  it('are split by the lists, and go through a loader', async () => {
    await put('validation_list.txt', `yes/${speakers[1]}_nohash_0.wav\n`)
    await put('testing_list.txt', `no/${speakers[0]}_nohash_1.wav\nup/deadbeef_nohash_0.wav\n`)
    const found = await speechCommands.loadData({ path: folder, words: ['yes', 'no'], others: 'unknown', sequenceLength: 3 })
    expect(found.classNames).toEqual(['yes', 'no', '_unknown_'])
    expect([found.train.length, found.validation.length, found.test.length]).toEqual([39, 1, 2])
    const [[x, y]] = (await collected(new DataLoader(found.test, { batchSize: 2, numWorkers: 2 }))) as [[HostArray, HostArray]]
    expect([x.array(), y.array(), y.dtype]).toEqual([[[0.5, -0.5, 0], [1 / 32_768, 0, 0]], [1, 2], 'int32']) // biome-ignore format: one line
  })

  it('say what is wrong', async () => {
    await expect(speechCommands.loadData({ path: folder, words: ['maybe'] })).rejects.toThrow(/no folder 'maybe'[\s\S]*no, up, yes/)
    await expect(speechCommands.loadData({ path: join(folder, 'nowhere') })).rejects.toThrow(/there are no sounds[\s\S]*Hint: unpack/)
    await expect(speechCommands.loadData({ path: folder, others: 'drop' as 'unknown' })).rejects.toThrow(/unknown answer/)
    await put('yes/bad_nohash_0.wav', 'RIFF')
    const { train, validation, test } = await speechCommands.loadData({ path: folder })
    const all = [train, validation, test].map(async (part) => {
      for await (const _ of new DataLoader(part));
    })
    await expect(Promise.all(all)).rejects.toThrow(/bad_nohash_0\.wav: this is no WAV file/)
  })
})
