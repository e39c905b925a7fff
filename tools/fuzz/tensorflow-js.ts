/** TensorFlow.js's models: `model.json` is damaged, or its list of weights; shards are cut, swapped, or not there. */
import { loadModel } from '../../packages/ondol/src/models/load-model.js'
import { damagedJson } from './json.js'
import { cutSometimes, EDGES, type Kind, seedFile } from './kind.js'
import type { Random } from './random.js'

interface Weight {
  name: unknown
  shape: number[]
  dtype: unknown
  quantization?: unknown
}

interface Seed {
  readonly modelTopology: unknown
  readonly format: string
  readonly weightSpecs: readonly Weight[]
  /** Base64 of all weights. */
  readonly data: string
}

const QUANTIZATIONS = [
  null,
  1,
  {},
  { dtype: 'uint8', scale: 1e300, min: -1e300 },
  { dtype: 'uint16', scale: Number.NaN, min: 0 },
  { dtype: 'float16' },
  { dtype: 'uint8', min: 'x' },
]

function damagedSpecs(weights: Weight[], random: Random): void {
  for (let count = 1 + random.below(2); count > 0; count--) {
    const weight = random.pick(weights)
    if (typeof weight !== 'object' || weight === null) return
    const { shape } = weight
    switch (random.below(6)) {
      case 0:
        if (Array.isArray(shape)) shape[random.below(Math.max(1, shape.length))] = random.pick([...EDGES, -1, 0.5])
        break
      case 1:
        weight.dtype = random.pick(['int32', 'uint8', 'bool', 'string', 'complex64', 'float64', '__proto__'])
        break
      case 2:
        weight.quantization = random.pick(QUANTIZATIONS)
        break
      case 3:
        weight.name = random.pick([...weights.map(({ name }) => name), '', '__proto__', 7])
        break
      case 4:
        weights.splice(random.below(weights.length), 1)
        if (weights.length === 0) return
        break
      default:
        weights.push(structuredClone(weight))
    }
  }
}

export async function tensorFlowJsKind(): Promise<Kind> {
  const text = new TextDecoder().decode(seedFile('saved/tensorflow-js.json'))
  const seeds = Object.values(JSON.parse(text) as Readonly<Record<string, Seed>>)
  return async (random) => {
    const { modelTopology, format, weightSpecs, data } = random.pick(seeds)
    const weights = structuredClone(weightSpecs) as Weight[]
    const where = random.below(3)
    if (where === 0) damagedSpecs(weights, random)
    const bytes = Uint8Array.from(Buffer.from(data, 'base64'))
    const cut = random.below(bytes.length)
    const shards = [bytes.slice(0, cut), bytes.slice(cut)].map((shard) => (where === 1 ? cutSometimes(shard, random, 2) : shard))
    const paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin']
    if (where === 1 && random.below(3) === 0) paths[random.below(2)] = random.pick(['../x', '/etc/passwd', '', 'model.json', 'none.bin'])
    const whole = JSON.stringify({ format, generatedBy: '', modelTopology, weightsManifest: [{ paths, weights }] })
    const json = where === 2 ? damagedJson(whole, random) : new TextEncoder().encode(whole)
    const files = Object.fromEntries([['model.json', json], ...shards.map((shard, i) => [`group1-shard${i + 1}of2.bin`, shard] as const)])
    return {
      byteLength: Object.values(files).reduce((sum, file) => sum + file.byteLength, 0),
      read: async () => void (await loadModel(files)),
    }
  }
}
