/** Nested structures of values: arrays and plain records, as functions take and return them. */

export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> }

const isRecord = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Leaves in order (records by insertion order of their keys). Anything but arrays and plain records is a leaf. */
export function flatten<T>(tree: Tree<T>): T[] {
  const leaves: T[] = []
  visit(tree, (leaf) => leaves.push(leaf as T))
  return leaves
}

function visit(tree: unknown, onLeaf: (leaf: unknown) => void): void {
  if (Array.isArray(tree)) for (const item of tree) visit(item, onLeaf)
  else if (isRecord(tree)) for (const item of Object.values(tree)) visit(item, onLeaf)
  else onLeaf(tree)
}

/** The same structure with every leaf replaced; `path` is the leaf's dotted place. */
export function mapTree<T, U>(tree: Tree<T>, change: (leaf: T, path: string) => U, path = ''): Tree<U> {
  if (Array.isArray(tree)) return tree.map((item, index) => mapTree(item as Tree<T>, change, join(path, index)))
  if (isRecord(tree)) {
    const entries = Object.entries(tree).map(([key, item]) => [key, mapTree(item as Tree<T>, change, join(path, key))] as const)
    return Object.fromEntries(entries) as Tree<U>
  }
  return change(tree as T, path)
}

const join = (path: string, key: string | number): string => (path === '' ? `${key}` : `${path}.${key}`)

/** Puts `leaves` back into the structure of `like`. */
export function unflatten<T>(like: Tree<unknown>, leaves: readonly T[]): Tree<T> {
  let next = 0
  return mapTree(like, () => leaves[next++] as T)
}

/** A string that is equal for structures of equal shape, leaves aside. */
export function structureKey(tree: unknown): string {
  if (Array.isArray(tree)) return `[${tree.map(structureKey).join(',')}]`
  if (!isRecord(tree)) return '*'
  const entries = Object.entries(tree).map(([key, item]) => `${JSON.stringify(key)}:${structureKey(item)}`)
  return `{${entries.join(',')}}`
}
