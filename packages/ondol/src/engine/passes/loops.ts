/**
 * Regions → loop steps. Starting from what has to be stored, walks to the producers with an index map
 * at hand, emitting one instruction for each value and map, until it reaches memory, literals or indices.
 */
import type { DType } from '../../core/dtype.js'
import { rowMajorStrides, type Shape, sizeOf } from '../../core/shape.js'
import { isNode, type Node, type Value } from '../graph.js'
import type { LoopInput, LoopInstruction, LoopReduction, LoopStep, LoopStore, LoopType } from '../plan.js'
import type { ElementwiseName, ReduceName } from '../primitives.js'
import { Access, linearAccess, locate, moveAccess, NO_MAP, SplitRequest } from './access.js'
import { REDUCTIONS } from './classify.js'
import type { Operation, Program } from './legalize.js'
import { arrangeDims } from './loop-dims.js'
import { baseOf, dimsOf, type Region } from './region.js'
import { conversion, firstElement, identityOf, literalOf, loopType } from './scalars.js'
import { moveView, type Strided } from './strided.js'

/** A place in one of the plan's buffers-to-be. */
export interface Place extends Strided {
  readonly buffer: number
}

export interface LoopContext {
  readonly program: Program
  readonly isStored: (value: Value) => boolean
  /** Where a value that is in memory lies. */
  readonly placeOf: (base: Value) => Place
  /** Called when no index map leads through a movement: its input has to be in memory. */
  readonly force: (value: Value) => void
}

export interface EmittedLoop {
  readonly step: LoopStep
  /** Values read from memory. */
  readonly reads: ReadonlySet<Value>
}

interface Dim {
  readonly size: number
  readonly reduced: boolean
}

/** Raised to begin again with a finer loop. */
class Refine {
  constructor(readonly request: SplitRequest) {}
}
/** Raised when the region cannot be emitted before something is forced to memory. */
class Unmappable {}

/** The loop of a region, or null if it has nothing to do or waits for a forced value. */
export function emitLoop(region: Region, context: LoopContext): EmittedLoop | null {
  let dims: readonly Dim[] = dimsOf(region)
  for (;;) {
    try {
      return new Emitter(region, context, dims).emit()
    } catch (reason) {
      if (reason instanceof Unmappable) return null
      if (!(reason instanceof Refine)) throw reason
      const { dim, inner } = reason.request
      const { size, reduced } = dims[dim] as Dim
      dims = [...dims.slice(0, dim), { size: size / inner, reduced }, { size: inner, reduced }, ...dims.slice(dim + 1)]
    }
  }
}

class Emitter {
  readonly #sizes: readonly number[]
  readonly #inputs: LoopInput[] = []
  readonly #inputKeys = new Map<string, number>()
  readonly #reads = new Set<Value>()
  readonly #body = new InstructionList()
  readonly #epilogue = new InstructionList()
  readonly #reductions: LoopReduction[] = []
  readonly #reductionOf = new Map<Value, number>()
  readonly #own = new Set<Value>()

  constructor(
    readonly region: Region,
    readonly context: LoopContext,
    readonly dims: readonly Dim[],
  ) {
    this.#sizes = dims.map(({ size }) => size)
    for (const { outputs } of [...region.body, ...region.epilogue]) this.#own.add(outputs[0] as Value)
    for (const value of region.inlined) this.#own.add(value)
  }

