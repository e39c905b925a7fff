/**
 * What the code of a fused loop depends on. Sizes, strides and addresses are words of its record, so
 * loops that differ in those only (the same layer at another width, the same op eagerly at another
 * shape) share one function.
 */
import { bytesOf, type DType } from '../../../core/dtype.js'
import { DTypeError } from '../../../core/errors.js'
import type { BufferId, LoopInstruction, LoopReduction, LoopStep } from '../../../engine/plan.js'

/** One nested loop. The kept ones are outside the reduced ones. */
export interface Level {
  readonly reduced: boolean
}

/** How an operand moves along the vector level: not, from element to element, or by a stride from the record. */
export type Step = 'none' | 'unit' | 'strided'

export interface LoopOperand {
  /** `null`: not memory but the index itself. */
  readonly dtype: DType | null
  /** Whether the stride on each level is not 0. */
  readonly varies: readonly boolean[]
  readonly step: Step
  /** Used once a reduced point, on kept levels only. */
  readonly epilogue: boolean
}

export interface LoopShape {
  readonly levels: readonly Level[]
  /** The level whose points are done four at a time: the innermost dimension in memory. */
  readonly vector: number
  readonly operands: readonly LoopOperand[]
  /** Instructions whose `load`s name operands. */
  readonly body: readonly LoopInstruction[]
  readonly reductions: readonly LoopReduction[]
  readonly epilogue: readonly LoopInstruction[]
  readonly stores: readonly { readonly value: number; readonly operand: number }[]
  readonly epilogueStores: readonly { readonly value: number; readonly operand: number }[]
}

/** The numbers that go with a shape: they fill the record. */
export interface LoopNumbers {
  /** Size of each level. */
  readonly sizes: readonly number[]
  readonly operands: readonly OperandNumbers[]
}

export interface OperandNumbers {
  /** -1: the index. */
  readonly buffer: BufferId | -1
  /** Bytes; elements for the index. */
  readonly offset: number
  /** For each level; bytes, elements for the index. */
  readonly strides: readonly number[]
}

export function shapeOf(
  step: LoopStep,
  dtypeOf: (buffer: BufferId) => DType,
): { readonly shape: LoopShape; readonly numbers: LoopNumbers } {
  const order = levelOrder(step)
  const levels: Level[] = order.map((dim) => ({ reduced: dim >= 0 && (step.dims[dim]?.reduced ?? false) }))
  const sizes = order.map((dim) => (dim < 0 ? 1 : (step.dims[dim]?.size ?? 1)))
  const lastKept = levels.findLastIndex(({ reduced }) => !reduced)
  const innermost = largestOf(order)
  const vector = innermost < 0 ? lastKept : innermost

  const operands: LoopOperand[] = []
  const numbers: OperandNumbers[] = []
  const add = (buffer: BufferId | -1, offset: number, strides: readonly number[], epilogue: boolean): number => {
    const dtype = buffer < 0 ? null : dtypeOf(buffer)
    if (dtype === 'float64') throw noFloat64(step.scope)
    const bytes = dtype === null ? 1 : bytesOf(dtype)
    const onLevels = order.map((dim, level) => (dim < 0 || (epilogue && levels[level]?.reduced) ? 0 : (strides[dim] ?? 0)))
    const along = onLevels[vector] as number
    operands.push({
      dtype,
      varies: onLevels.map((stride) => stride !== 0),
      step: along === 0 ? 'none' : along === 1 ? 'unit' : 'strided',
      epilogue,
    })
    return numbers.push({ buffer, offset: offset * bytes, strides: onLevels.map((stride) => stride * bytes) }) - 1
  }
  const withOperands = (instructions: readonly LoopInstruction[], epilogue: boolean): LoopInstruction[] => {
    const known = new Map<number, number>()
    return instructions.map((instruction) => {
      if (instruction.op !== 'load') return instruction
      const input = step.inputs[instruction.input]
      if (input === undefined) return instruction
      let operand = known.get(instruction.input)
      if (operand === undefined) {
        operand = add(input.kind === 'memory' ? input.buffer : -1, input.offset, input.strides, epilogue)
        known.set(instruction.input, operand)
      }
      return { op: 'load', input: operand, type: instruction.type }
    })
  }
  const body = withOperands(step.body, false)
  const epilogue = withOperands(step.epilogue, true)
  const stores = step.stores.map(({ value, buffer, offset, strides }) => ({ value, operand: add(buffer, offset, strides, false) }))
  const epilogueStores = step.epilogueStores.map(({ value, buffer, offset, strides }) => ({
    value,
    operand: add(buffer, offset, strides, true),
  }))
  const shape = { levels, vector, operands, body, reductions: step.reductions, epilogue, stores, epilogueStores }
  return { shape, numbers: { sizes, operands: numbers } }
}

