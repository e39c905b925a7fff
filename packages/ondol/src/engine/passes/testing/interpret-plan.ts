/** Runs plans the slow and obvious way, on real addresses, so that a wrong view or a wrong overlap shows. */

import type { HostArray } from '../../../backends/host/array.js'
import { scalarOf } from '../../../backends/host/elementwise.js'
import { runPrimitive } from '../../../backends/host/interpret.js'
import { threefry2x32 } from '../../../backends/host/random.js'
import { allocate, bytesOf, type DType, isFloat, readElement, type TypedArray, viewOf, writeElement } from '../../../core/dtype.js'
import { sizeOf } from '../../../core/shape.js'
import type { KernelAttributes, KernelStep, LoopInstruction, LoopStep, Plan, ScanStep, Step, View } from '../../plan.js'
import type { BinaryName, PrimitiveAttributes, PrimitiveName, UnaryName } from '../../primitives.js'

interface Cell {
  readonly dtype: DType
  readonly storage: TypedArray
}

/** The outputs of a plan. A donated pair shares one storage, as it would in use. */
export function interpretPlan(plan: Plan, inputs: readonly Cell[]): Cell[] {
  const own = inputs.map(({ dtype, storage }) => ({ dtype, storage: storage.slice() }))
  const outputs = plan.outputs.map((id, index) => {
    const donor = plan.donations.find(([, output]) => output === index)
    const { dtype, size } = plan.buffers[id] as Plan['buffers'][number]
    return donor === undefined ? { dtype, storage: garbage(dtype, size) } : (own[donor[0]] as Cell)
  })
  execute(plan, own, outputs, garbageBytes(plan.arenaBytes))
  return outputs
}

const garbageBytes = (bytes: number): ArrayBuffer => new Uint8Array(bytes).fill(0xfa).buffer
const garbage = (dtype: DType, size: number): TypedArray => viewOf(dtype, garbageBytes(size * bytesOf(dtype)))

function execute(plan: Plan, inputs: readonly Cell[], outputs: readonly Cell[], arena: ArrayBufferLike, arenaOffset = 0): void {
  const cells = plan.buffers.map(({ dtype, size, role }): Cell => {
    switch (role.kind) {
      case 'input':
        return inputs[role.index] as Cell
      case 'output':
        return outputs[role.index] as Cell
      case 'constant':
        return { dtype, storage: role.storage }
      case 'temporary':
        if (role.offset % 64 !== 0 || role.offset + size * bytesOf(dtype) > plan.arenaBytes) throw new Error('temporary outside the arena')
        return { dtype, storage: viewOf(dtype, arena, arenaOffset + role.offset, size) }
      default:
        return role satisfies never
    }
  })
  for (const step of plan.steps) runStep(step, cells)
}

function runStep(step: Step, cells: readonly Cell[]): void {
  const cellOf = (view: View): Cell => cells[view.buffer] as Cell
  const window = (view: View, at = 0): Cell => {
    const { dtype, storage } = cellOf(view)
    return { dtype, storage: storage.subarray(view.offset + at, view.offset + at + sizeOf(view.shape)) }
  }
  switch (step.kind) {
    case 'loop':
      runLoop(step, cells)
      return
    case 'kernel':
      runKernel(step, cells)
      return
    case 'scan': {
      const { body, arena, length, reverse } = step
      const carries = startCarries(step.carries, window)
      for (let i = 0; i < length; i++) {
        const t = reverse ? length - 1 - i : i
        const elements = step.elements.map(({ view, stride }) => window(view, t * stride))
        const results = step.results.map(({ view, stride }) => window(view, t * stride))
        const next = carries.map((cell) => emptyLike(cell))
        runBody(body, [...step.constants.map((view) => window(view)), ...carries, ...elements], [...next, ...results], window(arena))
        carries.splice(0, carries.length, ...next)
      }
      finishCarries(carries, step.carries, window)
      return
    }
    case 'while': {
      const carries = startCarries(step.carries, window)
      const given = (views: readonly View[]): Cell[] => views.map((view) => window(view))
      for (;;) {
        runBody(step.condition, [...given(step.conditionConstants), ...carries], [window(step.flag)], window(step.arena))
        if (window(step.flag).storage[0] === 0) break
        const next = carries.map((cell) => emptyLike(cell))
        runBody(step.body, [...given(step.bodyConstants), ...carries], next, window(step.arena))
        carries.splice(0, carries.length, ...next)
      }
      finishCarries(carries, step.carries, window)
      return
    }
    case 'cond': {
      const plan = window(step.predicate).storage[0] === 0 ? step.whenFalse : step.whenTrue
      runBody(
        plan,
        step.inputs.map((view) => window(view)),
        step.outputs.map((view) => window(view)),
        window(step.arena),
      )
      return
    }
    default:
      step satisfies never
  }
}

const emptyLike = ({ dtype, storage }: Cell): Cell => ({ dtype, storage: allocate(dtype, storage.length) })

