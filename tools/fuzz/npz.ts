/** NumPy's archives: headers of arrays say other shapes and types; the checksums of the archive are right. */
import { sourceOf } from '../../packages/ondol/src/core/bytes.js'
import { openNpz } from '../../packages/ondol/src/saving/npz.js'
import { loadWeights } from '../../packages/ondol/src/saving/weights-file.js'
import { cutSometimes, type Kind, latin1, seedFile, weightSeeds } from './kind.js'
import type { Random } from './random.js'
import { readArrays } from './safetensors.js'
import { archiveOf, bomb, damagedZip, membersOf } from './zip.js'

const FIELDS = ["'descr': '", "'fortran_order': ", "'shape': ("] as const
const VALUES = [
  '|O',
  '<f8',
  '>f4',
  'False',
  'True ',
  '9999999,',
  '2, 3), }',
  ',,,',
  '1e9,',
  '-1,',
  '<U9',
  '0), }',
  '99999999999999999999,',
] as const

function damagedArray(random: Random, seed: Uint8Array): Uint8Array {
  const bytes = seed.slice()
  const field = random.pick(FIELDS)
  const start = latin1(bytes.subarray(0, 200)).indexOf(field)
  switch (random.below(5)) {
    case 0:
      if (bytes.length > 12) bytes[random.below(12)] = random.below(256)
      return bytes
    case 1:
      return cutSometimes(bytes, random, 1)
    case 2:
      return Uint8Array.from([...bytes, ...new Uint8Array(random.pick([1, 4, 4096]))])
    default: {
      const text = new TextEncoder().encode(random.pick(VALUES))
      if (start >= 0) bytes.set(text.subarray(0, bytes.length - start - field.length), start + field.length)
      return bytes
    }
  }
}

async function damagedNpz(random: Random, seed: Uint8Array, members: ReadonlyMap<string, Uint8Array>): Promise<Uint8Array> {
  if (random.below(4) === 0) return damagedZip(random, seed)
  const damaged = new Map(members)
  for (let count = 1 + random.below(3); count > 0; count--) {
    const name = random.pick([...damaged.keys()])
    damaged.set(name, random.below(20) === 0 ? bomb(random) : damagedArray(random, damaged.get(name) as Uint8Array))
  }
  return archiveOf(damaged, random)
}

/** Files of ours, loaded into their models, and NumPy's own, read through. */
export async function npzKind(): Promise<Kind> {
  const own = await weightSeeds('.npz')
  const foreign = ['plain', 'packed'].map((name) => ({ model: undefined, bytes: seedFile(`arrays/${name}.npz`) }))
  const seeds = await Promise.all([...own, ...foreign].map(async (seed) => ({ ...seed, members: await membersOf(seed.bytes) })))
  return async (random) => {
    const { model, bytes: seed, members } = random.pick(seeds)
    const bytes = await damagedNpz(random, seed, members)
    const isWhole = model === undefined || random.below(2) === 0
    return {
      byteLength: bytes.length,
      read: async () => (isWhole ? readArrays(await openNpz(sourceOf(bytes))) : void (await loadWeights(model, bytes))),
    }
  }
}
