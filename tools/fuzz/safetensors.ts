/** Safetensors: the header says other names, shapes, types and places, or its length is another. */
import { sourceOf } from '../../packages/ondol/src/core/bytes.js'
import { openSafetensors } from '../../packages/ondol/src/saving/safetensors-weights.js'
import type { NamedArrays } from '../../packages/ondol/src/saving/weights-by-name.js'
import { loadWeights } from '../../packages/ondol/src/saving/weights-file.js'
import { damagedJson } from './json.js'
import { cutSometimes, EDGES, type Kind, seedFile, weightSeeds, write } from './kind.js'
import type { Random } from './random.js'

type Header = Record<string, { shape: number[]; data_offsets: number[]; dtype: string }>

function damagedSafetensors(random: Random, seed: Uint8Array): Uint8Array {
  const length = Number(new DataView(seed.buffer, seed.byteOffset).getBigUint64(0, true))
  const text = new TextDecoder().decode(seed.subarray(8, 8 + length))
  const header = random.below(4) === 0 ? damagedJson(text, random) : new TextEncoder().encode(JSON.stringify(damagedHeader(text, random)))
  const bytes = new Uint8Array(8 + header.length + seed.length - 8 - length)
  bytes.set(header, 8)
  bytes.set(seed.subarray(8 + length), 8 + header.length)
  write(bytes, 0, 8, random.below(10) === 0 ? random.pick(EDGES) : header.length)
  return cutSometimes(bytes, random, 15)
}

function damagedHeader(text: string, random: Random): Header {
  const header = JSON.parse(text) as Header
  for (let count = 1 + random.below(3); count > 0; count--) {
    const names = Object.keys(header).filter((name) => name !== '__metadata__')
    const entry = header[random.pick(names)]
    if (entry === undefined) return header
    const list = random.pick([entry.shape, entry.data_offsets].filter(Array.isArray).concat([[]]))
    switch (random.below(6)) {
      case 0:
        list[random.below(Math.max(1, list.length))] = random.pick([...EDGES, -1, 0.5])
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
    }
  }
  return header
}

export async function readArrays({ arrays }: NamedArrays): Promise<undefined> {
  for (const array of arrays.values()) await array.read()
}

/** Files of ours, loaded into their models, and one of Hugging Face's library, read through. */
export async function safetensorsKind(): Promise<Kind> {
  const seeds = await weightSeeds('.safetensors')
  const foreign = seedFile('arrays/tensors.safetensors')
  return async (random) => {
    const { model, bytes: seed } = random.pick(seeds)
    if (random.below(2) === 0) {
      const bytes = damagedSafetensors(random, seed)
      return { byteLength: bytes.length, read: async () => void (await loadWeights(model, bytes, { byName: random.below(2) === 0 })) }
    }
    const bytes = damagedSafetensors(random, random.below(2) === 0 ? foreign : seed)
    return { byteLength: bytes.length, read: async () => readArrays(await openSafetensors(sourceOf(bytes))) }
  }
}
