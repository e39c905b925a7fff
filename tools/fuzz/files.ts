/**
 * Damages files of models where it hurts, and loads them: zip archives, the JSON in them, safetensors, npz. Each kind
 * knows its structure; checksums are made right again, so that the damage gets through. Nothing but a `SavingError`
 * may come of it, soon, and without much memory.
 */
import { readFileSync } from 'node:fs'
import { sourceOf } from '../../packages/ondol/src/core/bytes.js'
import { SavingError } from '../../packages/ondol/src/core/errors.js'
import { Model } from '../../packages/ondol/src/models/index.js'
import { loadModel } from '../../packages/ondol/src/models/load-model.js'
import { bytesFrom } from '../../packages/ondol/src/saving/location.js'
import { openNpz } from '../../packages/ondol/src/saving/npz.js'
import { openSafetensors } from '../../packages/ondol/src/saving/safetensors-weights.js'
import { saveWeights } from '../../packages/ondol/src/saving/weights-file.js'
import { crc32 } from '../../packages/ondol/src/saving/zip/crc32.js'
import { ZipReader } from '../../packages/ondol/src/saving/zip/reader.js'
import { ZipWriter } from '../../packages/ondol/src/saving/zip/writer.js'
import type { Outcome } from './hdf5.js'
import { Random } from './random.js'

/** A kind of files: damaged copies of seeds, and what reads them. */
interface Kind {
  /** The file of a case. */
  damaged(random: Random): Promise<Uint8Array>
  /** Reads all of it. */
  read(bytes: Uint8Array): Promise<unknown>
}

const saved = new URL('../../packages/ondol/src/testing/vectors/saved/', import.meta.url)
const SEEDS = ['convnet', 'functional_many', 'nested', 'graph_of_ops', 'embedded_lstm', 'half_weights'] as const
const seedBytes = (name: string): Uint8Array => Uint8Array.from(readFileSync(new URL(`${name}.keras`, saved)))

/** Numbers that readers get wrong. */
const EDGES = [0, 1, 2, 7, 255, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 40, 2 ** 53] as const

function write(bytes: Uint8Array, at: number, width: number, value: number): void {
  for (let i = 0, rest = value; i < width && at + i < bytes.length; i++, rest = Math.floor(rest / 256)) bytes[at + i] = rest % 256
}

/** What comes after `PK` at the beginning of records. */
const [CENTRAL, ...OTHER_RECORDS] = ['\x01\x02', '\x03\x04', '\x05\x06', '\x06\x06', '\x06\x07'] as const

/** Where records of these kinds begin. */
function recordsIn(bytes: Uint8Array, kinds: readonly string[]): number[] {
  const text = Buffer.from(bytes).toString('latin1')
  return [...text.matchAll(/PK/g)].flatMap(({ index }) => (kinds.some((kind) => text.startsWith(kind, index + 2)) ? [index] : []))
}

/** Fields of records get other values; members are packed, and then not what they say; files are cut and joined. */
async function damagedZip(random: Random, seed: Uint8Array): Promise<Uint8Array> {
  let bytes = random.below(3) === 0 ? packed(seed, random) : seed.slice()
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
  if (random.below(20) === 0) bytes = bytes.slice(0, random.below(bytes.length))
  return bytes
}

/** The archive with a member that says to be deflated, and is not, or is longer or shorter than it says. */
function packed(seed: Uint8Array, random: Random): Uint8Array {
  const bytes = seed.slice()
  const central = recordsIn(bytes, [CENTRAL])
  const at = random.pick(central)
  write(bytes, at + 10, 2, 8)
  write(bytes, at + 24, 4, random.pick([...EDGES, 1000]))
  return bytes
}

/** Values of a config that mean something elsewhere. */
const STRANGE = [
  null,
  true,
  -1,
  0,
  1e9,
  2 ** 53,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  'relu',
  '__proto__',
  'constructor',
  'x'.repeat(100_000),
  [],
  {},
  [null, 1e9, 1e9],
  { class_name: 'Dense', config: { units: 1e9 } },
  { class_name: '__lambda__', config: { value: 'gANj' } },
  { class_name: '__tensor__', config: { value: [1, [2]], dtype: 'float32' } },
  { class_name: 'Sequential', config: { layers: [] }, module: 'keras' },
  { class_name: 'function', config: 'eval', module: 'builtins', registered_name: 'function' },
] as const

