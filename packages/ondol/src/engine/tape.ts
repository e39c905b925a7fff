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
  readonly #trace: Trace | undefined = currentTrace()
  isRecording = true

  watch(tensor: Tensor): void {
    this.#watched.add(tensor)
  }

  isWatched(tensor: Tensor): boolean {
    return this.#watched.has(tensor)
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

/** Lets every active tape follow `tensor` (a trainable Variable's value, each time it is read). */
export function watchOnTapes(tensor: Tensor): void {
  for (const tape of tapes) if (tape.isRecording) tape.watch(tensor)
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
