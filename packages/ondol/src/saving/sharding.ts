/**
 * Weights over several files: `model.weights.json` says which objects are in which of `model_00000.weights.h5`, ….
 * Follows `ShardedH5IOStore` of Keras.
 */
import { bytesOf } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import type { Tensor } from '../engine/index.js'
import { type Json, parseJson } from './json.js'
import type { SavedObject } from './weights.js'

export interface Shard {
  /** File name, beside the index. */
  readonly name: string
  readonly objects: readonly SavedObject[]
}

const GIGABYTE = 2 ** 30
const sizeOf = ({ size, dtype }: Tensor): number => size * bytesOf(dtype)
/** As Keras keys its index. */
export const mapKey = (path: string): string => (path === '' ? '/vars' : `/${path}/vars`)

/** The name of a shard, as Keras gives it; with a `suffix` where that name is taken. */
export const shardName = (baseName: string, number: number, suffix = ''): string =>
  `${baseName}_${String(number).padStart(5, '0')}${suffix}.weights.h5`

/** Objects in files of at most `maxShardSize` gigabytes; an object may lie in several. */
export function shardsOf(objects: readonly SavedObject[], baseName: string, maxShardSize: number, suffix = ''): Shard[] {
  const limit = maxShardSize * GIGABYTE
  const shards: { name: string; objects: { path: string; name: string; arrays: (readonly [string, Tensor])[] }[] }[] = []
  const open = (): void => {
    shards.push({ name: shardName(baseName, shards.length, suffix), objects: [] })
  }
  open()
  let filled = 0
  for (const { path, name, arrays } of objects) {
    let part = { path, name, arrays: [] as (readonly [string, Tensor])[] }
    shards.at(-1)?.objects.push(part)
    for (const entry of arrays) {
      const size = sizeOf(entry[1])
      if (size > limit) {
        throw new SavingError({
          where: `${path}/${entry[0]}`,
          problem: 'this weight is larger than a shard may be',
          expected: `at most ${limit} bytes (maxShardSize: ${maxShardSize} GB)`,
          received: `${size} bytes`,
        })
      }
      if (filled + size > limit) {
        open()
        filled = 0
        part = { path, name, arrays: [] }
        shards.at(-1)?.objects.push(part)
      }
      part.arrays.push(entry)
      filled += size
    }
  }
  return shards
}

/** The index of shards, as Keras writes it. */
export function shardIndex(shards: readonly Shard[]): string {
  const map: Record<string, string | string[]> = {}
  let total = 0
  for (const { name, objects } of shards) {
    for (const { path, arrays } of objects) {
      if (arrays.length === 0) continue
      const key = mapKey(path)
      const known = map[key]
      map[key] = known === undefined ? name : [...(Array.isArray(known) ? known : [known]), name]
      for (const [, value] of arrays) total += sizeOf(value)
    }
  }
  return JSON.stringify({ metadata: { total_size: total }, weight_map: map }, null, 4)
}

/** File names by object. Names with a path in them are refused: shards lie beside their index. */
export function readShardIndex(text: string, where: string): ReadonlyMap<string, readonly string[]> {
  const index = parseJson(text, where)
  const map = isRecord(index) ? index.weight_map : undefined
  if (!isRecord(map)) throw new SavingError({ where, problem: 'there is no weight_map in it: it is no index of shards' })
  return new Map(
    Object.entries(map).map(([path, value]) => {
      const names = Array.isArray(value) ? value : [value]
      for (const name of names) {
        if (typeof name !== 'string' || !/^[^/\\]+\.weights\.h5$/.test(name))
          throw new SavingError({ where: `${where} → ${path}`, problem: 'this is no name of a shard', received: JSON.stringify(name) })
      }
      return [path, names as string[]]
    }),
  )
}

const isRecord = (value: Json | undefined): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
