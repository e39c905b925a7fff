/** Regions: loops to be, what is in them, and how their dims are cut. */
import { type Shape, sizeOf } from '../../core/shape.js'
import { isNode, type Value } from '../graph.js'
import type { Operation, Program } from './legalize.js'

const MAX_DIMS = 6
export const MAX_OPERATIONS = 400

/** A loop to be. All its values have the same elements in row-major order, or those left by its reductions. */
export class Region {
  /** Element-wise, at every point. */
  body: Operation[] = []
  reductions: Operation[] = []
  /** Element-wise, on what the reductions left. */
  epilogue: Operation[] = []
  /** Strides at which the row-major order is cut into dims, ascending. */
  cuts: readonly number[]
  /** Which part of the row-major order is reduced: pairs of strides. */
  reduced: string | undefined
  /** Values of others that are computed again here instead of being read. */
  readonly inlined = new Set<Value>()
  #parent: Region | undefined

  constructor(
    readonly level: number,
    readonly size: number,
    cuts: readonly number[],
  ) {
    this.cuts = cuts
  }

  /** The region that this one has become part of. */
  get root(): Region {
    let root: Region = this
    while (root.#parent !== undefined) root = root.#parent
    let at: Region = this
    while (at.#parent !== undefined && at.#parent !== root) {
      const next: Region = at.#parent
      at.#parent = root
      at = next
    }
    return root
  }

  absorb(other: Region, cuts: readonly number[]): void {
    this.cuts = cuts
    this.reduced ??= other.reduced
    this.body.push(...other.body)
    this.reductions.push(...other.reductions)
    this.epilogue.push(...other.epilogue)
    other.#parent = this
  }
}

export interface Member {
  readonly region: Region
  readonly isEpilogue: boolean
}

export class Regions {
  readonly #regions: Region[] = []
  readonly #members = new Map<Value, Member>()
  readonly #levels = new Map<Value, number>()

  constructor(readonly program: Program) {}

  get all(): readonly Region[] {
    return this.#regions.filter((region) => region.root === region)
  }

  /** The region that computes a value, if one does. */
  regionOf(value: Value): Region | undefined {
    return this.#members.get(value)?.region.root
  }

  memberOf(value: Value): Member | undefined {
    return this.#members.get(value)
  }

  /** Of a value, or of the region that it is in. */
  levelOf(value: Value): number {
    return this.regionOf(value)?.level ?? this.#levels.get(value) ?? 0
  }

  open(level: number, shape: Shape): Region {
    const region = new Region(level, sizeOf(shape), cutsOf(shape))
    this.#regions.push(region)
    return region
  }

  enter(value: Value, region: Region, isEpilogue: boolean): void {
    this.#members.set(value, { region, isEpilogue })
  }

  setLevel(value: Value, level: number): void {
    this.#levels.set(value, level)
  }

  /** Values of regions that have to be in memory: somebody else wants them. */
  stored(): Set<Value> {
    const { program } = this
    const stored = new Set<Value>()
    const need = (value: Value): void => void (this.#members.has(value) && stored.add(value))
    program.operands.forEach(need)
    program.outputs.forEach(need)
    for (const value of program.claims.keys()) need(value)
    for (const operation of program.operations) {
      if (operation.kind === 'movement') continue
      const region = this.regionOf(operation.outputs[0] as Value)
      for (const base of basesOf(program, operation)) {
        if (region === undefined || (this.regionOf(base) !== region && !region.inlined.has(base))) need(base)
      }
    }
    for (const region of this.all) {
      for (const value of region.inlined) {
        for (const base of basesOf(program, program.producer.get(value) as Operation)) {
          if (this.regionOf(base) !== region && !region.inlined.has(base)) need(base)
        }
      }
    }
    return stored
  }
}

/** The values behind an operation's operands. */
export const basesOf = (program: Program, { inputs, bias }: Operation): Value[] =>
  (bias === undefined ? inputs : [...inputs, bias]).map((value) => baseOf(program, value).base)

/** The value behind movements; whether those only reshape; whether it needs no memory. */
export function baseOf(program: Program, value: Value): { readonly base: Value; readonly isReshaped: boolean; readonly isSource: boolean } {
  let base = value
  let isReshaped = true
  for (;;) {
    const maker = program.producer.get(base)
    if (maker?.kind !== 'movement') return { base, isReshaped, isSource: maker?.kind === 'source' }
    if (!isNode(maker.node, 'reshape')) isReshaped = false
    base = maker.inputs[0] as Value
  }
}

/** One region of several of the same level, or null where their dims or reductions do not fit. */
export function unite(regions: readonly Region[], shapeCuts: readonly number[], level = regions[0]?.level): Region | null {
  const distinct = [...new Set(regions)]
  let cuts: readonly number[] | null = shapeCuts
  let reduced: string | undefined
  let count = 0
  for (const region of distinct) {
    cuts = cuts && mergeCuts(cuts, region.cuts)
    count += region.body.length + region.reductions.length
    if (region.reduced !== undefined) {
      if (reduced !== undefined && reduced !== region.reduced) return null
      reduced = region.reduced
    }
  }
  if (cuts === null || count > MAX_OPERATIONS) return null
  const ranked = distinct.sort((a, b) => Number(b.level === level) - Number(a.level === level) || b.body.length - a.body.length)
  const [first, ...others] = ranked as [Region, ...Region[]]
  first.cuts = cuts
  for (const other of others) first.absorb(other, cuts)
  return first
}

/** Strides of the row-major order at which a shape's axes begin. */
export function cutsOf(shape: Shape): number[] {
  const cuts: number[] = []
  let step = 1
  if (sizeOf(shape) === 0) return cuts
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && step !== 1) cuts.push(step)
    step *= shape[axis] as number
  }
  return cuts
}

export const sameCuts = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((cut, i) => cut === b[i])

export function mergeCuts(a: readonly number[], b: readonly number[]): readonly number[] | null {
  if (sameCuts(a, b)) return a
  const cuts = [...new Set([...a, ...b])].sort((x, y) => x - y)
  const isChain = cuts.every((cut, i) => i === 0 || cut % (cuts[i - 1] as number) === 0)
  return isChain && cuts.length < MAX_DIMS ? cuts : null
}

/** Dims of a region's loop, outermost first, and which of them are reduced. */
export function dimsOf(region: Region): { readonly size: number; readonly reduced: boolean }[] {
  const steps = [1, ...region.cuts, region.size]
  const parts = (region.reduced ?? '')
    .split(' ')
    .filter(Boolean)
    .map((part) => part.split('-').map(Number) as [number, number])
  const dims: { size: number; reduced: boolean }[] = []
  for (let i = 0; i + 1 < steps.length; i++) {
    const from = steps[i] as number
    const size = (steps[i + 1] as number) / from
    if (size !== 1) dims.unshift({ size, reduced: parts.some(([start, end]) => from >= start && from < end) })
  }
  return dims
}