/** A config in which values are others, stand elsewhere, are there twice, or are not there; or its text is damaged. */
async function damagedJson(random: Random, seed: Uint8Array): Promise<Uint8Array> {
  const zip = await ZipReader.open(sourceOf(seed, 'seed'))
  const members = await Promise.all([...zip.members.keys()].map(async (name) => [name, await zip.read(name, seed.length)] as const))
  return bytesFrom(async (sink) => {
    const writer = new ZipWriter(sink)
    for (const [name, content] of members)
      await writer.add(name, name === 'config.json' ? damagedText(new TextDecoder().decode(content), random) : content)
    await writer.finish()
  })
}

function damagedText(text: string, random: Random): Uint8Array {
  const root: unknown = JSON.parse(text)
  const places: [parent: Record<string, unknown>, key: string][] = []
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key])
      collect((value as Record<string, unknown>)[key])
    }
  }
  collect(root)
  const copy = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
  for (let count = 1 + random.below(3); count > 0; count--) {
    const [parent, key] = random.pick(places)
    const [other, otherKey] = random.pick(places)
    switch (random.below(5)) {
      case 0:
        delete parent[key]
        break
      case 1:
        parent[key] = copy(other[otherKey] ?? null)
        break
      case 2:
        parent[Array.isArray(parent) ? key : otherKey] = copy(parent[key] ?? null)
        break
      default:
        parent[key] = random.pick(STRANGE)
    }
  }
  const python = JSON.stringify(root, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? '§' : value)).replaceAll(
    '"§"',
    'NaN',
  )
  const bytes = new TextEncoder().encode(random.below(30) === 0 ? '['.repeat(100_000) + python : python)
  if (random.below(8) === 0) bytes[random.below(bytes.length)] = random.below(256)
  return random.below(30) === 0 ? bytes.slice(0, random.below(bytes.length)) : bytes
}

/** The header says other names, shapes, types and places, or its length is another. */
async function damagedSafetensors(random: Random, seed: Uint8Array): Promise<Uint8Array> {
  const length = Number(new DataView(seed.buffer, seed.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(seed.subarray(8, 8 + length))) as Record<
    string,
    { shape: number[]; data_offsets: number[]; dtype: string }
  >
  const names = Object.keys(header).filter((name) => name !== '__metadata__')
  for (let count = 1 + random.below(3); count > 0; count--) {
    const entry = header[random.pick(names)]!
    const list = random.pick([entry.shape, entry.data_offsets].filter(Array.isArray).concat([[]]))
    switch (random.below(6)) {
      case 0:
        list[random.below(Math.max(1, list.length))] = random.pick([...EDGES, -1, 0.5, seed.length])
        break
      case 1:
        entry.dtype = random.pick(['F64', 'F16', 'BF16', 'BOOL', 'I64', 'U8', 'F8_E4M3', 'F4', '__proto__'])
        break
      case 2:
        list.push(random.pick(EDGES))
        break
      case 3:
        Object.assign(header, { [random.pick(['__proto__', '', 'vars/0', '__metadata__'])]: structuredClone(entry) })
        break
      case 4:
        Object.assign(entry, { [random.pick(['shape', 'dtype', 'data_offsets'])]: random.pick([null, 1, 'F32', {}, [1]]) })
        break
      default:
        delete header[random.pick(names)]
        if (Object.keys(header).length < 2) return seed.slice(0, random.below(seed.length))
    }
    if (names.some((name) => header[name] === undefined)) break
  }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + seed.length - 8 - length)
  bytes.set(text, 8)
  bytes.set(seed.subarray(8 + length), 8 + text.length)
  write(bytes, 0, 8, random.below(10) === 0 ? random.pick(EDGES) : text.length)
  return random.below(15) === 0 ? bytes.slice(0, random.below(bytes.length)) : bytes
}

