/**
 * Nested structures as `keras.tree` handles them: arrays and plain records are structure, everything else is a leaf.
 * Records go by their keys in alphabetical order, as there.
 */
import { ValueError } from '../core/errors.js'

/** Returned by the function of `traverse`: the place becomes null. */
export const MAP_TO_NONE: unique symbol = Symbol('MAP_TO_NONE')

type Path = readonly (string | number)[]
type RecordOf = Readonly<Record<string, unknown>>

function isRecord(value: unknown): value is RecordOf {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Whether `structure` is an array or a plain record. */
export const isNested = (structure: unknown): structure is readonly unknown[] | RecordOf => Array.isArray(structure) || isRecord(structure)

/** Children by their keys, in order; null for a leaf. */
function childrenOf(structure: unknown): [key: string | number, child: unknown][] | null {
  if (Array.isArray(structure)) return structure.map((child, i) => [i, child])
  if (isRecord(structure))
    return Object.keys(structure)
      .sort()
      .map((key) => [key, structure[key]])
  return null
}

/** The same kind of structure with other children, which come in the order of `childrenOf`; records keep theirs. */
function withChildren(structure: unknown, children: readonly unknown[]): unknown {
  if (Array.isArray(structure)) return children
  const keys = Object.keys(structure as RecordOf)
  const sorted = [...keys].sort()
  return Object.fromEntries(keys.map((key) => [key, children[sorted.indexOf(key)]]))
}

/**
 * The leaves in order.
 *
 * @example
 * tree.flatten({ b: [1, 2], a: 0 })   // [0, 1, 2]
 */
export const flatten = (structure: unknown): unknown[] => flattenWithPath(structure).map(([, leaf]) => leaf)

/** The leaves with the keys and indices that lead to them. */
export function flattenWithPath(structure: unknown, path: Path = []): [path: Path, leaf: unknown][] {
  const children = childrenOf(structure)
  return children === null ? [[path, structure]] : children.flatMap(([key, child]) => flattenWithPath(child, [...path, key]))
}

/**
 * A structure of what `fn` makes of the leaves that stand at the same place of all `structures`.
 * With `noneIsLeaf: false` null stays null, and `fn` does not see it.
 *
 * @throws ValueError when the structures differ.
 * @example
 * tree.mapStructure((a, b) => a + b, [1, { x: 2 }], [10, { x: 20 }])   // [11, { x: 22 }]
 */
export function mapStructure(fn: (...leaves: never[]) => unknown, ...args: readonly unknown[]): unknown {
  const last = args.at(-1)
  const hasOptions = args.length > 1 && isRecord(last) && Object.keys(last).join() === 'noneIsLeaf'
  const structures = hasOptions ? args.slice(0, -1) : args
  const noneIsLeaf = hasOptions ? (last as { noneIsLeaf: boolean }).noneIsLeaf : true
  for (const other of structures.slice(1)) assertSameStructure(structures[0], other)
  return mapTogether((...leaves) => (!noneIsLeaf && leaves[0] === null ? null : fn(...(leaves as never[]))), structures)
}

function mapTogether(fn: (...leaves: unknown[]) => unknown, structures: readonly unknown[]): unknown {
  const lists = structures.map(childrenOf)
  const [first] = lists
  if (first === null || first === undefined) return fn(...structures)
  return withChildren(
    structures[0],
    first.map((_, i) =>
      mapTogether(
        fn,
        lists.map((list) => (list as [unknown, unknown][])[i]?.[1]),
      ),
    ),
  )
}

/** As `mapStructure`, as deep as `shallow` goes: what lies below its leaves goes to `fn` whole. */
export function mapStructureUpTo(shallow: unknown, fn: (...parts: never[]) => unknown, ...structures: readonly unknown[]): unknown {
  const children = childrenOf(shallow)
  if (children === null) return fn(...(structures as never[]))
  const lists = structures.map((structure) => {
    const list = childrenOf(structure)
    if (
      list === null ||
      Array.isArray(structure) !== Array.isArray(shallow) ||
      list.map(([key]) => key).join() !== children.map(([key]) => key).join()
    )
      throw differs('mapStructureUpTo', shallow, structure)
    return list
  })
  return withChildren(
    shallow,
    children.map(([, child], i) => mapStructureUpTo(child, fn, ...lists.map((list) => list[i]?.[1]))),
  )
}

/** As Keras's, `checkTypes` changes nothing any more. @throws ValueError when the structures differ: other kinds, lengths or keys. */
export function assertSameStructure(a: unknown, b: unknown, _options: { readonly checkTypes?: boolean | null } = {}): void {
  const [left, right] = [childrenOf(a), childrenOf(b)]
  if (left === null && right === null) return
  const areAlike = left !== null && right !== null && Array.isArray(a) === Array.isArray(b) && sameKeys(left, right)
  if (!areAlike) throw differs('assertSameStructure', a, b)
  left.forEach(([, child], i) => {
    assertSameStructure(child, right[i]?.[1])
  })
}

/** @throws ValueError when the paths of the leaves differ. Arrays and records with the same keys count as alike. */
export function assertSamePaths(a: unknown, b: unknown): void {
  const paths = (structure: unknown): string => JSON.stringify(flattenWithPath(structure).map(([path]) => path.map(String)))
  if (paths(a) !== paths(b)) throw differs('assertSamePaths', a, b)
}

const sameKeys = (a: readonly (readonly [unknown, unknown])[], b: readonly (readonly [unknown, unknown])[]): boolean =>
  a.length === b.length && a.every(([key], i) => key === b[i]?.[0])

/**
 * Puts the leaves `flat` into the structure of `structure`.
 *
 * @throws ValueError when there are too many or too few.
 */
export function packSequenceAs(structure: unknown, flat: readonly unknown[]): unknown {
  const places = flatten(structure)
  if (places.length !== flat.length)
    throw new ValueError({
      where: 'packSequenceAs',
      problem: 'there are not as many leaves as places for them',
      expected: `${places.length}`,
      received: `${flat.length}`,
    })
  let next = 0
  return mapTogether(() => flat[next++], [structure])
}

/**
 * Goes through a structure and its parts, from the top down or from the leaves up, and puts what `fn` returns in their
 * place: undefined or null leaves the part as it is, `MAP_TO_NONE` makes it null.
 */
export function traverse(
  fn: (part: unknown) => unknown,
  structure: unknown,
  { topDown = true }: { readonly topDown?: boolean } = {},
): unknown {
  const replaced = (part: unknown): { readonly value: unknown } | undefined => {
    const value = fn(part)
    if (value === undefined || value === null) return undefined
    return { value: value === MAP_TO_NONE ? null : value }
  }
  if (topDown) {
    const done = replaced(structure)
    if (done !== undefined) return done.value
  }
  const children = childrenOf(structure)
  const inner =
    children === null
      ? structure
      : withChildren(
          structure,
          children.map(([, child]) => traverse(fn, child, { topDown })),
        )
  if (topDown) return inner
  const done = replaced(inner)
  return done === undefined ? inner : done.value
}

/** A copy in which no list can be changed: JavaScript's tuples are frozen arrays. */
export function listsToTuples(structure: unknown): unknown {
  const children = childrenOf(structure)
  if (children === null) return structure
  const copy = withChildren(
    structure,
    children.map(([, child]) => listsToTuples(child)),
  )
  return Array.isArray(copy) ? Object.freeze(copy) : copy
}

/** As `mapStructure`, with shapes (lists of sizes, null where unknown) as leaves. */
export function mapShapeStructure(fn: (shape: readonly (number | null)[]) => unknown, structure: unknown): unknown {
  if (Array.isArray(structure) && structure.every((size) => size === null || typeof size === 'number')) return fn(structure)
  const children = childrenOf(structure)
  if (children === null)
    throw new ValueError({ where: 'mapShapeStructure', problem: 'this is no shape', received: JSON.stringify(structure) })
  return withChildren(
    structure,
    children.map(([, child]) => mapShapeStructure(fn, child)),
  )
}

const differs = (where: string, a: unknown, b: unknown): ValueError =>
  new ValueError({ where, problem: 'the structures differ', expected: outline(a), received: outline(b) })

/** The structure with dots for leaves. */
function outline(structure: unknown): string {
  const children = childrenOf(structure)
  if (children === null) return '·'
  if (Array.isArray(structure)) return `[${children.map(([, child]) => outline(child)).join(', ')}]`
  return `{${children.map(([key, child]) => `${key}: ${outline(child)}`).join(', ')}}`
}