function runBody(plan: Plan, inputs: readonly Cell[], outputs: readonly Cell[], arena: Cell): void {
  if (arena.storage.length < plan.arenaBytes) throw new Error('the arena of a sub-plan is too small')
  execute(plan, inputs, outputs, arena.storage.buffer, arena.storage.byteOffset)
}

const startCarries = (carries: ScanStep['carries'], window: (view: View) => Cell): Cell[] => carries.map(({ initial }) => window(initial))

function finishCarries(values: readonly Cell[], carries: ScanStep['carries'], window: (view: View) => Cell): void {
  carries.forEach(({ final }, i) => window(final).storage.set((values[i] as Cell).storage))
}

function runLoop(step: LoopStep, cells: readonly Cell[]): void {
  const kept = step.dims.flatMap(({ reduced }, dim) => (reduced ? [] : [dim]))
  const reducedDims = step.dims.flatMap(({ reduced }, dim) => (reduced ? [dim] : []))
  const index = step.dims.map(() => 0)
  const at = (offset: number, strides: readonly number[]): number =>
    strides.reduce((sum, stride, dim) => sum + stride * (index[dim] as number), offset)
  const load = (input: number): number => {
    const source = step.inputs[input] as LoopStep['inputs'][number]
    const place = at(source.offset, source.strides)
    if (source.kind === 'index') return place
    const { dtype, storage } = cells[source.buffer] as Cell
    if (place < 0 || place >= storage.length) throw new Error('a loop reads outside its buffer')
    return readElement(dtype, storage, place)
  }
  const store =
    (values: readonly number[]) =>
    (to: LoopStep['stores'][number]): void => {
      const { dtype, storage } = cells[to.buffer] as Cell
      const place = at(to.offset, to.strides)
      if (place < 0 || place >= storage.length) throw new Error('a loop writes outside its buffer')
      writeElement(dtype, storage, place, values[to.value] as number)
    }
  walk(step, kept, index, () => {
    const sums = step.reductions.map(({ op, value }) => START[op](step.body[value]?.type ?? 'f32'))
    walk(step, reducedDims, index, () => {
      const values: number[] = []
      for (const instruction of step.body) values.push(evaluate(instruction, values, step.body, load, []))
      step.stores.forEach(store(values))
      step.reductions.forEach(({ op, value }, i) => {
        const isInteger = step.body[value]?.type === 'i32'
        sums[i] = COMBINE[op](sums[i] as number, values[value] as number, isInteger)
      })
    })
    for (const dim of reducedDims) index[dim] = 0
    const values: number[] = []
    for (const instruction of step.epilogue) values.push(evaluate(instruction, values, step.epilogue, load, sums))
    step.epilogueStores.forEach(store(values))
  })
}

const START = {
  sum: () => 0,
  prod: () => 1,
  max: (type: string) => (type === 'i32' ? -2147483648 : Number.NEGATIVE_INFINITY),
  min: (type: string) => (type === 'i32' ? 2147483647 : Number.POSITIVE_INFINITY),
}
const COMBINE = {
  sum: (a: number, b: number, isInteger: boolean) => (isInteger ? (a + b) | 0 : a + b),
  prod: (a: number, b: number, isInteger: boolean) => (isInteger ? Math.imul(a, b) : a * b),
  max: (a: number, b: number) => Math.max(a, b),
  min: (a: number, b: number) => Math.min(a, b),
}

function walk({ dims }: LoopStep, over: readonly number[], index: number[], visit: () => void, depth = 0): void {
  if (depth === over.length) {
    visit()
    return
  }
  const dim = over[depth] as number
  for (let i = 0; i < (dims[dim]?.size ?? 0); i++) {
    index[dim] = i
    walk({ dims } as LoopStep, over, index, visit, depth + 1)
  }
  index[dim] = 0
}

function evaluate(
  instruction: LoopInstruction,
  values: readonly number[],
  program: readonly LoopInstruction[],
  load: (input: number) => number,
  sums: readonly number[],
): number {
  const { type } = instruction
  switch (instruction.op) {
    case 'load':
      return load(instruction.input)
    case 'literal':
      return instruction.value
    case 'reduced':
      return hold(type, sums[instruction.reduction] as number)
    case 'cast':
      return hold(type, values[instruction.args[0] as number] as number, instruction.rounding)
    case 'select':
      return values[instruction.args[values[instruction.args[0] as number] ? 1 : 2] as number] as number
    case 'randomBits': {
      const [key0, key1, counter] = instruction.args.map((arg) => values[arg] as number) as [number, number, number]
      const [x0, x1] = threefry2x32(key0, key1, 0, counter)
      return x0 ^ x1
    }
    default: {
      const argument = program[instruction.args[0] as number]?.type
      const [x, y = 0] = instruction.args.map((arg) => values[arg] as number) as [number, number?]
      return hold(type, scalarOf(instruction.op as UnaryName | BinaryName, argument === 'f32' || argument === 'f64')(x, y))
    }
  }
}

