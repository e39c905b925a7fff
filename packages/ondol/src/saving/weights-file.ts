/** Weights alone: `.weights.h5`, in one file or in shards with an index. */
import { SavingError } from '../core/errors.js'
import { openZip, WEIGHTS } from './archive.js'
import { openHdf5 } from './hdf5/index.js'
import { isLegacy, type LegacyOptions, loadLegacyWeights } from './legacy-h5.js'
import { bytesFrom, type Readable, type WriteOptions, withSource, writeFile } from './location.js'
import type { Saveable } from './saveable.js'
import { mapKey, readShardIndex, shardIndex, shardsOf } from './sharding.js'
import { type LoadOptions, loadState, savedObjects, type WeightReader } from './weights.js'
import { openWeights, readerOf, writeWeights } from './weights-h5.js'

export interface SaveWeightsOptions extends WriteOptions {
  /** Gigabytes in one file; more files are made as needed, with an index `….weights.json`. */
  readonly maxShardSize?: number
}

/**
 * Saves the weights of a model, and the state of its optimizer, as Keras does: to a file, all or nothing, or as bytes.
 *
 * @throws SavingError when the model is not built, or the name does not end in `.weights.h5`.
 */
export function saveWeights(model: Saveable): Promise<Uint8Array>
export function saveWeights(model: Saveable, path: string | URL, options?: SaveWeightsOptions): Promise<void>
export async function saveWeights(model: Saveable, path?: string | URL, options: SaveWeightsOptions = {}): Promise<unknown> {
  const objects = savedObjects(model)
  if (path === undefined) return bytesFrom((sink) => writeWeights(objects, sink))
  const name = String(path)
  const { maxShardSize } = options
  const expected = maxShardSize === undefined ? /\.weights\.h5$/ : /\.weights\.(h5|json)$/
  if (!expected.test(name)) {
    throw new SavingError({
      where: name,
      problem: 'this is no name for a file of weights',
      expected: maxShardSize === undefined ? "a name that ends in '.weights.h5'" : "a name that ends in '.weights.json'",
    })
  }
  if (maxShardSize === undefined) {
    await writeFile(path, options, (sink) => writeWeights(objects, sink))
    return undefined
  }
  const [folder, base] = splitPath(name)
  const shards = shardsOf(objects, base, maxShardSize)
  for (const shard of shards) await writeFile(folder + shard.name, options, (sink) => writeWeights(shard.objects, sink))
  // Last, so that an index always finds its shards.
  await writeFile(`${folder}${base}.weights.json`, options, (sink) => sink.write(new TextEncoder().encode(shardIndex(shards))))
  return undefined
}

/** Folder with its slash, and the name before `.weights`. */
function splitPath(path: string): [folder: string, base: string] {
  const end = path.lastIndexOf('/') + 1
  return [path.slice(0, end), path.slice(end).replace(/\.weights\.(h5|json)$/, '')]
}

/**
 * Loads weights into a model that is built: from `.weights.h5`, an index of shards, a `.keras` file, or an older
 * Keras's `.h5`; a path, a URL,
 * bytes, or a Blob. Everything is matched before anything is changed.
 *
 * @throws SavingError that says which weights do not fit, and how.
 */
export async function loadWeights(model: Saveable, from: Readable, options: LoadOptions & LegacyOptions = {}): Promise<void> {
  const path = typeof from === 'string' || from instanceof URL ? String(from) : undefined
  await withSource(from, async (source) => {
    if (path?.endsWith('.weights.json')) {
      const bytes = new Uint8Array(source.byteLength)
      await source.read(0, bytes)
      const index = readShardIndex(new TextDecoder().decode(bytes), path)
      return loadState(model, shardedReader(path, index), options)
    }
    const start = new Uint8Array(Math.min(4, source.byteLength))
    await source.read(0, start)
    const isZip = start[0] === 0x50 && start[1] === 0x4b
    if (!isZip) {
      const root = await openHdf5(source)
      if (isLegacy(root)) return loadLegacyWeights(model, root, source.name, options)
      if (options.byName === true) throw new SavingError({ where: source.name, problem: 'byName is for .h5 files of older Kerases only' })
      return loadState(model, readerOf(root, source), options)
    }
    const archive = await openZip(source)
    return archive.withMember(WEIGHTS, async (member) => loadState(model, await openWeights(member), options))
  })
}

/** Opens a shard each time something in it is asked for. */
function shardedReader(path: string, index: ReadonlyMap<string, readonly string[]>): WeightReader {
  const [folder] = splitPath(path)
  return {
    name: path,
    paths: async () => [...index.keys()].map((key) => key.replace(/^\//, '').replace(/\/?vars$/, '')),
    async arraysAt(object) {
      const found: [string, Awaited<ReturnType<WeightReader['arraysAt']>> extends ReadonlyMap<string, infer A> ? A : never][] = []
      for (const name of index.get(mapKey(object)) ?? []) {
        const location = folder + name
        const arrays = await withSource(location, async (source) => (await openWeights(source)).arraysAt(object))
        for (const [key, array] of arrays) {
          const read = (): ReturnType<typeof array.read> =>
            withSource(location, async (source) => {
              const again = (await (await openWeights(source)).arraysAt(object)).get(key)
              if (again === undefined) throw new SavingError({ where: location, problem: `'${key}' is no longer there` })
              return again.read()
            })
          found.push([key, { ...array, read }])
        }
      }
      return new Map(found)
    },
  }
}
