/** JSON that describes models: values are others, stand elsewhere, are there twice, or not at all; or the text is damaged. */
import { loadModel } from '../../packages/ondol/src/models/load-model.js'
import { cutSometimes, EDGES, type Kind, modelFiles, seedModels } from './kind.js'
import type { Random } from './random.js'
import { archiveOf, membersOf } from './zip.js'

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
  '\ud800',
  [],
  {},
  [null, 1e9, 1e9],
  { class_name: 'Dense', config: { units: 1e9 } },
  { class_name: '__lambda__', config: { value: 'gANj' } },
  { class_name: '__tensor__', config: { value: [1, [2]], dtype: 'float32' } },
  { class_name: '__numpy__', config: { value: 1e9, dtype: 'complex128' } },
  { class_name: '__slice__', config: { start: 1e9, stop: -1, step: 0 } },
  { class_name: 'Sequential', config: { layers: [] }, module: 'keras' },
  { class_name: 'function', config: 'eval', module: 'builtins', registered_name: 'function' },
] as const

type Place = readonly [parent: Record<string, unknown>, key: string]

/** `text`, a JSON text of Python, damaged. */
export function damagedJson(text: string, random: Random): Uint8Array {
  const root: unknown = JSON.parse(text)
  const places: Place[] = []
  const numbers: Place[] = []
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, item] of Object.entries(value)) {
      const place = [value as Record<string, unknown>, key] as const
      places.push(place)
      if (typeof item === 'number') numbers.push(place)
      collect(item)
    }
  }
  collect(root)
  if (places.length === 0) return new TextEncoder().encode(text)
  const copy = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))
  for (let count = 1 + random.below(3); count > 0; count--) {
    const [parent, key] = random.pick(places)
    const [other, otherKey] = random.pick(places)
    switch (random.below(6)) {
      case 0:
        delete parent[key]
        break
      case 1:
        parent[key] = copy(other[otherKey])
        break
      case 2:
        parent[Array.isArray(parent) ? key : otherKey] = copy(parent[key])
        break
      case 3: {
        const [owner, name] = numbers.length > 0 ? random.pick(numbers) : [parent, key]
        owner[name] = random.pick([...EDGES, -1, 1e3, 1e5, 0.5, -(2 ** 31)])
        break
      }
      default:
        parent[key] = random.pick(STRANGE)
    }
  }
  const marked = JSON.stringify(root, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? '§' : value))
  const python = marked.replaceAll('"§"', 'NaN')
  const bytes = new TextEncoder().encode(random.below(30) === 0 ? '['.repeat(100_000) + python : python)
  if (random.below(8) === 0) bytes[random.below(bytes.length)] = random.below(256)
  return cutSometimes(bytes, random, 30)
}

/** `.keras` files whose `config.json` is damaged. */
export async function jsonKind(): Promise<Kind> {
  await seedModels()
  const seeds = await Promise.all(modelFiles().map(membersOf))
  return async (random) => {
    const members = new Map(random.pick(seeds))
    members.set('config.json', damagedJson(new TextDecoder().decode(members.get('config.json')), random))
    const bytes = await archiveOf(members, random)
    return { byteLength: bytes.length, read: async () => void (await loadModel(bytes)) }
  }
}
