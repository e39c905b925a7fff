/** Zip archives: fields of records get other values, members are packed and then not what they say, files are cut. */
import { deflateRawSync } from 'node:zlib'
import { sourceOf } from '../../packages/ondol/src/core/bytes.js'
import { loadModel } from '../../packages/ondol/src/models/load-model.js'
import { bytesFrom } from '../../packages/ondol/src/saving/location.js'
import { crc32 } from '../../packages/ondol/src/saving/zip/crc32.js'
import { ZipReader } from '../../packages/ondol/src/saving/zip/reader.js'
import { ZipWriter } from '../../packages/ondol/src/saving/zip/writer.js'
import { cutSometimes, EDGES, type Kind, latin1, modelFiles, seedModels, write } from './kind.js'
import type { Random } from './random.js'

/** What comes after `PK` at the beginning of records. */
const [CENTRAL, ...OTHER_RECORDS] = ['\x01\x02', '\x03\x04', '\x05\x06', '\x06\x06', '\x06\x07'] as const

/** Where records of these kinds begin. */
function recordsIn(bytes: Uint8Array, kinds: readonly string[]): number[] {
  const text = latin1(bytes)
  return [...text.matchAll(/PK/g)].flatMap(({ index }) => (kinds.some((kind) => text.startsWith(kind, index + 2)) ? [index] : []))
}

export function damagedZip(random: Random, seed: Uint8Array): Uint8Array {
  const bytes = random.below(3) === 0 ? mislabelled(seed, random) : seed.slice()
  const records = recordsIn(bytes, [CENTRAL, ...OTHER_RECORDS])
  for (let count = 1 + random.below(3); count > 0; count--) {
    const at = random.pick(records) + 4 + random.below(random.pick([12, 44, 60]))
    switch (random.below(5)) {
      case 0:
        bytes[at]! ^= 1 << random.below(8)
        break
      case 1:
        write(bytes, at, random.pick([2, 4, 8]), random.pick([...EDGES, bytes.length, random.below(bytes.length)]))
        break
      case 2:
        write(bytes, at, 4, random.pick(records))
        break
      case 3:
        bytes.copyWithin(at, random.pick(records), random.pick(records) + random.below(60))
        break
      default:
        bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
    }
  }
  return cutSometimes(bytes, random, 20)
}

/** The archive with a member that says to be deflated, and is not, or is longer or shorter than it says. */
function mislabelled(seed: Uint8Array, random: Random): Uint8Array {
  const bytes = seed.slice()
  const at = random.pick(recordsIn(bytes, [CENTRAL]))
  write(bytes, at + 10, 2, 8)
  write(bytes, at + 24, 4, random.pick([...EDGES, 1000]))
  return bytes
}

/** Members of an archive, in its order. */
export async function membersOf(archive: Uint8Array): Promise<Map<string, Uint8Array>> {
  const zip = await ZipReader.open(sourceOf(archive, 'seed'))
  const members = new Map<string, Uint8Array>()
  for (const [name, { byteLength }] of zip.members) members.set(name, await zip.read(name, byteLength))
  return members
}

/** An archive whose checksums are right, whatever is in it; packed now and then, as other programs do it. */
export async function archiveOf(members: Iterable<readonly [name: string, content: Uint8Array]>, random: Random): Promise<Uint8Array> {
  if (random.below(3) > 0) {
    return bytesFrom(async (sink) => {
      const writer = new ZipWriter(sink)
      for (const [name, content] of members) await writer.add(name, content)
      await writer.finish()
    })
  }
  return packedArchive(members)
}

/** A bomb among the members: much comes out of little. */
export const bomb = (random: Random): Uint8Array => new Uint8Array(random.pick([2 ** 16, 2 ** 20, 2 ** 24])).fill(random.below(256))

function packedArchive(members: Iterable<readonly [name: string, content: Uint8Array]>): Uint8Array {
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let at = 0
  for (const [name, content] of members) {
    const [label, data] = [new TextEncoder().encode(name), deflateRawSync(content, { level: 1 })]
    const common = new Uint8Array(26)
    for (const [offset, width, value] of [
      [0, 2, 20],
      [4, 2, 8],
      [10, 4, crc32(content)],
      [14, 4, data.length],
      [18, 4, content.length],
      [22, 2, label.length],
    ] as const)
      write(common, offset, width, value)
    const central = new Uint8Array(46)
    central.set([0x50, 0x4b, 1, 2, 20, 0])
    central.set(common, 6)
    write(central, 42, 4, at)
    directory.push(central, label)
    parts.push(Uint8Array.of(0x50, 0x4b, 3, 4), common, label, data)
    at += 4 + common.length + label.length + data.length
  }
  const end = new Uint8Array(22)
  end.set([0x50, 0x4b, 5, 6])
  write(end, 8, 2, directory.length / 2)
  write(end, 10, 2, directory.length / 2)
  const size = directory.reduce((sum, { length }) => sum + length, 0)
  write(end, 12, 4, size)
  write(end, 16, 4, at)
  return new Uint8Array(Buffer.concat([...parts, ...directory, end]))
}

/** `.keras` files with records that lie. */
export async function zipKind(): Promise<Kind> {
  await seedModels()
  const seeds = modelFiles()
  const contents = await Promise.all(seeds.map(membersOf))
  return async (random) => {
    const at = random.below(seeds.length)
    const [seed, members] = [seeds[at] as Uint8Array, new Map(contents[at])]
    const isOther = random.below(3) === 0
    if (isOther && random.below(3) === 0) members.set(random.pick([...members.keys(), 'assets/x', 'config.json']), bomb(random))
    const bytes = damagedZip(random, isOther ? await archiveOf(members, random) : seed)
    return { byteLength: bytes.length, read: async () => void (await loadModel(bytes)) }
  }
}
