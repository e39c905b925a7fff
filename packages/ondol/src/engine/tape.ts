/**
 * Tapes: what was computed from watched tensors, in order. Walking back is `autodiff.ts`.
 * A tape sees only what happens at its own level of tracing: the body of a scan is one record.
 */
import type { PrimitiveAttributes, PrimitiveName } from './primitives.js'
import { isDifferentiable, type Tensor } from './tensor.js'
import { currentTrace, type Trace } from './trace.js'

export interface TapeRecord<P extends PrimitiveName = PrimitiveName> {
  readonly primitive: P
  readonly attributes: PrimitiveAttributes[P]
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
}

/** A gradient rule of the user's own: see `customGradient`. */
export interface CustomRecord {
  readonly primitive: 'custom'
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly backward: (cotangents: readonly (Tensor | null)[]) => readonly (Tensor | null)[]
}

export class Tape {
  readonly records: (TapeRecord | CustomRecord)[] = []
  readonly #watched = new Set<Tensor>()
  /** Values that Variables had when they were read: an assignment in between makes another one. */
  readonly #reads = new Map<object, Set<Tensor>>()
  readonly #trace: Trace | undefined = currentTrace()
  isRecording = true

  /** Without `watchesAccessed`, Variables are followed only once they are watched. */
  constructor(readonly watchesAccessed = true) {}

  watch(tensor: Tensor): void {
    this.#watched.add(tensor)
  }

  /** Follows a Variable: its present value, and those that it has at later reads. */
  watchVariable(variable: object, value: Tensor): void {
    const reads = this.#reads.get(variable)
    if (reads === undefined) this.#reads.set(variable, new Set([value]))
    else reads.add(value)
    this.#watched.add(value)
  }

  noteRead(variable: object, value: Tensor, isTrainable: boolean): void {
    if ((isTrainable && this.watchesAccessed) || this.#reads.has(variable)) this.watchVariable(variable, value)
  }

  /** The values under which a Variable was followed. */
  readsOf(variable: object): readonly Tensor[] {
    return [...(this.#reads.get(variable) ?? [])]
  }

  /** Variables that are followed, in the order of their first reads. */
  get followedVariables(): readonly object[] {
    return [...this.#reads.keys()]
  }

  /** Whether something computed from `inputs` now belongs on this tape. */
  follows(inputs: readonly Tensor[]): boolean {
    return this.isRecording && currentTrace() === this.#trace && inputs.some((input) => isDifferentiable(input) && this.#watched.has(input))
  }

  add(record: TapeRecord | CustomRecord): void {
    this.records.push(record)
    for (const output of record.outputs) if (isDifferentiable(output)) this.#watched.add(output)
  }

  clear(): void {
    this.records.length = 0
    this.#watched.clear()
    this.#reads.clear()
  }
}

const tapes: Tape[] = []

export const activeTapes = (): readonly Tape[] => tapes

export function startTape(tape: Tape): void {
  tapes.push(tape)
}

export function stopTape(tape: Tape): void {
  const index = tapes.lastIndexOf(tape)
  if (index >= 0) tapes.splice(index, 1)
}

/** Whether some tape would record an operation on `inputs` now. */
export const isFollowed = (inputs: readonly Tensor[]): boolean => tapes.some((tape) => tape.follows(inputs))

export function recordOnTapes(record: TapeRecord | CustomRecord): void {
  for (const tape of tapes) if (tape.follows(record.inputs)) tape.add(record)
}

/** Tells every active tape that `variable` was read and had `value`. */
export function noteReadOnTapes(variable: object, value: Tensor, isTrainable: boolean): void {
  for (const tape of tapes) if (tape.isRecording) tape.noteRead(variable, value, isTrainable)
}

/** Runs `body` with no tape recording. */
export function withoutTapes<R>(body: () => R): R {
  const paused = tapes.filter((tape) => tape.isRecording)
  for (const tape of paused) tape.isRecording = false
  try {
    return body()
  } finally {
    for (const tape of paused) tape.isRecording = true
  }
}
