/** Damaged files of every format end with a DataError that names a place, or with data; nothing else, whatever the damage. */
import { beforeAll, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { sourceOf } from '../core/bytes.js'
import { DataError } from '../core/errors.js'
import { useBackend } from '../engine/index.js'
import { readVectors } from '../testing/vectors.js'
import { tarMembers } from '../utils/tar.js'
import { decodeWav } from '../utils/wav.js'
import { parseIdx } from './idx.js'
import { readMat } from './mat5.js'
import { NpzFile } from './npz.js'

/** For a longer run: ONDOL_FUZZ_CASES=20000 npx vitest run --project unit packages/ondol/src/datasets/damage.test.ts */
const CASES = Number(process.env.ONDOL_FUZZ_CASES ?? 150)

const vectors = readVectors<{
  readonly imdb: { readonly file: string }
  readonly reuters: { readonly file: string }
  readonly mnist: { readonly file: string }
  readonly cifar100: { readonly python: string }
  readonly mat: readonly { readonly file: string }[]
}>('datasets')
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

const npz = async (bytes: Uint8Array, lists: readonly string[], numbers: readonly string[]): Promise<void> => {
  const file = await NpzFile.open({ bytes, place: 'it' })
  for (const name of lists) await file.lists(name)
  for (const name of numbers) await file.numbers(name, 1)
}

async function unpacked(bytes: Uint8Array): Promise<void> {
  for await (const { pieces } of tarMembers(sourceOf(bytes, 'it'))) for await (const _ of pieces());
}

/** 16-bit samples in two channels, with a chunk that is passed over. */
const wav = Uint8Array.from([
  ...Buffer.from(
    'RIFF\x40\0\0\0WAVELIST\x04\0\0\0abcdfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x10\0data\x0c\0\0\0',
    'latin1',
  ),
  ...new Uint8Array(12).fill(7),
])
const idx = Uint8Array.from([0, 0, 13, 2, 0, 0, 0, 2, 0, 0, 0, 3, ...new Uint8Array(24).fill(64)])

const FORMATS: Readonly<Record<string, { readonly seed: Uint8Array; readonly read: (bytes: Uint8Array) => unknown }>> = {
  'npz of lists': { seed: bytesOf(vectors.imdb.file), read: (bytes) => npz(bytes, ['x_train', 'x_test'], ['y_train', 'y_test']) },
  'packed npz of lists': { seed: bytesOf(vectors.reuters.file), read: (bytes) => npz(bytes, ['x'], ['y']) },
  'npz of numbers': { seed: bytesOf(vectors.mnist.file), read: (bytes) => npz(bytes, [], ['y_train', 'y_test']) },
  'tar.gz': { seed: bytesOf(vectors.cifar100.python), read: unpacked },
  'packed mat': { seed: bytesOf(vectors.mat[1]?.file as string), read: (bytes) => readMat(bytes, 'it') },
  mat: { seed: bytesOf(vectors.mat[2]?.file as string), read: (bytes) => readMat(bytes, 'it') },
  wav: { seed: wav, read: (bytes) => decodeWav(bytes, 'it') },
  idx: { seed: idx, read: (bytes) => parseIdx(bytes, 'it') },
}

/** Numbers that readers get wrong. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff] as const

/** A stream that follows from the number of the case. */
function randomOf(number: number): (limit: number) => number {
  let state = Math.imul(number + 1, 0x9e3779b9)
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0
    return ((state ^ (state >>> 14)) >>> 0) % limit
  }
}

function damaged(seed: Uint8Array, number: number): Uint8Array {
  const below = randomOf(number)
  if (below(6) === 0) return seed.slice(0, below(seed.length))
  const bytes = seed.slice()
  const view = new DataView(bytes.buffer)
  for (let count = 1 + below(3); count > 0; count--) {
    const at = below(bytes.length - 4)
    if (below(2) === 0) bytes[at] = (bytes[at] as number) ^ (1 << below(8))
    else view.setUint32(at, EDGES[below(EDGES.length)] as number, below(2) === 0)
  }
  return bytes
}

beforeAll(() => useBackend(createHostBackend()))

it.each(Object.keys(FORMATS))('%s', { timeout: 60_000 + 100 * CASES }, async (format) => {
  const { seed, read } = FORMATS[format] as (typeof FORMATS)[string]
  await read(seed)
  let refused = 0
  for (let number = 0; number < CASES; number++) {
    try {
      await read(damaged(seed, number))
    } catch (error) {
      refused++
      expect(error instanceof DataError ? (error.where ?? '') : String(error), `case ${number}: ${error}`).toMatch(/^it/)
    }
  }
  // The damage is found in many files; else the readers look away.
  expect(refused / CASES).toBeGreaterThan(format === 'wav' || format === 'mat' ? 0.15 : 0.4)
})
