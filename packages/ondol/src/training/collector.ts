/**
 * Puts the outputs of batches together. Few are kept until the end; many are moved, part by part, to where the
 * whole will be, so that there are never two of it in memory.
 */
import { flatten, mapTree, type Tree, unflatten } from '../core/tree.js'
import { jit, lax, type Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { joined } from './model-steps.js'

/** Outputs of more bytes than this are moved in parts. */
const LARGE = 2 ** 26
/** Parts that large outputs are moved in: each pass costs about as much as copying the whole. */
const PARTS = 8

export class Collector {
  readonly #rows: number | null
  readonly #large: number
  #parts: Tree<Tensor>[] = []
  #partBytes = 0
  #whole: readonly Variable[] | undefined
  #filled = 0
  /** How the outputs are nested. */
  #structure: Tree<unknown> | undefined

  /** `rows` are all samples, where their number is known. */
  constructor(rows: number | null, large = LARGE) {
    this.#rows = rows
    this.#large = large
  }

  /** Takes over the outputs of the next batch. */
  add(outputs: Tree<Tensor>): void {
    this.#structure ??= mapTree(outputs, () => null)
    this.#parts.push(outputs)
    this.#partBytes += flatten(outputs).reduce((sum, { size }) => sum + size * 4, 0)
    if (this.#partBytes >= this.#large / PARTS && this.#isWorthMoving(outputs)) this.#move()
  }

  /** Whether all outputs will be large, and have a row for each sample. */
  #isWorthMoving(outputs: Tree<Tensor>): boolean {
    if (this.#whole !== undefined) return this.#partBytes >= this.#bytesOfWhole() / PARTS
    const rows = this.#rows
    if (rows === null) return false
    const leaves = flatten(outputs)
    const perRow = leaves.reduce((sum, { size, shape }) => sum + (size * 4) / (shape[0] ?? 1), 0)
    return perRow * rows > this.#large && leaves.every(({ rank }) => rank > 0)
  }

  #bytesOfWhole(): number {
    return (this.#whole ?? []).reduce((sum, { shape }) => sum + 4 * shape.reduce((product, size) => product * size, 1), 0)
  }

  #move(): void {
    const part = flatten(this.#take())
    const count = part[0]?.shape[0] ?? 0
    this.#whole ??= part.map(
      ({ shape, dtype }) =>
        new Variable(() => ops.zeros([this.#rows as number, ...shape.slice(1)], dtype), {
          name: 'outputs',
          trainable: false,
          autocast: false,
        }),
    )
    const whole = this.#whole
    const store = jit((rows: readonly Tensor[], start: Tensor) => {
      const places = lax.add(lax.iota([count], 'int32', 0), lax.broadcast(start, [count], []))
      whole.forEach((variable, i) => void variable.assign(lax.scatterSet(variable.value, places, rows[i] as Tensor, 0)))
    })
    store(part, ops.full([], this.#filled, 'int32'))
    store.dispose()
    for (const tensor of part) tensor.dispose()
    this.#filled += count
  }

  /** The batches that are kept, as one; they are let go. */
  #take(): Tree<Tensor> {
    const parts = this.#parts
    this.#parts = []
    this.#partBytes = 0
    const whole = joined(parts)
    if (parts.length > 1) for (const part of parts) for (const tensor of flatten(part)) tensor.dispose()
    return whole
  }

  /** The outputs of all batches; undefined if there were none. */
  finish(): Tree<Tensor> | undefined {
    if (this.#structure === undefined) return undefined
    if (this.#whole === undefined) return this.#take()
    if (this.#parts.length > 0) this.#move()
    const rows = this.#filled
    const outputs = this.#whole.map((variable) => {
      const value = variable.value
      return rows === value.shape[0]
        ? value
        : lax.slice(
            value,
            value.shape.map(() => 0),
            [rows, ...value.shape.slice(1)],
          )
    })
    return unflatten(this.#structure, outputs)
  }
}