/**
 * Dims by nesting: kept ones, then reduced ones, size 1 left out; -1 stands for a level of one point,
 * there so that the outermost level is kept. The largest kept dim outside the vector level comes first,
 * since threads share the outermost level.
 */
function levelOrder({ dims }: LoopStep): number[] {
  const real = dims.map((_, dim) => dim).filter((dim) => dims[dim]?.size !== 1)
  const innermost = real.at(-1)
  const kept = real.filter((dim) => !dims[dim]?.reduced)
  const outer = kept.filter((dim) => dim !== innermost)
  const [first] = outer
  if (first !== undefined && sizeOf(dims, first) < SHAREABLE) {
    const largest = outer.reduce((best, dim) => (sizeOf(dims, dim) > sizeOf(dims, best) ? dim : best), first)
    kept.splice(kept.indexOf(largest), 1)
    kept.unshift(largest)
  }
  if (kept.length === 0) kept.push(-1)
  return [...kept, ...real.filter((dim) => dims[dim]?.reduced)]
}

/** An outermost level of this size is shared well enough. */
const SHAREABLE = 16

const sizeOf = (dims: LoopStep['dims'], dim: number): number => dims[dim]?.size ?? 1

/** Level of the dim that is innermost in memory; -1 if there is none. */
function largestOf(order: readonly number[]): number {
  const dim = Math.max(...order)
  return dim < 0 ? -1 : order.indexOf(dim)
}

export const noFloat64 = (where: string): DTypeError =>
  new DTypeError({
    where,
    problem: 'the wasm backend does not compute in float64',
    hint: "use float32, or setBackend('native') or setBackend('host') for float64",
  })

/** Byte offsets of a loop's words in its record. */
export interface LoopLayout {
  readonly sizes: readonly number[]
  readonly operands: readonly OperandLayout[]
  readonly bytes: number
}

export interface OperandLayout {
  readonly base: number
  /** Stride of the outermost level, by which a task's start is found. */
  readonly start: number
  /** What to add after each iteration of a level, besides what the vector level moves by itself; -1: nothing. */
  readonly bumps: readonly number[]
  /** Stride on the vector level, if it is in the record; else -1. */
  readonly step: number
}

export function layoutOf(shape: LoopShape): LoopLayout {
  let next = 0
  const word = (): number => {
    next += 4
    return next - 4
  }
  const sizes = shape.levels.map(word)
  const operands = shape.operands.map((operand) => ({
    base: word(),
    start: word(),
    bumps: shape.levels.map((_, level) => (hasBump(shape, operand, level) ? word() : -1)),
    step: operand.step === 'strided' ? word() : -1,
  }))
  return { sizes, operands, bytes: next }
}

const nextLevel = (shape: LoopShape, operand: LoopOperand, level: number): number | undefined => {
  const next = level + 1
  const inner = shape.levels[next]
  return inner === undefined || (operand.epilogue && inner.reduced) ? undefined : next
}

function hasBump(shape: LoopShape, operand: LoopOperand, level: number): boolean {
  if (operand.epilogue && shape.levels[level]?.reduced) return false
  const inner = nextLevel(shape, operand, level)
  const rewinds = inner !== undefined && operand.varies[inner] === true
  return rewinds || (level !== shape.vector && operand.varies[level] === true)
}

/** The bump of a level: its stride (the vector level moves by itself), less what the next level has moved by. */
export function bumpOf(shape: LoopShape, numbers: LoopNumbers, at: number, level: number): number {
  const operand = shape.operands[at] as LoopOperand
  const { strides } = numbers.operands[at] as OperandNumbers
  const inner = nextLevel(shape, operand, level)
  const rewind = inner === undefined ? 0 : (numbers.sizes[inner] as number) * (strides[inner] as number)
  return (level === shape.vector ? 0 : (strides[level] as number)) - rewind
}
