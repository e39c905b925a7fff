/** HDF5 files as Keras uses them, damaged by their structure and loaded as models and weights: what stands above the codec is tried too. */
import { loadModel } from '../../packages/ondol/src/models/load-model.js'
import { readShardIndex } from '../../packages/ondol/src/saving/sharding.js'
import { loadWeights } from '../../packages/ondol/src/saving/weights-file.js'
import { damaged, type Seed, seedOf } from './hdf5.js'
import { damagedJson } from './json.js'
import { type Kind, latin1, modelFiles, seedFile, seedModels, weightSeeds } from './kind.js'
import type { Random } from './random.js'
import { archiveOf, membersOf } from './zip.js'

const WEIGHTS = 'model.weights.h5'

/** `.keras` files with damaged weights, and `.weights.h5` alone. */
export async function weightsKind(): Promise<Kind> {
  const archives = await Promise.all(modelFiles().map(membersOf))
  const inside = archives.map((members, i) => seedOf(String(i), members.get(WEIGHTS) as Uint8Array))
  const alone = (await weightSeeds('.weights.h5')).map(({ model, bytes }, i) => ({ model, seed: seedOf(String(i), bytes) }))
  return async (random) => {
    if (random.below(2) === 0) {
      const { name, bytes: weights } = damaged(inside, random)
      const members = new Map(archives[Number(name)]).set(WEIGHTS, weights)
      const bytes = await archiveOf(members, random)
      return { byteLength: bytes.length, read: async () => void (await loadModel(bytes)) }
    }
    const { model, seed } = random.pick(alone)
    const { bytes } = damaged([seed], random)
    return { byteLength: bytes.length, read: async () => void (await loadWeights(model, bytes, { skipMismatch: random.below(4) === 0 })) }
  }
}

/** Where the text of an attribute stands, and its length. */
function textIn(bytes: Uint8Array, beginning: string): readonly [start: number, length: number] | undefined {
  const text = latin1(bytes)
  const start = text.indexOf(beginning)
  if (start < 0) return undefined
  for (let depth = 0, at = start; at < text.length; at++) {
    if (text[at] === '{') depth++
    else if (text[at] === '}' && --depth === 0) return [start, at + 1 - start]
  }
  return undefined
}

/** The descriptions in the attributes, damaged in the room that they have. */
function damagedTexts(random: Random, seed: Uint8Array): Uint8Array {
  const bytes = seed.slice()
  const place = textIn(bytes, random.pick(['{"class_name": "', '{"loss":', '{"optimizer_config":', '{"']))
  if (place === undefined) return bytes
  const [start, length] = place
  const text = damagedJson(new TextDecoder().decode(bytes.subarray(start, start + length)), random)
  bytes.fill(0x20, start, start + length).set(text.subarray(0, length), start)
  return bytes
}

/** `.h5` of older Kerases: whole models, and weights. */
export async function legacyKind(): Promise<Kind> {
  await seedModels()
  const wholes = [seedFile('saved/functional_many.h5'), ...(await legacyModels())]
  const seeds: Seed[] = wholes.map((bytes, i) => seedOf(String(i), bytes))
  const alone = (await weightSeeds('.h5')).map(({ model, bytes }) => ({ model, seed: seedOf('weights', bytes) }))
  return async (random) => {
    if (random.below(3) === 0) {
      const { model, seed } = random.pick(alone)
      const { bytes } = damaged([seed], random)
      return { byteLength: bytes.length, read: async () => void (await loadWeights(model, bytes, { byName: random.below(3) === 0 })) }
    }
    const bytes = random.below(2) === 0 ? damaged(seeds, random).bytes : damagedTexts(random, random.pick(wholes))
    return { byteLength: bytes.length, read: async () => void (await loadModel(bytes)) }
  }
}

async function legacyModels(): Promise<Uint8Array[]> {
  const { bytesFrom } = await import('../../packages/ondol/src/saving/location.js')
  const { legacyModel } = await import('../../packages/ondol/src/saving/legacy-h5-writing.js')
  return Promise.all((await seedModels()).slice(0, 3).map((model) => bytesFrom(legacyModel(model))))
}

const INDEX = JSON.stringify({
  metadata: { total_size: 4096 },
  weight_map: { '/layers/dense/vars': 'm_00000.weights.h5', '/vars': ['m_00000.weights.h5', 'm_00001.weights.h5'] },
})

/** The index of weights in several files. */
export async function shardsKind(): Promise<Kind> {
  return async (random) => {
    const bytes = damagedJson(INDEX, random)
    return {
      byteLength: bytes.length,
      read: async () => {
        readShardIndex(new TextDecoder().decode(bytes), 'm.weights.json')
        return undefined
      },
    }
  }
}
