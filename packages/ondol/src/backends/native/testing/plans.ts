/** Hand-written plans for tests, and a reference that runs their loops one point at a time. */
import { allocate, bytesOf, type DType, readElement, type TypedArray, writeElement } from '../../../core/dtype.js'
import { rowMajorStrides, type Shape, sizeOf } from '../../../core/shape.js'
import type { LoopInstruction, LoopStep, LoopType, Plan, PlanBuffer, Step, View } from '../../../engine/plan.js'
import type { NativeBackend } from '../index.js'

export interface Sized {
  readonly dtype: DType
  readonly size: number
}

/** A plan whose buffers are inputs, then outputs, then temporaries. */
export function planOf(
  inputs: readonly Sized[],
  outputs: readonly Sized[],
  steps: readonly Step[],
  temporaries: readonly Sized[] = [],
): Plan {
  let arenaBytes = 0
  const buffers: PlanBuffer[] = [
    ...inputs.map((buffer, index): PlanBuffer => ({ ...buffer, role: { kind: 'input', index } })),
    ...outputs.map((buffer, index): PlanBuffer => ({ ...buffer, role: { kind: 'output', index } })),
    ...temporaries.map((buffer): PlanBuffer => {
      const offset = arenaBytes
      arenaBytes += Math.ceil((buffer.size * bytesOf(buffer.dtype)) / 64) * 64
      return { ...buffer, role: { kind: 'temporary', offset } }
    }),
  ]
  return {
    buffers,
    steps,
    inputs: inputs.map((_, index) => index),
    outputs: outputs.map((_, index) => inputs.length + index),
    donations: [],
    arenaBytes,
  }
}

export const denseView = (buffer: number, shape: Shape): View => ({ buffer, offset: 0, shape, strides: rowMajorStrides(shape) })

/** A loop step, with what most loops do without filled in. */
export const loopOf = (step: Pick<LoopStep, 'dims' | 'inputs' | 'body'> & Partial<LoopStep>): LoopStep => ({
  kind: 'loop',
  stores: [],
  reductions: [],
  epilogue: [],
  epilogueStores: [],
  scope: '',
  ...step,
})

/** Runs a plan once on the backend. */
export async function runPlan(backend: NativeBackend, plan: Plan, inputs: readonly TypedArray[]): Promise<TypedArray[]> {
  const bufferOf = (id: number): PlanBuffer => plan.buffers[id] as PlanBuffer
  const program = backend.compilePlan(plan)
  const from = inputs.map((storage) => {
    const memory = backend.allocate(storage.byteLength)
    backend.write(memory, storage)
    return memory
  })
  const to = plan.outputs.map((id) => backend.allocate(bufferOf(id).size * bytesOf(bufferOf(id).dtype)))
  program.run(from, to)
  const results = await Promise.all(
    to.map((memory, i) => backend.read(memory, bufferOf(plan.outputs[i] as number).dtype, bufferOf(plan.outputs[i] as number).size)),
  )
  for (const memory of [...from, ...to]) backend.free(memory)
  program.dispose()
  return results
}

const OPERATIONS: Record<string, (...args: number[]) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  max: (a, b) => Math.max(a, b),
  sqrt: (a) => Math.sqrt(a),
  exp: (a) => Math.exp(a),
  gt: (a, b) => Number(a > b),
  select: (c, a, b) => (c !== 0 ? a : b),
  cast: (a) => a,
}

const FOLDS = {
  sum: { start: 0, join: (a: number, b: number) => a + b },
  prod: { start: 1, join: (a: number, b: number) => a * b },
  max: { start: Number.NEGATIVE_INFINITY, join: Math.max },
  min: { start: Number.POSITIVE_INFINITY, join: Math.min },
}

const rounded = (type: LoopType, value: number): number => (type === 'f32' ? Math.fround(value) : type === 'i32' ? value | 0 : value)

/** One loop, point by point; buffers by plan number. */
export function runLoop(step: LoopStep, plan: Plan, buffers: readonly TypedArray[]): void {
  const dtypeOf = (buffer: number): DType => (plan.buffers[buffer] as PlanBuffer).dtype
  const at = (offset: number, strides: readonly number[], point: readonly number[]): number =>
    point.reduce((sum, index, dim) => sum + index * (strides[dim] as number), offset)
  const evaluate = (program: readonly LoopInstruction[], point: readonly number[], reduced: (index: number) => number): number[] => {
    const values: number[] = []
    for (const instruction of program) {
      if (instruction.op === 'load') {
        const input = step.inputs[instruction.input] as LoopStep['inputs'][number]
        const place = at(input.offset, input.strides, point)
        values.push(input.kind === 'index' ? place : readElement(dtypeOf(input.buffer), buffers[input.buffer] as TypedArray, place))
      } else if (instruction.op === 'literal') values.push(rounded(instruction.type, instruction.value))
      else if (instruction.op === 'reduced') values.push(reduced(instruction.reduction))
      else {
        const operation = OPERATIONS[instruction.op] as (...args: number[]) => number
        values.push(rounded(instruction.type, operation(...instruction.args.map((arg) => values[arg] as number))))
      }
    }
    return values
  }
  const sums = new Map<string, number[]>()
  const keptOf = (point: readonly number[]): number[] => point.map((index, dim) => (step.dims[dim]?.reduced ? 0 : index))
  const none = (): number => Number.NaN
  for (const point of pointsOf(step.dims.map(({ size }) => size))) {
    const values = evaluate(step.body, point, none)
    const key = keptOf(point).join()
    if (!sums.has(key))
      sums.set(
        key,
        step.reductions.map(({ op }) => FOLDS[op].start),
      )
    const running = sums.get(key) as number[]
    step.reductions.forEach(({ op, value }, i) => {
      running[i] = FOLDS[op].join(running[i] as number, values[value] as number)
    })
    for (const { value, buffer, offset, strides } of step.stores)
      writeElement(dtypeOf(buffer), buffers[buffer] as TypedArray, at(offset, strides, point), values[value] as number)
  }
  for (const point of pointsOf(step.dims.map(({ size, reduced }) => (reduced ? 1 : size)))) {
    const values = evaluate(step.epilogue, point, (index) => (sums.get(point.join()) as number[])[index] as number)
    for (const { value, buffer, offset, strides } of step.epilogueStores)
      writeElement(dtypeOf(buffer), buffers[buffer] as TypedArray, at(offset, strides, point), values[value] as number)
  }
}

function* pointsOf(sizes: readonly number[]): Generator<number[]> {
  const point = sizes.map(() => 0)
  for (let left = sizeOf(sizes); left > 0; left--) {
    yield [...point]
    for (let dim = sizes.length - 1; dim >= 0; dim--) {
      const next = (point[dim] as number) + 1
      point[dim] = next === sizes[dim] ? 0 : next
      if (point[dim] !== 0) break
    }
  }
}

/** Numbers that are exact in every float type and differ from place to place. */
export function filled({ dtype, size }: Sized): TypedArray {
  const storage = allocate(dtype, size)
  for (let i = 0; i < size; i++) writeElement(dtype, storage, i, ((i * 7919) % 31) / 8 - 1.5)
  return storage
}
