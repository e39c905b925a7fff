import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { useBackend } from '../engine/index.js'
import { loadData } from './fashion-mnist.js'
import { fashionMnist } from './index.js'

beforeAll(() => useBackend(createHostBackend()))

const idx = (shape: number[], fill: number): Uint8Array => {
  const header = [0, 0, 8, shape.length, ...shape.flatMap((size) => [0, 0, size >> 8, size & 255])]
  const elements = new Uint8Array(shape.reduce((a, b) => a * b, 1)).fill(fill)
  return Uint8Array.from([...header, ...elements])
}

/** Three training and two test pictures. */
async function writeSmallSet(folder: string, { labels = 3 } = {}): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'train-images-idx3-ubyte.gz'), gzipSync(idx([3, 28, 28], 7)))
  await writeFile(join(folder, 'train-labels-idx1-ubyte'), idx([labels], 1))
  await writeFile(join(folder, 't10k-images-idx3-ubyte'), idx([2, 28, 28], 9))
  await writeFile(join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(idx([2], 4)))
}

const unreachable = (async () => {
  throw new TypeError('fetch failed', { cause: new Error('no network') })
}) as unknown as typeof fetch

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ondol-fashion-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

describe('fashionMnist.loadData', () => {
  it('reads a folder of compressed and plain IDX files', async () => {
    await writeSmallSet(folder)
    const [[xTrain, yTrain], [xTest, yTest]] = await loadData({ path: folder })
    expect([xTrain, yTrain, xTest, yTest].map(({ shape, dtype }) => [shape, dtype])).toEqual([
      [[3, 28, 28], 'uint8'],
      [[3], 'uint8'],
      [[2, 28, 28], 'uint8'],
      [[2], 'uint8'],
    ])
    expect(await yTest.data()).toEqual(Uint8Array.of(4, 4))
  })

  it('looks into ONDOL_DATASETS, with and without the folder of the set', async () => {
    for (const inside of [folder, join(folder, 'fashion-mnist')]) {
      await writeSmallSet(inside)
      vi.stubEnv('ONDOL_DATASETS', folder)
      expect((await loadData())[0][0].shape).toEqual([3, 28, 28])
    }
  })

  it('names every place that was tried', async () => {
    await expect(loadData({ path: folder })).rejects.toThrow(
      `datasets.fashionMnist.loadData(): train-images-idx3-ubyte.gz was not found.\n  Received: tried\n` +
        `    ${folder}/train-images-idx3-ubyte.gz: no such file\n    ${folder}/train-images-idx3-ubyte: no such file\n` +
        `  Hint: on Debian and Ubuntu: apt-get install dataset-fashion-mnist;`,
    )
  })

  it('says when labels and images do not belong together', async () => {
    await writeSmallSet(folder, { labels: 5 })
    await expect(loadData({ path: folder, fetch: unreachable })).rejects.toThrow(
      'there are not as many labels as images.\n  Received: images (3, 28, 28), labels (5,)',
    )
  })

  it('says when a file holds something else', async () => {
    await writeSmallSet(folder)
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), idx([3, 2], 1))
    await expect(loadData({ path: folder })).rejects.toThrow('Expected: uint8 of rank 1\n  Received: Uint8Array (3, 2)')
  })

  it('has a name for each class', () => {
    expect(fashionMnist.classNames).toHaveLength(10)
    expect(fashionMnist.classNames[9]).toBe('Ankle boot')
  })
})
