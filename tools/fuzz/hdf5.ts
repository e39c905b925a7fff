/**
 * Damages HDF5 files where it hurts, and reads them: fields get sizes and addresses that lie, structures are led to
 * each other, files are cut; the checksums are made right again, so that the damage gets through. Nothing but a
 * `SavingError` may come of it, soon, and without much memory.
 */
import { sourceOf } from '../../packages/ondol/src/core/bytes.js'
import { SavingError } from '../../packages/ondol/src/core/errors.js'
import { checksum } from '../../packages/ondol/src/saving/hdf5/format/checksum.js'
import { type H5Dataset, type H5Group, openHdf5 } from '../../packages/ondol/src/saving/hdf5/index.js'
import { h5Vectors } from '../../packages/ondol/src/saving/hdf5/testing/vectors.js'
import { cutSometimes, type Kind, latin1, write } from './kind.js'
import type { Random } from './random.js'

export interface Seed {
  readonly name: string
  readonly bytes: Uint8Array
  /** Where structures begin. */
  readonly structures: readonly number[]
  /** Bytes that end in a checksum of the rest. */
  readonly checked: readonly { start: number; size: number }[]
}

const SIGNATURES = 'TREE SNOD HEAP GCOL OHDR OCHK BTHD BTIN BTLF FRHP FHIB FHDB FAHD FADB EAHD EAIB EASB EADB'.split(' ')

/** Longest structure whose checksum is looked for. */
const LONGEST = 2400

export function seedOf(name: string, bytes: Uint8Array): Seed {
  const text = latin1(bytes)
  const structures = [...text.matchAll(new RegExp(SIGNATURES.join('|'), 'g'))].map(({ index }) => index)
  const checked = structures.flatMap((start) => {
    const size = text.startsWith('TREE', start) ? undefined : checkedSize(bytes.subarray(start, start + LONGEST))
    return size === undefined ? [] : [{ start, size }]
  })
  const superblock = text.indexOf('\x89HDF')
  const isNew = (bytes[superblock + 8] ?? 0) >= 2
  return { name, bytes, structures: [superblock, ...structures], checked: isNew ? [{ start: superblock, size: 48 }, ...checked] : checked }
}

function checkedSize(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let size = 8; size <= bytes.byteLength; size++)
    if (view.getUint32(size - 4, true) === checksum(bytes.subarray(0, size - 4))) return size
  return undefined
}

/** One of the seeds, damaged. */
export function damaged(seeds: readonly Seed[], random: Random): { name: string; bytes: Uint8Array } {
  const seed = random.pick(seeds)
  const bytes = seed.bytes.slice()
  for (let count = 1 + random.below(4); count > 0; count--) random.pick(DAMAGES)(bytes, seed, random)
  for (const { start, size } of seed.checked) {
    const view = new DataView(bytes.buffer, start, size)
    view.setUint32(size - 4, checksum(bytes.subarray(start, start + size - 4)), true)
  }
  return { name: seed.name, bytes: cutSometimes(bytes, random, 20) }
}

type Damage = (bytes: Uint8Array, seed: Seed, random: Random) => void

/** A position in or near a structure most of the time. */
function position({ structures, bytes }: Seed, random: Random): number {
  if (random.below(4) === 0) return random.below(bytes.length - 8)
  return Math.min(random.pick(structures) + 4 + random.below(random.pick([16, 64, 300])), bytes.length - 8)
}

const DAMAGES: readonly Damage[] = [
  function flipBit(bytes, seed, random) {
    bytes[position(seed, random)]! ^= 1 << random.below(8)
  },
  function setByte(bytes, seed, random) {
    bytes[position(seed, random)] = random.pick([0, 1, 2, 3, 4, 5, 8, 16, 32, 127, 128, 255, random.below(256)])
  },
  function lieAboutSize(bytes, seed, random) {
    const value = random.pick([
      0,
      1,
      7,
      8,
      255,
      65535,
      bytes.length,
      bytes.length - 1,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 40,
      2 ** 53,
      random.below(4096),
    ])
    write(bytes, position(seed, random), random.pick([1, 2, 4, 8]), value)
  },
  function leadElsewhere(bytes, seed, random) {
    write(bytes, position(seed, random) & ~7, 8, random.pick(seed.structures))
  },
  function replaceAddress(bytes, seed, random) {
    const addresses = addressFields(seed)
    if (addresses.length > 0)
      write(bytes, random.pick(addresses), 8, random.pick([random.pick(seed.structures), random.below(bytes.length), 2 ** 50]))
  },
  function copyBytes(bytes, seed, random) {
    const size = random.pick([1, 2, 4, 8, 16, 40, 100])
    const [from, to] = [position(seed, random), position(seed, random)]
    bytes.copyWithin(to, from, Math.min(from + size, bytes.length))
  },
]

const fields = new WeakMap<Seed, number[]>()

/** Where eight bytes are the address of a structure. */
function addressFields(seed: Seed): number[] {
  let found = fields.get(seed)
  if (found === undefined) {
    const view = new DataView(seed.bytes.buffer, seed.bytes.byteOffset, seed.bytes.byteLength)
    const targets = new Set(seed.structures)
    found = []
    for (let at = 0; at + 8 <= seed.bytes.length; at++)
      if (view.getUint32(at + 4, true) === 0 && view.getUint32(at, true) > 0 && targets.has(view.getUint32(at, true))) found.push(at)
    fields.set(seed, found)
  }
  return found
}

/** Objects that are looked at: a file whose groups are linked in many ways has more paths than time. */
const MOST_OBJECTS = 2000

/** Reads everything in a file; returns how many objects were refused. Any error but a `SavingError` comes through. */
export async function readEverything(bytes: Uint8Array, name: string): Promise<number> {
  let refused = 0
  const attempt = async <T>(action: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await action()
    } catch (error) {
      if (!(error instanceof SavingError)) throw error
      refused++
      return undefined
    }
  }
  const root = await attempt(() => openHdf5(sourceOf(bytes, name)))
  const waiting: (H5Group | H5Dataset)[] = root === undefined ? [] : [root]
  let count = 0
  for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
    const current = object
    for (const attribute of current.attributeNames) await attempt(() => current.attribute(attribute))
    if (current.kind === 'dataset') {
      await attempt<unknown>(() => (current.dtype === 'string' ? current.strings() : current.read()))
      continue
    }
    for (const key of current.keys()) {
      if (++count > MOST_OBJECTS) return refused
      const child = await attempt(() => current.get(key))
      if (child !== undefined) waiting.push(child)
    }
  }
  return refused
}

/** Files of h5py, with every structure there is, read through. */
export async function hdf5Kind(): Promise<Kind> {
  const seeds = h5Vectors().map(({ name, bytes }) => seedOf(name, bytes))
  return async (random) => {
    const { name, bytes } = damaged(seeds, random)
    return { byteLength: bytes.length, read: () => readEverything(bytes, name) }
  }
}
