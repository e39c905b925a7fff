/** Arguments of a call from what belongs to each input. */
import type { Tree } from '../../core/tree.js'
import type { Places } from '../../testing/vectors.js'

/** `[0, [1, 2]]` and three items: the first alone, the others in a list. */
export function inPlaces<T>(places: Places, items: readonly T[]): Tree<T>[] {
  const put = (place: number | Places): Tree<T> => (typeof place === 'number' ? (items[place] as T) : place.map(put))
  return places.map(put)
}

/** Alone, or as a list where there are several. */
export const asOne = <T>(items: readonly T[]): Tree<T> => (items.length === 1 ? (items[0] as T) : items)
