/**
 * Weights over several files, written so that the index changes from the old shards to the new ones at once: shards never take the name
 * of one that is there, and old ones go when the new index stands. Read with all of them open.
 */
import { platform } from '#platform'
import type { ByteSource } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'
import { exists, type WriteOptions, withSource, writeFile } from './location.js'
import type { Saveable } from './saveable.js'
import { mapKey, readShardIndex, shardIndex, shardName, shardsOf } from './sharding.js'
import type { StoredArray } from './values.js'
import { type LoadOptions, loadState, type SavedObject, type WeightReader } from './weights.js'
import { openWeights, writeWeights } from './weights-h5.js'

/** What a save that was killed leaves: only such names are ever taken away without having been in an index. */
const unfinishedOf = (base: string): RegExp => new RegExp(`^${base.replace(/\W/g, '\\$&')}_\\d{5,}_[0-9a-f]{8}\\.weights\\.h5$`)

/** @throws SavingError when a weight is larger than a shard may be, or there is an index that may not be replaced. */
export async function saveShards(
  objects: readonly SavedObject[],
  path: string,
  maxShardSize: number,
  { overwrite = true }: WriteOptions,
): Promise<void> {
  const [folder, base] = splitPath(path)
  const index = `${folder}${base}.weights.json`
  if (!overwrite && (await exists(index)))
    throw new SavingError({ where: index, problem: 'there is a file already', hint: 'choose another name, or say overwrite: true' })
  const old = await namesIn(index)
  const isTaken = old.length > 0 || (await exists(folder + shardName(base, 0)))
  const suffix = isTaken ? `_${crypto.randomUUID().slice(0, 8)}` : ''
  const shards = shardsOf(objects, base, maxShardSize, suffix)
  for (const shard of shards) await writeFile(folder + shard.name, {}, (sink) => writeWeights(shard.objects, sink))
  await writeFile(index, {}, (sink) => sink.write(new TextEncoder().encode(shardIndex(shards))))
  const own = new Set(shards.map(({ name }) => name))
  const unfinished = unfinishedOf(base)
  const there = await platform.listFolder(folder === '' ? '.' : folder.replace(/(?<=.)\/$/, ''))
  for (const name of new Set([...old, ...there.filter((file) => unfinished.test(file))]))
    if (!own.has(name)) await platform.remove(folder + name)
}

/** The shards of the index that is there; none if it is no index. */
async function namesIn(index: string): Promise<string[]> {
  const bytes = await platform.readFile(index)
  if (bytes === undefined) return []
  try {
    return [...new Set([...readShardIndex(new TextDecoder().decode(bytes), index).values()].flat())]
  } catch (error) {
    if (error instanceof SavingError) return []
    throw error
  }
}

/** Folder with its slash, and the name before `.weights`. */
function splitPath(path: string): [folder: string, base: string] {
  const end = path.lastIndexOf('/') + 1
  return [path.slice(0, end), path.slice(end).replace(/\.weights\.(h5|json)$/, '')]
}

/** Loads what the shards of an index have. */
export async function loadShards(model: Saveable, path: string, source: ByteSource, options: LoadOptions): Promise<void> {
  const bytes = new Uint8Array(source.byteLength)
  await source.read(0, bytes)
  const index = readShardIndex(new TextDecoder().decode(bytes), path)
  const [folder] = splitPath(path)
  const names = [...new Set([...index.values()].flat())]
  const open = (left: readonly string[], readers: ReadonlyMap<string, WeightReader>): Promise<void> => {
    const [name, ...rest] = left
    if (name === undefined) return loadState(model, readerOf(path, index, readers), options)
    return withSource(folder + name, async (shard) => open(rest, new Map(readers).set(name, await openWeights(shard))))
  }
  return open(names, new Map())
}

function readerOf(path: string, index: ReadonlyMap<string, readonly string[]>, readers: ReadonlyMap<string, WeightReader>): WeightReader {
  return {
    name: path,
    paths: async () => [...index.keys()].map((key) => key.replace(/^\//, '').replace(/\/?vars$/, '')),
    async arraysAt(object) {
      const found: (readonly [string, StoredArray])[] = []
      for (const name of index.get(mapKey(object)) ?? []) found.push(...(await (readers.get(name) as WeightReader).arraysAt(object)))
      return new Map(found)
    },
  }
}
