/** Steps that run other plans: scan, while, cond. Sub-plans are compiled once and bound anew for each iteration. */
import { bytesOf } from '../../../core/dtype.js'
import { sizeOf } from '../../../core/shape.js'
import type { CondStep, Plan, ScanStep, View, WhileStep } from '../../../engine/plan.js'
import type { Runtime } from '../runtime/runtime.js'
import type { Builder } from './builder.js'
import { ARENA_SLOT, type Control, SCRATCH_SLOT, type Sequence } from './sequence.js'

export type CompilePlan = (runtime: Runtime, plan: Plan) => Sequence

/** What a control step needs of the sequence it is part of; the sequence exists only once all steps are lowered. */
export interface Enclosing {
  readonly builder: Builder
  readonly sequence: () => Sequence
}

/** Finds a view's address when the step runs. */
function locator({ builder, sequence }: Enclosing, view: View): () => number {
  const pointer = builder.start(view)
  return () => sequence().addressOf(pointer)
}

const byteStride = ({ builder }: Enclosing, { view, stride }: ScanStep['elements'][number]): number =>
  stride * bytesOf(builder.dtypeOf(view.buffer))

/** Binds the memory that a sub-plan works in: an arena inside the outer one, and the scratch memory of all. */
function workIn(enclosing: Enclosing, arena: View, plans: readonly Sequence[]): () => void {
  const { builder } = enclosing
  const arenaAddress = locator(enclosing, arena)
  const scratch = builder.scratch(Math.max(0, ...plans.map(({ scratchBytes }) => scratchBytes)))
  return () => {
    const address = arenaAddress()
    const scratchAddress = enclosing.sequence().addressOf(scratch)
    for (const plan of plans) {
      plan.bind(ARENA_SLOT, address)
      plan.bind(SCRATCH_SLOT, scratchAddress)
    }
  }
}

interface CarryAddresses {
  readonly initial: () => number
  readonly final: () => number
  readonly other: () => number
  readonly bytes: number
}

const locateCarries = (enclosing: Enclosing, carries: ScanStep['carries']): CarryAddresses[] =>
  carries.map(({ initial, final, other }) => ({
    initial: locator(enclosing, initial),
    final: locator(enclosing, final),
    other: locator(enclosing, other),
    bytes: sizeOf(final.shape) * bytesOf(enclosing.builder.dtypeOf(final.buffer)),
  }))

export function scanControl(enclosing: Enclosing, step: ScanStep, compile: CompilePlan): Control {
  const { runtime } = enclosing.builder
  const body = compile(runtime, step.body)
  const prepare = workIn(enclosing, step.arena, [body])
  const constants = step.constants.map((view) => locator(enclosing, view))
  const carries = locateCarries(enclosing, step.carries)
  const moving = (parts: ScanStep['elements']): { start: () => number; stride: number }[] =>
    parts.map((part) => ({ start: locator(enclosing, part.view), stride: byteStride(enclosing, part) }))
  const elements = moving(step.elements)
  const results = moving(step.results)
  const { length, reverse } = step
  const run = (): void => {
    prepare()
    constants.forEach((address, at) => {
      body.bindInput(at, address())
    })
    const current = carries.map(({ initial }) => initial())
    const targets = carries.map(({ final, other }) => [final(), other()] as const)
    const elementStarts = elements.map(({ start }) => start())
    const resultStarts = results.map(({ start }) => start())
    const firstElement = constants.length + carries.length
    for (let turn = 0; turn < length; turn++) {
      const at = reverse ? length - 1 - turn : turn
      for (let carry = 0; carry < carries.length; carry++) {
        body.bindInput(constants.length + carry, current[carry] as number)
        // The last turn has to write the final place.
        const target = targets[carry]?.[(length - 1 - turn) & 1] as number
        body.bindOutput(carry, target)
        current[carry] = target
      }
      for (let element = 0; element < elements.length; element++) {
        body.bindInput(firstElement + element, (elementStarts[element] as number) + at * (elements[element]?.stride as number))
      }
      for (let result = 0; result < results.length; result++) {
        body.bindOutput(carries.length + result, (resultStarts[result] as number) + at * (results[result]?.stride as number))
      }
      body.run()
    }
    if (length === 0) for (const { initial, final, bytes } of carries) copyBytes(runtime, initial(), final(), bytes)
  }
  return { run, dispose: () => body.dispose() }
}

export function whileControl(enclosing: Enclosing, step: WhileStep, compile: CompilePlan): Control {
  const { runtime } = enclosing.builder
  const condition = compile(runtime, step.condition)
  const body = compile(runtime, step.body)
  const prepare = workIn(enclosing, step.arena, [condition, body])
  const conditionConstants = step.conditionConstants.map((view) => locator(enclosing, view))
  const bodyConstants = step.bodyConstants.map((view) => locator(enclosing, view))
  const carries = locateCarries(enclosing, step.carries)
  const flag = locator(enclosing, step.flag)
  const run = (): void => {
    prepare()
    conditionConstants.forEach((address, at) => {
      condition.bindInput(at, address())
    })
    bodyConstants.forEach((address, at) => {
      body.bindInput(at, address())
    })
    condition.bindOutput(0, flag())
    const current = carries.map(({ initial }) => initial())
    for (let turn = 0; ; turn++) {
      for (let carry = 0; carry < carries.length; carry++) condition.bindInput(conditionConstants.length + carry, current[carry] as number)
      condition.run()
      if (runtime.heap.bytes[flag()] === 0) break
      carries.forEach(({ final, other }, carry) => {
        const target = turn % 2 === 0 ? final() : other()
        body.bindInput(bodyConstants.length + carry, current[carry] as number)
        body.bindOutput(carry, target)
        current[carry] = target
      })
      body.run()
    }
    carries.forEach(({ final, bytes }, carry) => {
      if (current[carry] !== final()) copyBytes(runtime, current[carry] as number, final(), bytes)
    })
  }
  return {
    run,
    dispose: () => {
      condition.dispose()
      body.dispose()
    },
  }
}

export function condControl(enclosing: Enclosing, step: CondStep, compile: CompilePlan): Control {
  const { runtime } = enclosing.builder
  const branches = [compile(runtime, step.whenFalse), compile(runtime, step.whenTrue)] as const
  const prepare = workIn(enclosing, step.arena, branches)
  const predicate = locator(enclosing, step.predicate)
  const inputs = step.inputs.map((view) => locator(enclosing, view))
  const outputs = step.outputs.map((view) => locator(enclosing, view))
  const run = (): void => {
    prepare()
    const branch = branches[runtime.heap.bytes[predicate()] === 0 ? 0 : 1]
    inputs.forEach((address, at) => {
      branch.bindInput(at, address())
    })
    outputs.forEach((address, at) => {
      branch.bindOutput(at, address())
    })
    branch.run()
  }
  return {
    run,
    dispose: () => {
      for (const branch of branches) branch.dispose()
    },
  }
}

const copyBytes = ({ heap }: Runtime, from: number, to: number, bytes: number): void => void heap.bytes.copyWithin(to, from, from + bytes)
