/**
 * Emits the function of a fused loop. All values live in vectors: the vector level is run 16, 4 and at last one
 * element at a time by the same code, only loads and stores differ. An instruction is computed on the
 * outermost level that it depends on. Float sums run in blocks, so that errors grow with the root of the length at most.
 */
import type { LoopInstruction, LoopReduction, LoopType } from '../../../engine/plan.js'
import { type FunctionBuilder, f32x4, i32, i32x4, type Local, type ModuleBuilder, type Value, v128 } from '../assembler/index.js'
import { loadFour, loadSplat, loadStrided, loopTypeOf, storeFour, storeOne, storeStrided } from '../codegen/access.js'
import { convert, elementwise, type Site, type TypedVector } from '../codegen/elementwise.js'
import type { ScalarFunctions } from '../codegen/scalar-functions.js'
import { type LoopLayout, type LoopOperand, type LoopShape, layoutOf } from './shape.js'

type Vector = Value<'v128'>

/** How many elements of the vector level are done at once: `units` vectors of four, or one element (in all lanes). */
interface Mode {
  readonly lanes: 1 | 4
  readonly units: number
}
const widthOf = ({ lanes, units }: Mode): number => lanes * units
const ONE: Mode = { lanes: 1, units: 1 }
const FOUR: Mode = { lanes: 4, units: 1 }

/** Iterations of the innermost reduced level that are summed before they join the total. */
const ROW_BLOCK = 4096
const COLUMN_BLOCK = 256

export function emitLoop(module: ModuleBuilder, name: string, shape: LoopShape, functions: ScalarFunctions): void {
  module.function(name, ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end) => {
    new LoopEmitter(f, shape, functions, args, begin, end).emit()
  })
}

/** A reduction's running values, one for each unit. */
interface Accumulator {
  readonly reduction: LoopReduction
  readonly type: LoopType
  readonly running: readonly Local<'v128'>[]
  /** Of finished blocks; float sums only. */
  readonly totals: readonly Local<'v128'>[]
}

class LoopEmitter {
  readonly #layout: LoopLayout
  readonly #pointers: Local<'i32'>[]
  readonly #steps: (Local<'i32'> | undefined)[]
  readonly #depths: readonly number[]
  /** Whether a body instruction's value differs along the vector level. */
  readonly #isPerUnit: readonly boolean[]
  /** Values of body instructions: one, or one for each unit. */
  readonly #values: Vector[][] = []
  #accumulators: readonly Accumulator[] = []
  readonly #firstReduced: number
  readonly #lastLevel: number
  readonly #units: number
  /** The vector level is reduced: results are single values. */
  readonly #isRowReduction: boolean