  emit(): EmittedLoop | null {
    const { region, context } = this
    const stores: LoopStore[] = []
    const epilogueStores: LoopStore[] = []
    for (const { node, inputs, outputs } of region.reductions) {
      const input = inputs[0] as Value
      const value = this.#emit(this.#body, input, this.#linear(input.shape))
      const primitive = node.primitive as ReduceName
      const isBool = input.dtype === 'bool'
      const op = isBool && primitive === 'reduceSum' ? 'max' : isBool && primitive === 'reduceProd' ? 'min' : REDUCTIONS[primitive]
      this.#reductionOf.set(outputs[0] as Value, this.#reductions.length)
      this.#reductions.push({ op, value })
    }
    for (const { outputs } of region.body) {
      const result = outputs[0] as Value
      if (context.isStored(result)) stores.push(this.#store(this.#body, result, this.#linear(result.shape)))
    }
    for (const { outputs } of [...region.reductions, ...region.epilogue]) {
      const result = outputs[0] as Value
      if (context.isStored(result)) epilogueStores.push(this.#store(this.#epilogue, result, this.#kept(result.shape)))
    }
    if (stores.length + epilogueStores.length === 0) return null
    const scope = [...region.epilogue, ...region.reductions, ...region.body][0]?.node.scope ?? ''
    const step: LoopStep = {
      kind: 'loop',
      dims: this.dims,
      inputs: this.#inputs,
      body: this.#body.instructions,
      stores,
      reductions: this.#reductions,
      epilogue: this.#epilogue.instructions,
      epilogueStores,
      scope,
    }
    return { step: arrangeDims(step), reads: this.#reads }
  }

  #map(mapped: Access | SplitRequest | typeof NO_MAP, input?: Value): Access {
    if (mapped instanceof SplitRequest) throw new Refine(mapped)
    if (mapped !== NO_MAP) return mapped
    if (input !== undefined) this.context.force(input)
    throw new Unmappable()
  }

  #linear(shape: Shape): Access {
    return this.#map(linearAccess(this.#sizes, shape))
  }

  /** The map of a value over the dims that are not reduced. */
  #kept(shape: Shape): Access {
    const kept = this.dims.flatMap(({ reduced }, dim) => (reduced ? [] : [dim]))
    const mapped = linearAccess(
      kept.map((dim) => this.#sizes[dim] as number),
      shape,
    )
    if (mapped instanceof SplitRequest) throw new Refine(new SplitRequest(kept[mapped.dim] as number, mapped.inner))
    const access = this.#map(mapped)
    const axes = access.axes.map(({ offset, coefficients }) => {
      const spread = new Array<number>(this.dims.length).fill(0)
      kept.forEach((dim, at) => {
        spread[dim] = coefficients[at] as number
      })
      return { offset, coefficients: spread }
    })
    return new Access(axes)
  }

  #store(program: InstructionList, value: Value, access: Access): LoopStore {
    const place = this.context.placeOf(value)
    const { offset, strides } = locate(access, place, this.dims.length)
    return { value: this.#emit(program, value, access), buffer: place.buffer, offset, strides }
  }

  #emit(program: InstructionList, value: Value, access: Access): number {
    const key = `${value.id}|${access.key}`
    let instruction = program.memo.get(key)
    if (instruction === undefined) {
      instruction = this.#compute(program, value, access)
      program.memo.set(key, instruction)
    }
    return instruction
  }

