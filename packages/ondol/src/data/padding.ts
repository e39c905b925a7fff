/** The options of `paddedBatch`: shapes and values, one for all or in the structure of the elements. */
import type { PartialShape } from '../core/shape.js'
import type { Padding, PaddingAt } from './collate.js'

/** One value, or one for each array, in the structure of the elements. */
type PerArray<V> = V | readonly PerArray<V>[] | { readonly [name: string]: PerArray<V> }

export interface PaddingOptions {
  /** Shapes to fill up to; null in a shape: the greatest size in the batch. Default: null everywhere. */
  readonly paddedShapes?: PerArray<PartialShape | null>
  /** What to fill with. Default 0. */
  readonly paddingValues?: PerArray<number | null>
}

export function paddingOf({ paddedShapes, paddingValues }: PaddingOptions): PaddingAt {
  const known = new Map<string, Padding>()
  return (path) => {
    let padding = known.get(path)
    if (padding === undefined) {
      const shape = find(paddedShapes, path, isShape) as PartialShape | undefined
      const value = find(paddingValues, path, isNumber) as number | undefined
      known.set(path, (padding = { shape: shape?.map((size) => (size === -1 ? null : size)), value: value ?? 0 }))
    }
    return padding
  }
}

const isShape = (value: unknown): boolean => Array.isArray(value) && value.every((size) => size === null || typeof size === 'number')
const isNumber = (value: unknown): boolean => typeof value === 'number'

/** The value that holds at `path`: the first on the way down that is one. */
function find(tree: unknown, path: string, isValue: (value: unknown) => boolean): unknown {
  let level = tree
  for (const key of path === '' ? [] : path.split('.')) {
    if (isValue(level) || level === null || level === undefined) break
    level = (level as Record<string, unknown>)[key]
  }
  return level !== null && isValue(level) ? level : undefined
}
