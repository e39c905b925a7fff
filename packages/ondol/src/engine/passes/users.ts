/** Who uses what, once movements are looked through. */
import type { Value } from '../graph.js'
import type { Operation } from './legalize.js'
import { baseOf, basesOf, type Regions } from './region.js'

export interface Users {
  /** Operations that use a value, directly or by way of movements. */
  of(value: Value): readonly Operation[]
  /** True if a value has to be in memory whatever loops do. */
  isFixed(value: Value): boolean
}

export function findUsers({ program }: Regions): Users {
  const users = new Map<Value, Operation[]>()
  for (const operation of program.operations) {
    if (operation.kind === 'movement') continue
    for (const base of new Set(basesOf(program, operation))) {
      const list = users.get(base)
      if (list === undefined) users.set(base, [operation])
      else list.push(operation)
    }
  }
  const outputs = new Set(program.outputs)
  const isFixed = (value: Value): boolean =>
    program.operands.has(value) ||
    program.claims.has(value) ||
    outputs.has(value) ||
    (users.get(value) ?? []).some(({ kind }) => kind === 'kernel' || kind === 'assembly')
  return { of: (value) => users.get(value) ?? [], isFixed }
}

/** True if an operation takes `base` element by element: through reshapes at most. */
export const takesWhole = ({ program }: Regions, operation: Operation, base: Value): boolean =>
  operation.inputs.every((input) => {
    const behind = baseOf(program, input)
    return behind.base !== base || behind.isReshaped
  })
