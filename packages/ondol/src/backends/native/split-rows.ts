/**
 * A scan whose body keeps the rows of its batch apart can run as several scans over some of the rows each, side by side
 * and without waiting for each other at every step. Here such a body is found, and cut into plans for ranges of rows.
 *
 * A buffer is either *shared*, equal for all rows, or *split*: row r lies at elements [r·size/rows, (r+1)·size/rows).
 * The plans keep all offsets, and want an arena each.
 */
import type { BufferId, KernelStep, LoopStep, Plan, ScanStep, Step, View } from '../../engine/plan.js'

/** Fewer rows are not worth a thread. */
const LEAST_ROWS = 8

/** Plans that together do what the scan's body does, each for its rows; none if rows cannot be told apart. */
export function splitRows({ body, carries, constants }: ScanStep, threads: number): readonly Plan[] {
  const rows = carries[0]?.initial.shape[0] ?? 1
  const parts = Math.min(threads, Math.floor(rows / LEAST_ROWS))
  if (parts < 2) return []
  const splitter = new Splitter(body, rows, constants.length)
  const cuts = body.steps.map((step) => splitter.cutter(step))
  const isComplete = body.donations.length === 0 && body.outputs.every((buffer) => splitter.isSplit(buffer))
  if (!isComplete || cuts.some((cut) => cut === null)) return []
  return Array.from({ length: parts }, (_, part) => {
    const first = Math.floor((rows * part) / parts)
    const end = Math.floor((rows * (part + 1)) / parts)
    return { ...body, steps: cuts.map((cut) => (cut as Cut)(first, end)) }
  })
}

/** The part of a step that belongs to rows [first, end). */
type Cut = (first: number, end: number) => Step

class Splitter {
  readonly #shared: Set<BufferId>

  constructor(
    readonly plan: Plan,
    readonly rows: number,
    constants: number,
  ) {
    const known = plan.buffers.flatMap(({ role }, id) => (role.kind === 'constant' ? [id] : []))
    this.#shared = new Set([...known, ...plan.inputs.slice(0, constants)])
  }

  isSplit(buffer: BufferId): boolean {
    return !this.#shared.has(buffer) && this.#size(buffer) % this.rows === 0
  }

  /** Steps are asked for in order, so that what is the same for all rows is known where it is read. */
  cutter(step: Step): Cut | null {
    if (step.kind !== 'loop' && step.kind !== 'kernel') return null
    const cut = step.kind === 'loop' ? this.#loop(step) : this.#product(step)
    return cut ?? this.#repeated(step)
  }

  #size(buffer: BufferId): number {
    return this.plan.buffers[buffer]?.size ?? 0
  }

  /** A step that reads only what all rows share is done by every part. */
  #repeated(step: LoopStep | KernelStep): Cut | null {
    const { reads, writes } = operandsOf(step)
    const isOwn = (buffer: BufferId): boolean => this.plan.buffers[buffer]?.role.kind === 'temporary'
    if (!reads.every((buffer) => this.#shared.has(buffer)) || !writes.every(isOwn)) return null
    for (const buffer of writes) this.#shared.add(buffer)
    return () => step
  }

  #loop(step: LoopStep): Cut | null {
    const { dims, inputs, stores, epilogueStores } = step
    const written = [...stores, ...epilogueStores]
    const operands = [...inputs.filter((input) => input.kind === 'memory'), ...written]
    const axis = dims.findIndex(({ size, reduced }, d) => {
      if (reduced || size % this.rows !== 0 || size === 0) return false
      const isInRow = (operand: Operand): boolean => this.#isInRow(operand, dims, d)
      return (
        written.every((store) => this.isSplit(store.buffer)) &&
        operands.every((operand) => this.#shared.has(operand.buffer) || isInRow(operand))
      )
    })
    if (axis < 0) return null
    const each = (dims[axis] as LoopStep['dims'][number]).size / this.rows
    return (first, end) => {
      const move = <T extends { readonly offset: number; readonly strides: readonly number[] }>(operand: T): T => ({
        ...operand,
        offset: operand.offset + first * each * (operand.strides[axis] as number),
      })
      return {
        ...step,
        dims: dims.map((dim, d) => (d === axis ? { ...dim, size: (end - first) * each } : dim)),
        inputs: inputs.map(move),
        stores: stores.map(move),
        epilogueStores: epilogueStores.map(move),
      }
    }
  }

  /** Whether point i of the axis touches row ⌊i / each⌋ of the buffer only. */
  #isInRow({ buffer, offset, strides }: Operand, dims: LoopStep['dims'], axis: number): boolean {
    if (!this.isSplit(buffer)) return false
    const row = this.#size(buffer) / this.rows
    const each = (dims[axis] as LoopStep['dims'][number]).size / this.rows
    if ((strides[axis] as number) * each !== row) return false
    const extents = dims.map(({ size }, d) => ((d === axis ? each : size) - 1) * (strides[d] as number))
    const low = extents.reduce((sum, extent) => sum + Math.min(extent, 0), offset)
    const high = extents.reduce((sum, extent) => sum + Math.max(extent, 0), offset)
    return low >= 0 && high < row
  }

  /** One matrix product whose rows are those of the batch. */
  #product(step: KernelStep): Cut | null {
    const [a, ...others] = step.inputs
    const [c] = step.outputs
    if (step.kernel !== 'matmul' || a === undefined || c === undefined) return null
    const isProduct = c.shape[0] === 1 && c.shape[1] === this.rows && others.every(({ buffer }) => this.#shared.has(buffer))
    const isInRow = ({ buffer, offset, shape, strides }: View): boolean => {
      const dims = shape.slice(1).map((size) => ({ size, reduced: false }))
      return this.#isInRow({ buffer, offset, strides: strides.slice(1) }, dims, 0)
    }
    if (!isProduct || !this.isSplit(c.buffer) || !isInRow(c)) return null
    if (!this.#shared.has(a.buffer) && !isInRow(a)) return null
    return (first, end) => {
      const move = (view: View): View => ({
        ...view,
        offset: view.offset + first * (view.strides[1] as number),
        shape: [1, end - first, view.shape[2] as number],
      })
      return { ...step, inputs: [move(a), ...others], outputs: [move(c)] }
    }
  }
}

interface Operand {
  readonly buffer: BufferId
  readonly offset: number
  readonly strides: readonly number[]
}

function operandsOf(step: LoopStep | KernelStep): { reads: BufferId[]; writes: BufferId[] } {
  if (step.kind === 'kernel') return { reads: step.inputs.map(({ buffer }) => buffer), writes: step.outputs.map(({ buffer }) => buffer) }
  const reads = step.inputs.flatMap((input) => (input.kind === 'memory' ? [input.buffer] : []))
  return { reads, writes: [...step.stores, ...step.epilogueStores].map(({ buffer }) => buffer) }
}