const HOLDER = { f32: 'float32', f64: 'float64', i32: 'int32', bool: 'bool' } as const

function hold(type: LoopInstruction['type'], value: number, rounding?: DType): number {
  let held = value
  for (const dtype of rounding === undefined ? [HOLDER[type]] : [rounding, HOLDER[type]]) {
    const storage = allocate(dtype, 1)
    writeElement(dtype, storage, 0, held)
    held = readElement(dtype, storage, 0)
  }
  return held
}

function runKernel(step: KernelStep, cells: readonly Cell[]): void {
  const inputs = step.inputs.map((view) => gatherView(view, cells))
  const outputs = step.outputs.map((view) => gatherView(view, cells))
  const results = kernelResults(step, inputs, outputs)
  step.outputs.forEach((view, i) => {
    const { dtype, storage } = cells[view.buffer] as Cell
    const result = results[i] as HostArray
    offsetsOf(view).forEach((place, at) => writeElement(dtype, storage, place, readElement(result.dtype, result.storage, at)))
  })
}

function kernelResults(step: KernelStep, inputs: readonly HostArray[], outputs: readonly HostArray[]): HostArray[] {
  const run = <P extends PrimitiveName>(
    primitive: P,
    attributes: PrimitiveAttributes[P],
    operands: readonly HostArray[] = inputs,
  ): HostArray[] => runPrimitive(primitive, attributes, operands)
  const shape = outputs[0]?.shape ?? []
  switch (step.kernel) {
    case 'matmul':
    case 'conv': {
      const { bias, activation } = step.attributes as KernelAttributes['matmul' | 'conv']
      const spec = { batchA: [0], batchB: [0], contractA: [2], contractB: [1] }
      const operands = inputs.slice(0, 2)
      const [result] =
        step.kernel === 'matmul' ? run('dot', spec, operands) : run('conv', step.attributes as KernelAttributes['conv'], operands)
      const isFirst = step.kernel === 'conv' && (step.attributes as KernelAttributes['conv']).layout === 'channelsFirst'
      return [finish(result as HostArray, bias ? inputs[2] : undefined, activation === 'relu', isFirst ? 1 : shape.length - 1)]
    }
    case 'convInputGrad':
    case 'maxPoolGrad':
    case 'avgPoolGrad':
      return run(step.kernel, { ...(step.attributes as KernelAttributes['convInputGrad']), inputShape: shape } as never, inputs.map(widen))
    case 'convKernelGrad':
      return run('convKernelGrad', { ...(step.attributes as KernelAttributes['convKernelGrad']), kernelShape: shape })
    case 'moments':
      return run('moments', { axes: [1] })
    case 'scatterAdd':
    case 'scatterSet':
      return run(step.kernel, { axis: 1 }, [outputs[0] as HostArray, ...inputs])
    case 'argMax':
    case 'argMin':
    case 'gather':
    case 'cumSum':
    case 'cumProd':
    case 'cumMax':
    case 'sort':
      return run(step.kernel, { axis: 1, ...step.attributes } as never)
    default:
      return run(step.kernel, step.attributes as never, inputs.map(widen))
  }
}

/** Pool positions may be stored as uint8; the host knows them as int32. */
const widen = (array: HostArray): HostArray =>
  array.dtype === 'uint8' ? { ...array, dtype: 'int32', storage: Int32Array.from(array.storage) } : array

function finish(result: HostArray, bias: HostArray | undefined, relu: boolean, channel: number): HostArray {
  const inner = sizeOf(result.shape.slice(channel + 1))
  const channels = result.shape[channel] as number
  for (let i = 0; i < result.storage.length; i++) {
    const at = Math.floor(i / inner) % channels
    const plus = scalarOf('add', isFloat(result.dtype))
    const sum = plus(readElement(result.dtype, result.storage, i), bias === undefined ? 0 : readElement(bias.dtype, bias.storage, at))
    writeElement(result.dtype, result.storage, i, relu ? Math.max(sum, 0) : sum)
  }
  return result
}

function gatherView(view: View, cells: readonly Cell[]): HostArray {
  const { dtype, storage } = cells[view.buffer] as Cell
  const gathered = allocate(dtype, sizeOf(view.shape))
  offsetsOf(view).forEach((place, at) => {
    if (place < 0 || place >= storage.length) throw new Error('a kernel operand lies outside its buffer')
    gathered[at] = storage[place] as number
  })
  return { shape: view.shape, dtype, storage: gathered }
}

function offsetsOf({ offset, shape, strides }: View): number[] {
  let offsets = [offset]
  shape.forEach((size, axis) => {
    offsets = offsets.flatMap((base) => Array.from({ length: size }, (_, i) => base + i * (strides[axis] as number)))
  })
  return offsets
}
