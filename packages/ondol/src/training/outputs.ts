/**
 * Which option belongs to which output. One resolver serves losses, weights, metrics, targets and sample
 * weights: each may be one thing for all, a list in the outputs' order, a record by the outputs' names, or
 * nested as the outputs are.
 */
import { ValueError } from '../core/errors.js'
import { flatten, type Tree } from '../core/tree.js'

/** One thing, one for each output in a list, by name, or in the structure of the outputs; `null` for none. */
export type PerOutput<T> = T | null | readonly PerOutput<T>[] | { readonly [output: string]: PerOutput<T> }

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** One tensor that a model gives. */
export interface Output {
  readonly index: number
  /** Keys and places on the way to it. */
  readonly path: readonly (string | number)[]
  /** What the model calls it; null where it does not say. */
  readonly name: string | null
}

/** Outputs as they are nested. */
type Node = Output | { readonly children: ReadonlyMap<string | number, Node>; readonly outputs: readonly Output[] }

const isOutput = (node: Node): node is Output => 'index' in node

export interface Matching {
  /** What the options are, for messages. */
  readonly what: string
  /** Whether this is one option, where it meets a single output (or several, for all of them). */
  readonly isOne: (option: unknown, meetsOutput: boolean) => boolean
  /** One option may serve several outputs. */
  readonly spreads?: boolean
  /** Tensors: keys that name no output are left out, and nesting does not matter where the number fits. */
  readonly isData?: boolean
  /** Which outputs a shorter list is for. */
  readonly wanted?: readonly boolean[] | undefined
}

export class Outputs {
  readonly all: readonly Output[]
  readonly #root: Node
  readonly #isFlat: boolean

  /** `known` are the names that the model gives its outputs, one for each tensor. */
  constructor(outputs: Tree<unknown>, known: readonly string[] | undefined) {
    const count = flatten(outputs).length
    const names = known?.length === count ? known : undefined
    const all: Output[] = []
    const visit = (tree: unknown, path: readonly (string | number)[]): Node => {
      if (!Array.isArray(tree) && !isRecord(tree)) {
        const output = { index: all.length, path, name: names?.[all.length] ?? null }
        all.push(output)
        return output
      }
      const first = all.length
      const entries = Array.isArray(tree) ? [...tree.entries()] : Object.entries(tree)
      const children = new Map<string | number, Node>(entries.map(([key, item]) => [key, visit(item, [...path, key])]))
      return { children, outputs: all.slice(first) }
    }
    this.#root = visit(outputs, [])
    this.all = all
    this.#isFlat = all.every(({ path }) => path.length <= 1)
  }

  get count(): number {
    return this.all.length
  }

  /** What people call an output in messages. */
  label(index: number): string {
    const { name, path } = this.all[index] as Output
    return (typeof path.at(-1) === 'string' ? path.join('/') : (name ?? path.join('/'))) || 'output'
  }

  /** What an output's metrics are called after; null for none, as with a single output. */
  prefix(index: number): string | null {
    if (this.count === 1) return null
    const { name, path } = this.all[index] as Output
    const key = path.at(-1)
    return this.#isFlat && typeof key === 'string' ? key : name
  }

  /** What an output's loss is called after: the keys on the way to it, its name in the place of a number. */
  lossName(index: number, ownName: string): string {
    const { name, path } = this.all[index] as Output
    return typeof path.at(-1) === 'string' ? path.join('/') : [...path.slice(0, -1), name ?? ownName].join('/')
  }

  /**
   * One entry for each output, `null` where there is none.
   *
   * @throws ValueError for a key that is no output, or a list of another length.
   */
  match<T>(option: unknown, matching: Matching): (T | null)[] {
    const found = this.all.map((): T | null => null)
    this.#match(option, this.#root, matching, (index, value) => {
      found[index] = value as T
    })
    return found
  }

  #match(option: unknown, node: Node, matching: Matching, set: (index: number, value: unknown) => void): void {
    if (option === null || option === undefined) return
    const outputs = isOutput(node) ? [node] : node.outputs
    if (matching.isOne(option, outputs.length === 1)) {
      const wanted = matching.wanted === undefined ? outputs : outputs.filter(({ index }) => matching.wanted?.[index])
      if (outputs.length > 1 && matching.spreads !== true && wanted.length !== 1) throw this.#mismatch(option, node, matching)
      for (const { index } of wanted.length === 1 && matching.spreads !== true ? wanted : outputs) set(index, option)
      return
    }
    if (Array.isArray(option)) this.#matchList(option, node, matching, set)
    else if (isRecord(option)) this.#matchRecord(option, node, matching, set)
    else throw this.#mismatch(option, node, matching)
  }

  #matchList(list: readonly unknown[], node: Node, matching: Matching, set: (index: number, value: unknown) => void): void {
    const children = isOutput(node) ? [node] : [...node.children.values()]
    if (list.length === children.length) {
      children.forEach((child, place) => this.#match(list[place], child, matching, set))
      return
    }
    const outputs = isOutput(node) ? [node] : node.outputs
    const wanted = outputs.filter(({ index }) => matching.wanted?.[index])
    // However they are nested, their number may tell.
    const items = matching.isData === true ? flatten(list as Tree<unknown>) : list
    const targets = [outputs, wanted].find(({ length }) => length === items.length)
    if (targets === undefined) throw this.#mismatch(items, node, matching)
    targets.forEach((output, place) => this.#match(items[place], output, matching, set))
  }

  #matchRecord(
    record: Readonly<Record<string, unknown>>,
    node: Node,
    matching: Matching,
    set: (index: number, value: unknown) => void,
  ): void {
    const outputs = isOutput(node) ? [node] : node.outputs
    const [only] = Object.values(record)
    // A single output that has no name goes by any.
    const isNameless = outputs.length === 1 && outputs[0]?.name === null && typeof outputs[0].path.at(-1) !== 'string'
    for (const [key, item] of Object.entries(record)) {
      const child = isOutput(node) ? (node.path.at(-1) === key ? node : undefined) : node.children.get(key)
      const target = child ?? outputs.find(({ name }) => name === key)
      if (target !== undefined) this.#match(item, target, matching, set)
      else if (isNameless && Object.keys(record).length === 1) this.#match(only, node, matching, set)
      else if (matching.isData !== true) throw this.#unknown(key, record, matching)
    }
  }

  #unknown(key: string, record: object, { what }: Matching): ValueError {
    return new ValueError({
      where: what,
      problem: `there is no output called '${key}'`,
      expected: `outputs ${this.all.map(({ index }) => `'${this.label(index)}'`).join(', ')}`,
      received: `keys ${Object.keys(record).join(', ')}`,
    })
  }

  #mismatch(option: unknown, node: Node, { what }: Matching): ValueError {
    const outputs = isOutput(node) ? [node] : node.outputs
    const count = Array.isArray(option) ? option.length : 1
    return new ValueError({
      where: what,
      problem:
        Array.isArray(option) || isRecord(option)
          ? 'the list does not have one entry for each output'
          : `the model has ${outputs.length} outputs, but there is 1 of these`,
      expected: `${outputs.length}: ${outputs.map(({ index }) => this.label(index)).join(', ')}`,
      received: `${count}`,
      hint: 'use null for an output without',
    })
  }
}
