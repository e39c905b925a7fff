/** Steps before they are put in order: what each reads, writes and waits for, over buffers without addresses. */
import type { DType } from '../../core/dtype.js'
import type { BufferRole, LoopStep, ScanStep, Step, View } from '../plan.js'

/** A buffer-to-be: temporaries have no offset yet. */
export interface Storage {
  readonly dtype: DType
  readonly size: number
  readonly role: Exclude<BufferRole, { kind: 'temporary' }> | { readonly kind: 'temporary' }
}

export interface Unit {
  /** Null for a place where others meet (a concat whose parts were all written in place). */
  readonly step: Step | null
  /** Units that must have run. */
  readonly after: Set<Unit>
  /** Place in the traced program. */
  readonly order: number
}

/** The buffers that a step touches; in-out operands of scatters count as both. */
export function touched(step: Step): { readonly reads: readonly number[]; readonly writes: readonly number[] } {
  const buffers = (views: readonly View[]): number[] => views.map(({ buffer }) => buffer)
  switch (step.kind) {
    case 'loop':
      return {
        reads: step.inputs.flatMap((input) => (input.kind === 'memory' ? [input.buffer] : [])),
        writes: [...step.stores, ...step.epilogueStores].map(({ buffer }) => buffer),
      }
    case 'kernel': {
      const writes = buffers(step.outputs)
      const inPlace = step.kernel === 'scatterAdd' || step.kernel === 'scatterSet'
      return { reads: inPlace ? [...buffers(step.inputs), ...writes] : buffers(step.inputs), writes }
    }
    case 'scan': {
      const { constants, carries, elements, results, arena } = step
      return {
        reads: buffers([...constants, ...carries.map(({ initial }) => initial), ...elements.map(({ view }) => view)]),
        writes: buffers([...carries.flatMap(({ final, other }) => [final, other]), ...results.map(({ view }) => view), arena]),
      }
    }
    case 'while': {
      const { conditionConstants, bodyConstants, carries, flag, arena } = step
      return {
        reads: buffers([...conditionConstants, ...bodyConstants, ...carries.map(({ initial }) => initial)]),
        writes: buffers([...carries.flatMap(({ final, other }) => [final, other]), flag, arena]),
      }
    }
    case 'cond':
      return { reads: buffers([step.predicate, ...step.inputs]), writes: buffers([...step.outputs, step.arena]) }
    default:
      return step satisfies never
  }
}

/** The step over other buffers; sub-plans have their own and stay. */
export function rebind(step: Step, change: (buffer: number) => number): Step {
  const view = <V extends { readonly buffer: number }>(from: V): V => ({ ...from, buffer: change(from.buffer) })
  const carry = (from: ScanStep['carries'][number]): ScanStep['carries'][number] => ({
    initial: view(from.initial),
    final: view(from.final),
    other: view(from.other),
  })
  const sliced = (from: ScanStep['elements'][number]): ScanStep['elements'][number] => ({ ...from, view: view(from.view) })
  switch (step.kind) {
    case 'loop': {
      const inputs = step.inputs.map((input) => (input.kind === 'memory' ? view(input) : input))
      return { ...step, inputs, stores: step.stores.map(view), epilogueStores: step.epilogueStores.map(view) }
    }
    case 'kernel':
      return { ...step, inputs: step.inputs.map(view), outputs: step.outputs.map(view) }
    case 'scan':
      return {
        ...step,
        constants: step.constants.map(view),
        carries: step.carries.map(carry),
        elements: step.elements.map(sliced),
        results: step.results.map(sliced),
        arena: view(step.arena),
      }
    case 'while':
      return {
        ...step,
        conditionConstants: step.conditionConstants.map(view),
        bodyConstants: step.bodyConstants.map(view),
        carries: step.carries.map(carry),
        flag: view(step.flag),
        arena: view(step.arena),
      }
    case 'cond':
      return {
        ...step,
        predicate: view(step.predicate),
        inputs: step.inputs.map(view),
        outputs: step.outputs.map(view),
        arena: view(step.arena),
      }
    default:
      return step satisfies never
  }
}

/** The buffers that a loop reads after its reductions: too late for what the loop itself writes over. */
export function readByEpilogue({ inputs, epilogue }: LoopStep): Set<number> {
  const buffers = new Set<number>()
  for (const instruction of epilogue) {
    const input = instruction.op === 'load' ? inputs[instruction.input] : undefined
    if (input?.kind === 'memory') buffers.add(input.buffer)
  }
  return buffers
}
