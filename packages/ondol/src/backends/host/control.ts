/** Primitives that run sub-graphs. */
import { sizeOf } from '../../core/shape.js'
import type { HostArray } from './array.js'
import type { HostKernels } from './kernel.js'

const copyAll = (sources: readonly HostArray[], targets: readonly HostArray[]): void =>
  targets.forEach(({ storage }, i) => storage.set((sources[i] as HostArray).storage))

/** Element `step` of a stack, sharing its memory. */
function elementOf({ shape: [, ...shape], dtype, storage }: HostArray, step: number): HostArray {
  const size = sizeOf(shape)
  return { shape, dtype, storage: storage.subarray(step * size, (step + 1) * size) }
}

export const controlKernels: HostKernels<'scan' | 'while' | 'cond'> = {
  scan: ({ body, constants: constantCount, carries: carryCount, length, reverse }, inputs, outputs, run) => {
    const constants = inputs.slice(0, constantCount)
    const sequences = inputs.slice(constantCount + carryCount)
    const stacks = outputs.slice(carryCount)
    let carries = inputs.slice(constantCount, constantCount + carryCount)
    for (let i = 0; i < length; i++) {
      const step = reverse ? length - 1 - i : i
      const results = run(body, [...constants, ...carries, ...sequences.map((sequence) => elementOf(sequence, step))])
      carries = results.slice(0, carryCount)
      copyAll(
        results.slice(carryCount),
        stacks.map((stack) => elementOf(stack, step)),
      )
    }
    copyAll(carries, outputs.slice(0, carryCount))
  },

  while: ({ condition, body, conditionConstants, bodyConstants }, inputs, outputs, run) => {
    const forCondition = inputs.slice(0, conditionConstants)
    const forBody = inputs.slice(conditionConstants, conditionConstants + bodyConstants)
    let carries = inputs.slice(conditionConstants + bodyConstants)
    while (run(condition, [...forCondition, ...carries])[0]?.storage[0]) carries = run(body, [...forBody, ...carries])
    copyAll(carries, outputs)
  },

  cond: ({ whenTrue, whenFalse }, [predicate, ...operands], outputs, run) => {
    copyAll(run(predicate.storage[0] ? whenTrue : whenFalse, operands), outputs)
  },
}
