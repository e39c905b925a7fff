/**
 * `ONDOL_DEBUG=profile`: a table of the steps of every program that mattered, printed when the process ends.
 * A program's first run does not count, in it the system finds the memory. Bytes are those that a step must touch at least once, arithmetic that of products only.
 */
import { bytesOf } from '../../core/dtype.js'
import type { KernelStep, LoopInput, LoopStep, LoopStore, Plan, Step, View } from '../../engine/plan.js'

/** Time that one step of a plan has taken; `depth` counts the plans around its own. */
export interface StepTime {
  readonly step: Step
  readonly depth: number
  readonly milliseconds: number
}

interface Timed {
  readonly plan: Plan
  readonly runs: number
  takeTimes(): StepTime[]
  dispose(): void
}

interface Placed {
  readonly step: Step
  readonly plan: Plan
  readonly depth: number
}

/** The steps of a plan, each followed by those of the plans inside it: the order of the add-on's clocks. */
export function innerSteps(plan: Plan, depth = 0): Placed[] {
  return plan.steps.flatMap((step) => [{ step, plan, depth }, ...innerPlans(step).flatMap((inner) => innerSteps(inner, depth + 1))])
}

function innerPlans(step: Step): readonly Plan[] {
  if (step.kind === 'scan') return [step.body]
  if (step.kind === 'while') return [step.condition, step.body]
  return step.kind === 'cond' ? [step.whenTrue, step.whenFalse] : []
}

/** Programs that are watched; a program that is disposed of before the end is not printed. */
const watched = new Set<Timed>()
/** Programs of less than this share of all time are left out, and so are the steps of a program. */
const LEAST_SHARE = 0.002

/** Starts a program's clocks. */
export function profile(program: Timed): void {
  if (watched.size === 0) process.once('exit', report)
  program.takeTimes()
  watched.add(program)
}

function report(): void {
  const programs = [...watched]
    .map((program) => ({ program, times: program.takeTimes() }))
    .map(({ program, times }) => ({ program, times, total: sum(times.filter(({ depth }) => depth === 0)) }))
    .sort((a, b) => b.total - a.total)
  const all = programs.reduce((total, program) => total + program.total, 0)
  for (const { program, times, total } of programs) {
    if (total > all * LEAST_SHARE) console.error(`[ondol:profile] ${table(program, times, total)}`)
  }
}

const sum = (times: readonly StepTime[]): number => times.reduce((total, { milliseconds }) => total + milliseconds, 0)

function table({ plan, runs: all }: Timed, times: readonly StepTime[], total: number): string {
  const runs = all - 1
  const placed = innerSteps(plan)
  const lines = [
    `${runs} runs of ${(total / runs).toFixed(3)} ms, ${plan.steps.length} steps, arena ${(plan.arenaBytes / 1e6).toFixed(1)} MB`,
  ]
  lines.push('   step       ms   share    GB/s GFLOP/s  what')
  times.forEach(({ step, depth, milliseconds }, at) => {
    if (milliseconds < total * LEAST_SHARE) return
    const inner = placed[at]?.plan ?? plan
    // A step of a loop's body runs many times for each run of the program.
    const repeats = depth === 0 ? runs : 0
    const rate = (amount: number): string =>
      (repeats === 0 || amount === 0 ? '' : ((amount * repeats) / milliseconds / 1e6).toFixed(1)).padStart(8)
    const share = `${((100 * milliseconds) / total).toFixed(1)} %`
    lines.push(
      `${String(at).padStart(7)} ${(milliseconds / runs).toFixed(4).padStart(8)} ${share.padStart(7)}${rate(bytesTouched(step, inner))}${rate(products(step))}  ${'  '.repeat(depth)}${describe(step)}`,
    )
  })
  return lines.join('\n')
}

function describe(step: Step): string {
  const scope = step.scope === '' ? '' : `   # ${step.scope}`
  switch (step.kind) {
    case 'loop': {
      const dims = step.dims.map(({ size, reduced }) => `${size}${reduced ? 'r' : ''}`).join('×')
      const operations = step.body.filter(({ op }) => op !== 'load' && op !== 'literal').map(({ op }) => op)
      return `loop ${dims}: ${summary(operations)}${step.epilogue.length > 0 ? ' | …' : ''}${scope}`
    }
    case 'kernel':
      return `${step.kernel} ${[...step.inputs, ...step.outputs].map(({ shape }) => shape.join('×')).join(', ')}${scope}`
    case 'scan':
      return `scan of ${step.length}${scope}`
    default:
      return `${step.kind}${scope}`
  }
}

function summary(operations: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const op of operations) counts.set(op, (counts.get(op) ?? 0) + 1)
  return counts.size === 0 ? 'copy' : [...counts].map(([op, count]) => (count === 1 ? op : `${op}·${count}`)).join(' ')
}

function bytesTouched(step: Step, plan: Plan): number {
  if (step.kind === 'loop') return loopBytes(step, plan)
  if (step.kind === 'kernel') return [...step.inputs, ...step.outputs].reduce((total, view) => total + viewBytes(view, plan), 0)
  return 0
}

function loopBytes(step: LoopStep, plan: Plan): number {
  const touched = new Map<string, number>()
  const add = (operand: LoopStore | LoopInput, use: string): void => {
    if (!('buffer' in operand)) return
    const { buffer, offset, strides } = operand
    const points = step.dims.reduce((product, { size }, d) => (strides[d] === 0 ? product : product * size), 1)
    touched.set(`${use} ${buffer} ${offset} ${strides}`, points * bytesOf((plan.buffers[buffer] as Plan['buffers'][number]).dtype))
  }
  for (const input of step.inputs) add(input, 'read')
  for (const store of [...step.stores, ...step.epilogueStores]) add(store, 'write')
  return [...touched.values()].reduce((a, b) => a + b, 0)
}

function viewBytes({ buffer, shape, strides }: View, plan: Plan): number {
  const points = shape.reduce((product, size, d) => (strides[d] === 0 ? product : product * size), 1)
  return points * bytesOf((plan.buffers[buffer] as Plan['buffers'][number]).dtype)
}

/** FLOP of matrix products and convolutions. */
function products(step: Step): number {
  if (step.kind !== 'kernel') return 0
  const size = (view: View | undefined): number => (view?.shape ?? []).reduce((a, b) => a * b, 1)
  const [a, b] = step.inputs
  const [to] = step.outputs
  const convolution = (y: View | undefined, kernel: View | undefined): number => (2 * size(y) * size(kernel)) / (kernel?.shape.at(-1) ?? 1)
  switch (step.kernel as KernelStep['kernel']) {
    case 'matmul':
      return 2 * size(to) * (a?.shape[2] ?? 0)
    case 'conv':
      return convolution(to, b)
    case 'convInputGrad':
      return convolution(a, b)
    case 'convKernelGrad':
      return convolution(b, to)
    default:
      return 0
  }
}
