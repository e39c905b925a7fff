/** Outputs that take their input's memory: readers of the old value go first, and who comes late is found out. */
import type { Graph } from '../graph.js'
import type { LoopStep, Step } from '../plan.js'
import { readByEpilogue, touched, type Unit } from './units.js'

/** Makes each unit that writes a donated output wait for the readers of its donor, where that closes no circle. */
export function orderUpdates(
  units: readonly Unit[],
  donations: Graph['donations'],
  inputs: readonly number[],
  outputs: readonly number[],
): readonly Unit[] {
  if (donations.length === 0) return units
  const readers = new Map<number, Unit[]>()
  const writers = new Map<number, Unit[]>()
  const followers = new Map<Unit, Unit[]>()
  for (const unit of units) {
    if (unit.step !== null) {
      const { reads, writes } = touched(unit.step)
      for (const id of new Set(reads)) append(readers, id, unit)
      for (const id of new Set(writes)) append(writers, id, unit)
    }
    for (const earlier of unit.after) append(followers, earlier, unit)
  }
  for (const [input, output] of donations) {
    for (const writer of writers.get(outputs[output] as number) ?? []) {
      const late = (readers.get(inputs[input] as number) ?? []).filter((reader) => reader !== writer)
      if (late.length === 0) continue
      const behind = following(writer, followers)
      for (const reader of late) {
        if (behind.has(reader) || writer.after.has(reader)) continue
        writer.after.add(reader)
        append(followers, reader, writer)
      }
    }
  }
  return units
}

/**
 * The outputs that would overwrite their donor before its last reading: not all readings are done, or happen
 * at the same points of the same loop, when the output is written.
 */
export function earlyWriters(
  steps: readonly Step[],
  donations: Graph['donations'],
  inputs: readonly number[],
  outputs: readonly number[],
): number[] {
  const firstWrite = new Map<number, number>()
  const lastRead = new Map<number, number>()
  steps.forEach((step, at) => {
    const { reads, writes } = touched(step)
    for (const id of reads) lastRead.set(id, at)
    for (const id of writes) if (!firstWrite.has(id)) firstWrite.set(id, at)
  })
  return donations.flatMap(([input, output]) => {
    const [from, to] = [inputs[input] as number, outputs[output] as number]
    const written = firstWrite.get(to) ?? Number.POSITIVE_INFINITY
    const read = lastRead.get(from) ?? -1
    const isSafe = read < written || (read === written && readsInPlace(steps[read] as Step, from, to))
    return isSafe ? [] : [output]
  })
}

/** A loop may write over what it reads if all of that happens at one place, either before or after its reductions. */
function readsInPlace(step: Step, from: number, to: number): boolean {
  if (!touched(step).reads.includes(from)) return true
  if (step.kind !== 'loop') return false
  const late = readByEpilogue(step).has(from)
  const early = step.body.some((instruction) => instruction.op === 'load' && bufferOf(step, instruction.input) === from)
  const [same, other] = late ? [step.epilogueStores, step.stores] : [step.stores, step.epilogueStores]
  if ((early && late) || other.some(({ buffer }) => buffer === to)) return false
  const operands = [...step.inputs.filter((_, at) => bufferOf(step, at) === from), ...same.filter(({ buffer }) => buffer === to)]
  return new Set(operands.map(({ offset, strides }) => `${offset}|${strides}`)).size === 1
}

const bufferOf = ({ inputs }: LoopStep, at: number): number | undefined => {
  const input = inputs[at]
  return input?.kind === 'memory' ? input.buffer : undefined
}

function following(start: Unit, followers: ReadonlyMap<Unit, readonly Unit[]>): Set<Unit> {
  const seen = new Set<Unit>()
  const stack = [start]
  for (let unit = stack.pop(); unit !== undefined; unit = stack.pop()) {
    for (const next of followers.get(unit) ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      stack.push(next)
    }
  }
  return seen
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