  constructor(
    readonly f: FunctionBuilder,
    readonly shape: LoopShape,
    readonly functions: ScalarFunctions,
    readonly args: Local<'i32'>,
    readonly begin: Local<'i32'>,
    readonly end: Local<'i32'>,
  ) {
    const { levels, operands, vector } = shape
    this.#layout = layoutOf(shape)
    this.#lastLevel = levels.length - 1
    const firstReduced = levels.findIndex(({ reduced }) => reduced)
    this.#firstReduced = firstReduced < 0 ? levels.length : firstReduced
    this.#isRowReduction = levels[vector]?.reduced === true
    this.#pointers = operands.map((operand, at) => {
      const words = this.#layout.operands[at] as LoopLayout['operands'][number]
      const base = i32.load(args, words.base)
      return f.let(operand.varies[0] === true ? i32.add(base, i32.mul(begin, i32.load(args, words.start))) : base)
    })
    this.#steps = this.#layout.operands.map(({ step }) => (step < 0 ? undefined : f.let(i32.load(args, step))))
    this.#depths = depthsOf(shape)
    this.#isPerUnit = variationsOf(shape)
    const vectorWork = shape.body.filter((_, at) => (this.#depths[at] as number) >= vector).reduce((sum, { op }) => sum + weightOf(op), 0)
    this.#units = vectorWork <= 8 ? 4 : vectorWork <= 20 ? 2 : 1
  }

  emit(): void {
    this.#instructionsAt(-1, ONE)
    this.#nest(0, ONE)
  }

  /** Code from `level` inwards, for one point of the levels outside it. */
  #nest(level: number, mode: Mode): void {
    if (level !== this.#firstReduced) {
      this.#inner(level, mode)
      return
    }
    const accumulators = this.#open(mode)
    this.#inner(level, mode)
    this.#close(accumulators, mode)
  }

  #inner(level: number, mode: Mode): void {
    if (level > this.#lastLevel) this.#leaf(mode)
    else this.#loop(level, mode)
  }

  #loop(level: number, mode: Mode): void {
    const { f } = this
    const count = f.let(level === 0 ? i32.sub(this.end, this.begin) : i32.load(this.args, this.#layout.sizes[level]))
    const sumsInBlocks = level === this.#lastLevel && this.#accumulators.some(({ totals }) => totals.length > 0)
    if (!sumsInBlocks) {
      this.#iterate(level, count, mode)
      return
    }
    const block = f.local('i32')
    const limit = level === this.shape.vector ? ROW_BLOCK : COLUMN_BLOCK
    f.while(i32.gtS(count, 0), () => {
      f.set(block, count)
      f.if(i32.gtS(block, limit), () => f.set(block, limit))
      f.set(count, i32.sub(count, block))
      this.#iterate(level, block, mode)
      for (const accumulator of this.#accumulators) this.#endBlock(accumulator)
    })
  }

  #iterate(level: number, count: Local<'i32'>, mode: Mode): void {
    const { f } = this
    if (level !== this.shape.vector) {
      f.while(i32.gtS(count, 0), () => {
        this.#point(level, mode)
        this.#bump(level, 0)
        f.advance(count, -1)
      })
      return
    }
    const modes: Mode[] = this.#units > 1 ? [{ lanes: 4, units: this.#units }, FOUR, ONE] : [FOUR, ONE]
    for (const inner of modes) {
      const width = widthOf(inner)
      f.while(i32.geS(count, width), () => {
        this.#point(level, inner)
        this.#bump(level, width)
        f.advance(count, -width)
      })
    }
  }

  #point(level: number, mode: Mode): void {
    this.#instructionsAt(level, mode)
    this.#nest(level + 1, mode)
  }

  /** Moves pointers to the next point of a level; `width` points on where it is the vector level. */
  #bump(level: number, width: number): void {
    const { f, args } = this
    this.shape.operands.forEach((operand, at) => {
      const pointer = this.#pointers[at] as Local<'i32'>
      const bump = this.#layout.operands[at]?.bumps[level] ?? -1
      if (bump >= 0) f.advance(pointer, i32.load(args, bump))
      if (width === 0 || (operand.epilogue && this.#isRowReduction)) return
      const step = this.#steps[at]
      if (step !== undefined) f.advance(pointer, width === 1 ? step : i32.mul(step, width))
      else if (operand.step === 'unit') f.advance(pointer, width * elementBytes(operand))
    })
  }

  #instructionsAt(level: number, mode: Mode): void {
    this.shape.body.forEach((instruction, at) => {
      if (this.#depths[at] !== level) return
      if (instruction.op === 'literal') {
        this.#values[at] = [literal(instruction.value, instruction.type)]
        return
      }
      const own = this.#isPerUnit[at] === true ? mode : ONE
      this.#values[at] = Array.from({ length: own.units }, (_, unit) =>
        this.f.let(this.#compute(instruction, this.#values, this.shape.body, own, unit)),
      )
    })
  }

  #compute(
    instruction: LoopInstruction,
    values: readonly Vector[][],
    instructions: readonly LoopInstruction[],
    mode: Mode,
    unit: number,
  ): Vector {
    switch (instruction.op) {
      case 'load':
        return this.#load(instruction.input, instruction.type, mode, unit)
      case 'literal':
        return literal(instruction.value, instruction.type)
      case 'reduced':
        throw new Error('internal: a reduction is read inside its own loop')
      default: {
        const args = instruction.args.map(
          (arg): TypedVector => ({ value: pick(values[arg], unit), type: (instructions[arg] as LoopInstruction).type }),
        )
        const site: Site = { f: this.f, lanes: mode.lanes, functions: this.functions }
        return elementwise(site, instruction.op, args, instruction.type, instruction.rounding)
      }
    }
  }

  #load(at: number, type: LoopType, mode: Mode, unit: number): Vector {
    const { f } = this
    const operand = this.shape.operands[at] as LoopOperand
    const pointer = this.#pointers[at] as Local<'i32'>
    const step = operand.epilogue && this.#isRowReduction ? 'none' : operand.step
    if (operand.dtype === null) return convert({ value: this.#index(pointer, step, this.#steps[at], unit), type: 'i32' }, type)
    const loaded: TypedVector['type'] = loopTypeOf(operand.dtype)
    let value: Vector
    if (step === 'none' || mode.lanes === 1) value = loadSplat(f, operand.dtype, pointer)
    else if (step === 'unit') value = loadFour(f, operand.dtype, pointer, unit * 4 * elementBytes(operand))
    else value = loadStrided(f, operand.dtype, this.#unitStart(at, unit), this.#steps[at] as Local<'i32'>)
    return convert({ value, type: loaded }, type)
  }

  #index(start: Local<'i32'>, step: LoopOperand['step'], stride: Local<'i32'> | undefined, unit: number): Vector {
    if (step === 'none') return i32x4.splat(start)
    const lanes = i32x4.const(...[0, 1, 2, 3].map((lane) => 4 * unit + lane))
    return i32x4.add(i32x4.splat(start), stride === undefined ? lanes : i32x4.mul(i32x4.splat(stride), lanes))
  }

  /** A pointer to a strided operand's first element of a unit, free to be moved. */
  #unitStart(at: number, unit: number): Local<'i32'> {
    const pointer = this.#pointers[at] as Local<'i32'>
    const step = this.#steps[at] as Local<'i32'>
    return this.f.let(unit === 0 ? i32.add(pointer, 0) : i32.add(pointer, i32.mul(step, 4 * unit)))
  }

  #store(at: number, value: TypedVector, mode: Mode, unit: number): void {
    const { f } = this
    const operand = this.shape.operands[at] as LoopOperand
    if (operand.dtype === null) return
    const pointer = this.#pointers[at] as Local<'i32'>
    if (mode.lanes === 1 || operand.step === 'none' || (operand.epilogue && this.#isRowReduction))
      storeOne(f, operand.dtype, pointer, value)
    else if (operand.step === 'unit') storeFour(f, operand.dtype, pointer, value, unit * 4 * elementBytes(operand))
    else storeStrided(f, operand.dtype, this.#unitStart(at, unit), value, this.#steps[at] as Local<'i32'>)
  }

  /** One point (or `mode`'s width of them) with all levels fixed. */
  #leaf(mode: Mode): void {
    for (let unit = 0; unit < mode.units; unit++) {
      for (const { value, operand } of this.shape.stores) {
        this.#store(operand, { value: pick(this.#values[value], unit), type: (this.shape.body[value] as LoopInstruction).type }, mode, unit)
      }
    }
    for (const { reduction, type, running } of this.#accumulators) {
      running.forEach((accumulator, unit) => {
        if (unit >= mode.units) return
        const value = pick(this.#values[reduction.value], unit)
        // A row's single elements count in lane 0 only.
        const counted =
          this.#isRowReduction && mode.lanes === 1 ? v128.bitselect(value, literal(identityOf(reduction, type), type), FIRST_LANE) : value
        this.f.set(accumulator, combine(reduction, type, accumulator, counted))
      })
    }
  }

  #open(mode: Mode): readonly Accumulator[] {
    const { f } = this
    const units = this.#isRowReduction ? this.#units : mode.units
    const accumulators = this.shape.reductions.map((reduction): Accumulator => {
      const { type } = this.shape.body[reduction.value] as LoopInstruction
      const identity = literal(identityOf(reduction, type), type)
      const zero = (): Local<'v128'> => f.let(identity)
      const running = Array.from({ length: units }, zero)
      const inBlocks = reduction.op === 'sum' && type === 'f32' && this.#firstReduced <= this.#lastLevel
      return { reduction, type, running, totals: inBlocks ? (this.#isRowReduction ? [zero()] : running.map(zero)) : [] }
    })
    this.#accumulators = accumulators
    return accumulators
  }

  #endBlock({ reduction, type, running, totals }: Accumulator): void {
    if (totals.length === 0) return
    const { f } = this
    if (this.#isRowReduction) {
      const [total] = totals as [Local<'v128'>]
      f.set(
        total,
        f32x4.add(
          total,
          pairwise(running, (a, b) => combine(reduction, type, a, b)),
        ),
      )
    } else {
      for (const [unit, total] of totals.entries()) f.set(total, f32x4.add(total, running[unit] as Local<'v128'>))
    }
    for (const accumulator of running) f.set(accumulator, f32x4.splat(0))
  }

  /** Finishes reductions and runs the epilogue for the point (or points) they belong to. */
  #close(accumulators: readonly Accumulator[], mode: Mode): void {
    const { f, shape } = this
    if (accumulators.length === 0) return
    this.#accumulators = []
    const results = accumulators.map(({ reduction, type, running, totals }): Vector[] => {
      const finished: readonly Vector[] = totals.length > 0 ? totals : running
      if (!this.#isRowReduction) return [...finished]
      const joined = f.let(pairwise(finished, (a, b) => combine(reduction, type, a, b)))
      for (const lanes of [
        [2, 3, 0, 1],
        [1, 0, 3, 2],
      ])
        f.set(joined, combine(reduction, type, joined, i32x4.shuffle(joined, joined, lanes)))
      return [joined]
    })
    for (let unit = 0; unit < mode.units; unit++) {
      const values: Vector[][] = []
      shape.epilogue.forEach((instruction, at) => {
        if (instruction.op === 'reduced') values[at] = [pick(results[instruction.reduction], unit)]
        else if (instruction.op === 'literal') values[at] = [literal(instruction.value, instruction.type)]
        else values[at] = [f.let(this.#compute(instruction, values, shape.epilogue, mode, unit))]
      })
      for (const { value, operand } of shape.epilogueStores) {
        this.#store(operand, { value: pick(values[value], 0), type: (shape.epilogue[value] as LoopInstruction).type }, mode, unit)
      }
    }
  }
}

const FIRST_LANE = i32x4.const(-1, 0, 0, 0)

/** A unit's value, or the one that serves all units. */
const pick = (values: readonly Vector[] | undefined, unit: number): Vector => {
  const value = values?.[unit] ?? values?.[0]
  if (value === undefined) throw new Error('internal: an instruction is used before it is computed')
  return value
}

const elementBytes = ({ dtype }: LoopOperand): number =>
  dtype === null ? 1 : dtype === 'int32' || dtype === 'float32' ? 4 : dtype === 'bool' || dtype === 'uint8' ? 1 : 2

function literal(value: number, type: LoopType): Vector {
  if (type === 'f32') return f32x4.splat(value)
  return i32x4.splat(type === 'bool' ? (value !== 0 ? -1 : 0) : value)
}

function identityOf({ op }: LoopReduction, type: LoopType): number {
  switch (op) {
    case 'sum':
      return 0
    case 'prod':
      return 1
    case 'max':
      return type === 'f32' ? Number.NEGATIVE_INFINITY : type === 'bool' ? 0 : -2147483648
    case 'min':
      return type === 'f32' ? Number.POSITIVE_INFINITY : type === 'bool' ? 1 : 2147483647
    default:
      return op satisfies never
  }
}

const COMBINE = {
  f32: { sum: f32x4.add, prod: f32x4.mul, max: f32x4.max, min: f32x4.min },
  i32: { sum: i32x4.add, prod: i32x4.mul, max: i32x4.maxS, min: i32x4.minS },
  bool: { sum: v128.or, prod: v128.and, max: v128.or, min: v128.and },
} as const

function combine({ op }: LoopReduction, type: LoopType, a: Vector, b: Vector): Vector {
  if (type === 'f64') throw new Error('internal: float64 reached the loop emitter')
  return COMBINE[type][op](a, b)
}

function pairwise(values: readonly Vector[], join: (a: Vector, b: Vector) => Vector): Vector {
  if (values.length === 1) return values[0] as Vector
  const half = Math.ceil(values.length / 2)
  return join(pairwise(values.slice(0, half), join), pairwise(values.slice(half), join))
}

/** For each body instruction the innermost level it depends on; -1: none. */
function depthsOf(shape: LoopShape): number[] {
  const depths: number[] = []
  for (const instruction of shape.body) {
    if (instruction.op === 'load')
      depths.push(Math.max(...(shape.operands[instruction.input]?.varies ?? []).map((varies, level) => (varies ? level : -1))))
    else if ('args' in instruction) depths.push(Math.max(-1, ...instruction.args.map((arg) => depths[arg] as number)))
    else depths.push(-1)
  }
  return depths
}

/** For each body instruction whether it differs along the vector level. */
function variationsOf({ body, operands, vector }: LoopShape): boolean[] {
  const varies: boolean[] = []
  for (const instruction of body) {
    if (instruction.op === 'load') varies.push(operands[instruction.input]?.varies[vector] === true)
    else varies.push('args' in instruction && instruction.args.some((arg) => varies[arg]))
  }
  return varies
}

const HEAVY = new Set([
  'exp',
  'expm1',
  'log',
  'log1p',
  'tanh',
  'sigmoid',
  'erf',
  'randomBits',
  'sin',
  'cos',
  'tan',
  'pow',
  'atan2',
  'mod',
  'lgamma',
  'digamma',
  'erfInv',
])
export const weightOf = (op: string): number => (HEAVY.has(op) ? 16 : op === 'literal' ? 0 : 1)
