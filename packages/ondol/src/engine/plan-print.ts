/** A plan as text: buffers with their places, then one block for each step. */
import { bytesOf } from '../core/dtype.js'
import type { LoopInstruction, LoopStep, Plan, PlanBuffer, Step, View } from './plan.js'

export function printPlan(plan: Plan, indent = ''): string {
  const lines = [`${indent}arena ${plan.arenaBytes} bytes`]
  plan.buffers.forEach((buffer, id) => lines.push(`${indent}${printBuffer(buffer, id)}`))
  for (const [input, output] of plan.donations) lines.push(`${indent}output ${output} in the memory of input ${input}`)
  if (plan.lasting?.length) lines.push(`${indent}inputs that last: ${plan.lasting.join(' ')}`)
  plan.steps.forEach((step, at) => lines.push(...printStep(step).map((line, i) => `${indent}${i === 0 ? `${at}: ` : '   '}${line}`)))
  return lines.join('\n')
}

function printBuffer({ dtype, size, role }: PlanBuffer, id: number): string {
  const place = role.kind === 'temporary' ? `arena+${role.offset}` : role.kind === 'constant' ? 'constant' : `${role.kind} ${role.index}`
  return `b${id} ${dtype}[${size}] ${size * bytesOf(dtype)} bytes, ${place}`
}

const strided = (offset: number, strides: readonly number[]): string => `${offset === 0 ? '' : `+${offset}`}·(${strides.join(',')})`
const printView = ({ buffer, offset, shape, strides }: View): string => `b${buffer}[${shape.join(',')}]${strided(offset, strides)}`
const printViews = (views: readonly View[]): string => views.map(printView).join(' ')

function printStep(step: Step): string[] {
  const scope = step.scope === '' ? '' : `   # ${step.scope}`
  switch (step.kind) {
    case 'loop':
      return [`loop ${step.dims.map(({ size, reduced }) => `${size}${reduced ? 'r' : ''}`).join(' × ')}${scope}`, ...printLoop(step)]
    case 'kernel': {
      const attributes = Object.entries(step.attributes).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`)
      return [`${printViews(step.outputs)} = ${step.kernel} ${printViews(step.inputs)}${attributes.join('')}${scope}`]
    }
    case 'scan':
      return [
        `scan ${step.length} steps${step.reverse ? ', last first' : ''}${scope}`,
        `  constants ${printViews(step.constants)}`,
        ...step.carries.map(({ initial, final, other }) => `  carry ${printViews([initial, final, other])}`),
        ...step.elements.map(({ view, stride }) => `  element ${printView(view)} each +${stride}`),
        ...step.results.map(({ view, stride }) => `  result ${printView(view)} each +${stride}`),
        `  body, in ${printView(step.arena)}:`,
        printPlan(step.body, '    '),
      ].flatMap((line) => line.split('\n'))
    case 'while':
      return [
        `while${scope}`,
        `  constants ${printViews(step.conditionConstants)} | ${printViews(step.bodyConstants)}`,
        ...step.carries.map(({ initial, final, other }) => `  carry ${printViews([initial, final, other])}`),
        `  condition to ${printView(step.flag)}:`,
        printPlan(step.condition, '    '),
        `  body, in ${printView(step.arena)}:`,
        printPlan(step.body, '    '),
      ].flatMap((line) => line.split('\n'))
    case 'cond':
      return [
        `${printViews(step.outputs)} = cond ${printView(step.predicate)} ${printViews(step.inputs)}, in ${printView(step.arena)}${scope}`,
        '  true:',
        printPlan(step.whenTrue, '    '),
        '  false:',
        printPlan(step.whenFalse, '    '),
      ].flatMap((line) => line.split('\n'))
    default:
      return step satisfies never
  }
}

function printLoop(step: LoopStep): string[] {
  const load = (input: number): string => {
    const source = step.inputs[input]
    if (source === undefined) return '?'
    return source.kind === 'index'
      ? `index${strided(source.offset, source.strides)}`
      : `b${source.buffer}${strided(source.offset, source.strides)}`
  }
  const print = (instruction: LoopInstruction, prefix: string): string => {
    switch (instruction.op) {
      case 'load':
        return load(instruction.input)
      case 'literal':
        return `${instruction.value}`
      case 'reduced':
        return `r${instruction.reduction}`
      default: {
        const rounding = instruction.rounding === undefined ? '' : ` as ${instruction.rounding}`
        return `${instruction.op} ${instruction.args.map((arg) => prefix + arg).join(' ')}${rounding}`
      }
    }
  }
  return [
    ...step.body.map((instruction, i) => `  %${i}:${instruction.type} = ${print(instruction, '%')}`),
    ...step.stores.map(({ value, buffer, offset, strides }) => `  b${buffer}${strided(offset, strides)} ← %${value}`),
    ...step.reductions.map(({ op, value }, i) => `  r${i} = ${op} %${value}`),
    ...step.epilogue.map((instruction, i) => `  $${i}:${instruction.type} = ${print(instruction, '$')}`),
    ...step.epilogueStores.map(({ value, buffer, offset, strides }) => `  b${buffer}${strided(offset, strides)} ← $${value}`),
  ]
}