  #compute(program: InstructionList, value: Value, access: Access): number {
    const { producer } = this.context.program
    const maker = producer.get(value)
    const reduction = this.#reductionOf.get(value)
    if (reduction !== undefined && program === this.#epilogue) {
      const result = program.add({ op: 'reduced', reduction, type: loopType(value.dtype) })
      return this.#narrow(program, result, value.dtype)
    }
    if (maker === undefined || maker.kind === 'kernel' || maker.kind === 'assembly' || maker.kind === 'reduction')
      return this.#load(program, value, value, access)
    switch (maker.kind) {
      case 'source':
        return this.#source(program, maker.node, value, access)
      case 'constant':
        return this.#load(program, value, value, access)
      case 'movement':
        return this.#movement(program, maker, value, access)
      case 'elementwise':
        return this.#own.has(value) ? this.#elementwise(program, maker, value, access) : this.#load(program, value, value, access)
      default:
        return maker.kind satisfies never
    }
  }

  /** Through a movement: as a view of memory if what is behind is in memory, else by its producer's map. */
  #movement(program: InstructionList, maker: Operation, value: Value, access: Access): number {
    const { base, isSource } = baseOf(this.context.program, value)
    const isOwn = this.#own.has(base) || this.#reductionOf.has(base)
    if (!isOwn && !isSource) {
      const view = this.#viewOf(value)
      if (view !== null) return this.#load(program, base, value, access, view)
    }
    const input = maker.inputs[0] as Value
    return this.#emit(program, input, this.#map(moveAccess(maker.node, access, this.#sizes), input))
  }

  #viewOf(value: Value): Place | null {
    const maker = this.context.program.producer.get(value)
    if (maker?.kind !== 'movement') return this.context.placeOf(value)
    const inner = this.#viewOf(maker.inputs[0] as Value)
    const view = inner && moveView(maker.node, inner)
    return inner && view && { ...view, buffer: inner.buffer }
  }

  #load(program: InstructionList, base: Value, value: Value, access: Access, place = this.context.placeOf(base)): number {
    this.#reads.add(base)
    const { offset, strides } = locate(access, place, this.dims.length)
    const input = this.#input({ kind: 'memory', buffer: place.buffer, offset, strides })
    return program.add({ op: 'load', input, type: loopType(value.dtype) })
  }

  #input(input: LoopInput): number {
    const key = `${input.kind === 'memory' ? input.buffer : 'i'}|${input.offset}|${input.strides}`
    let index = this.#inputKeys.get(key)
    if (index === undefined) {
      index = this.#inputs.length
      this.#inputs.push(input)
      this.#inputKeys.set(key, index)
    }
    return index
  }

  #index(program: InstructionList, access: Access, weights: readonly number[]): number {
    const { offset, strides } = locate(access, { offset: 0, shape: [], strides: weights }, this.dims.length)
    if (strides.every((stride) => stride === 0)) return program.add({ op: 'literal', value: offset, type: 'i32' })
    return program.add({ op: 'load', input: this.#input({ kind: 'index', offset, strides }), type: 'i32' })
  }

  #source(program: InstructionList, node: Node, value: Value, access: Access): number {
    const { dtype } = value
    const literal = (number: number): number => program.add({ op: 'literal', value: literalOf(dtype, number), type: loopType(dtype) })
    if (isNode(node, 'full')) return literal(node.attributes.value)
    if (isNode(node, 'constant')) return literal(firstElement(dtype, node.attributes.storage))
    if (isNode(node, 'iota')) {
      const weights = value.shape.map((_, axis) => (axis === node.attributes.axis ? 1 : 0))
      return this.#convert(program, this.#index(program, access, weights), 'int32', dtype)
    }
    return literal(isNode(node, 'dot') ? 0 : identityOf(node.primitive as ReduceName, dtype))
  }

  #elementwise(program: InstructionList, { node, inputs }: Operation, value: Value, access: Access): number {
    const type = loopType(value.dtype)
    if (isNode(node, 'randomBits')) {
      const key = inputs[0] as Value
      const at = (offset: number): Access => new Access([{ offset, coefficients: this.dims.map(() => 0) }])
      const args = [
        this.#emit(program, key, at(0)),
        this.#emit(program, key, at(1)),
        this.#index(program, access, rowMajorStrides(value.shape)),
      ]
      return program.add({ op: 'randomBits', args, type })
    }
    const args = inputs.map((input) => this.#emit(program, input, access))
    if (isNode(node, 'cast')) return this.#convert(program, args[0] as number, (inputs[0] as Value).dtype, value.dtype)
    const result = program.add({ op: node.primitive as ElementwiseName, args, type })
    return this.#narrow(program, result, value.dtype)
  }

  /** uint8 arithmetic happens in int32: brings a result back. */
  #narrow(program: InstructionList, instruction: number, dtype: DType): number {
    return dtype === 'uint8' ? program.add({ op: 'cast', args: [instruction], type: 'i32', rounding: 'uint8' }) : instruction
  }

  #convert(program: InstructionList, argument: number, from: DType, to: DType): number {
    const change = conversion(from, to)
    return change === null ? argument : program.add({ op: 'cast', args: [argument], ...change })
  }
}

/** Instructions in order, equal ones only once. */
class InstructionList {
  readonly instructions: LoopInstruction[] = []
  readonly memo = new Map<string, number>()
  readonly #known = new Map<string, number>()

  add(instruction: LoopInstruction): number {
    const key =
      Object.values(instruction as Record<string, unknown>).join('|') +
      (Object.is((instruction as { value?: number }).value, -0) ? '-' : '')
    let index = this.#known.get(key)
    if (index === undefined) {
      index = this.instructions.length
      this.instructions.push(instruction)
      this.#known.set(key, index)
    }
    return index
  }
}

/** One load, one store: copies and fills. */
export function copyLoop(target: Place, source: Place | number, type: LoopType, scope: string): LoopStep {
  const rank = target.shape.length
  const value = typeof source === 'number' ? ({ op: 'literal', value: source, type } as const) : ({ op: 'load', input: 0, type } as const)
  const step: LoopStep = {
    kind: 'loop',
    dims: target.shape.map((size) => ({ size, reduced: false })),
    inputs:
      typeof source === 'number'
        ? []
        : [{ kind: 'memory', buffer: source.buffer, offset: source.offset, strides: source.strides.slice(0, rank) }],
    body: [value],
    stores: [{ value: 0, buffer: target.buffer, offset: target.offset, strides: target.strides }],
    reductions: [],
    epilogue: [],
    epilogueStores: [],
    scope,
  }
  return arrangeDims(step)
}

export const isEmpty = (shape: Shape): boolean => sizeOf(shape) === 0