/** Headers of arrays say other shapes and types; the checksums of the archive are right. */
async function damagedNpz(random: Random, seed: Uint8Array): Promise<Uint8Array> {
  if (random.below(4) === 0) return damagedZip(random, seed)
  const bytes = seed.slice()
  const text = Buffer.from(bytes).toString('latin1')
  const arrays = [...text.matchAll(/\u0093NUMPY/g)].map(({ index }) => index)
  const at = random.pick(arrays)
  const field = random.pick(["'descr': '", "'fortran_order': ", "'shape': ("])
  const start = text.indexOf(field, at) + field.length
  const value = random.pick(['|O', '<f8', '>f4', 'False', 'True ', '9999999,', '2, 3), }', ',,,', '1e9,', '-1,', '<U9', '0), }'])
  if (random.below(5) === 0) bytes[at + random.below(12)] = random.below(256)
  else bytes.set(new TextEncoder().encode(value), start)
  const members = await ZipReader.open(sourceOf(seed, 'seed'))
  for (const { name, offset, byteLength } of members.members.values()) {
    const data = offset + 30 + name.length
    const crc = crc32(bytes.subarray(data, data + byteLength))
    write(bytes, offset + 14, 4, crc)
    for (const entry of recordsIn(seed, [CENTRAL])) if (text.startsWith(name, entry + 46)) write(bytes, entry + 16, 4, crc)
  }
  return bytes
}

async function readArrays({ arrays }: Awaited<ReturnType<typeof openNpz>>): Promise<void> {
  for (const array of arrays.values()) await array.read()
}

/** The seeds, which load as long as nothing is damaged. */
async function seedModels(): Promise<Model[]> {
  const models = await Promise.all(SEEDS.map((name) => loadModel(seedBytes(name))))
  if (!models.every((model) => model instanceof Model)) throw new Error('the seeds are no models')
  return models
}

async function weightsOfSeeds(format: '.safetensors' | '.npz'): Promise<Uint8Array[]> {
  return Promise.all((await seedModels()).map((model) => saveWeights(model, { format })))
}

/** What there is to damage. */
export const KINDS: Readonly<Record<string, () => Promise<Kind>>> = {
  async zip() {
    await seedModels()
    const seeds = SEEDS.map(seedBytes)
    return { damaged: (random) => damagedZip(random, random.pick(seeds)), read: loadModel }
  },
  async json() {
    await seedModels()
    const seeds = SEEDS.map(seedBytes)
    return { damaged: (random) => damagedJson(random, random.pick(seeds)), read: loadModel }
  },
  async safetensors() {
    const seeds = await weightsOfSeeds('.safetensors')
    return {
      damaged: (random) => damagedSafetensors(random, random.pick(seeds)),
      read: async (bytes) => readArrays(await openSafetensors(sourceOf(bytes))),
    }
  },
  async npz() {
    const seeds = await weightsOfSeeds('.npz')
    return {
      damaged: (random) => damagedNpz(random, random.pick(seeds)),
      read: async (bytes) => readArrays(await openNpz(sourceOf(bytes))),
    }
  },
}

/** Runs cases one after the other; stops at the first that fails, with its number. */
export async function fuzzFiles(kindName: string, first: number, cases: number): Promise<Outcome> {
  const kind = await (KINDS[kindName] as () => Promise<Kind>)()
  let refused = 0
  let slowest = { milliseconds: 0, number: first }
  for (let number = first; number < first + cases; number++) {
    const bytes = await kind.damaged(new Random(number))
    // What others do on the machine is not this reader's.
    const start = process.cpuUsage()
    await kind.read(bytes).catch((error: unknown) => {
      if (!(error instanceof SavingError))
        throw new Error(`${kindName} case ${number}: ${error instanceof Error ? error.stack : String(error)}`)
      refused++
    })
    const milliseconds = process.cpuUsage(start).user / 1000
    if (milliseconds > slowest.milliseconds) slowest = { milliseconds, number }
    if (milliseconds > SLOWEST) throw new Error(`${kindName} case ${number} took ${Math.round(milliseconds)} ms`)
  }
  return { cases, refused, slowest }
}

/** Milliseconds of computing for a file of some kilobytes. */
const SLOWEST = 3000
