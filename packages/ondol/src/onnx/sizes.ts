/**
 * Sizes that are known only when data arrives. A model is traced twice with different sizes in the place of each
 * unknown one; what differs between the two traces is unknown, and the pair of numbers says which size it is.
 */
import type { Graph, Value } from '../engine/graph.js'

/** A size in the first and in the second trace. */
export type Size = readonly [first: number, second: number]

export const known = (size: number): Size => [size, size]
export const isKnown = ([first, second]: Size): boolean => first === second
export const isOne = ([first, second]: Size): boolean => first === 1 && second === 1
export const sameSize = (x: Size, y: Size): boolean => x[0] === y[0] && x[1] === y[1]
export const keyOf = (size: Size): string => size.join('/')

/** The sizes of two lists of numbers, side by side. */
export const sizesOf = (first: readonly number[], second: readonly number[]): Size[] =>
  first.map((size, axis) => [size, second[axis] as number])

/** How many elements there are. */
export const productOf = (sizes: readonly Size[]): Size =>
  sizes.reduce<Size>(([first, second], size) => [first * size[0], second * size[1]], [1, 1])

/** One size as `factor · other + offset`, or a whole part of it. */
export type Relation =
  | { readonly kind: 'linear'; readonly factor: number; readonly offset: number }
  | { readonly kind: 'part'; readonly divisor: number }

/** How `size` follows from `other` in both traces. */
export function relate(size: Size, other: Size): Relation | undefined {
  const factor = (size[1] - size[0]) / (other[1] - other[0])
  if (Number.isInteger(factor) && factor !== 0) return { kind: 'linear', factor, offset: size[0] - factor * other[0] }
  const divisor = Math.floor(other[0] / size[0])
  const fits = divisor > 1 && size.every((part, i) => Math.floor((other[i] as number) / divisor) === part)
  return fits ? { kind: 'part', divisor } : undefined
}

/** Values of the first trace with their counterparts in the second. */
export class Twins {
  readonly #twins = new Map<Value, Value>()

  pair(first: readonly Value[], second: readonly Value[]): void {
    first.forEach((value, i) => this.#twins.set(value, second[i] as Value))
  }

  /** Two traces of one function, whose nodes correspond. */
  pairGraphs(first: Graph, second: Graph): void {
    this.pair(first.inputs, second.inputs)
    first.nodes.forEach((node, i) => this.pair(node.outputs, (second.nodes[i] as typeof node).outputs))
  }

  shapeOf(value: Value): Size[] {
    return sizesOf(value.shape, (this.#twins.get(value) as Value).shape)
  }
}
