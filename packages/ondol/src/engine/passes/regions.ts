/**
 * Which element-wise nodes and reductions share a loop. Every value has a level: one more than its
 * inputs' wherever data has to pass through memory, the same where it can stay in a register. Only nodes of one
 * level join, so that loops can always be put in order; nodes join where one feeds the other, where
 * they read the same big operand, and where both are tiny.
 */
import { type Shape, sizeOf } from '../../core/shape.js'
import { isNode, type Value } from '../graph.js'
import type { Operation, Program } from './legalize.js'

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

interface Member {
  readonly region: Region
  readonly isEpilogue: boolean
}

export interface Regions {
  readonly all: readonly Region[]
  /** The region that computes a value, if one does. */
  regionOf(value: Value): Region | undefined
  /** Values of regions that have to be in memory. */
  readonly stored: ReadonlySet<Value>
}

const MAX_DIMS = 6
const MAX_OPERATIONS = 400
/** Loops of at most so many points join for no other reason than to be fewer. */
const TINY = 4096

export function formRegions(program: Program, fusion: boolean): Regions {
  const members = new Map<Value, Member>()
  const levels = new Map<Value, number>()
  const regions: Region[] = []

  const open = (level: number, shape: Shape): Region => {
    const region = new Region(level, sizeOf(shape), cutsOf(shape))
    regions.push(region)
    return region
  }

  for (const operation of program.operations) {
    if (operation.kind === 'elementwise') placeElementwise(operation)
    else if (operation.kind === 'reduction') placeReduction(operation)
    else if (operation.kind === 'kernel' || operation.kind === 'assembly') {
      const operands = operation.bias === undefined ? operation.inputs : [...operation.inputs, operation.bias]
      const level = 1 + Math.max(0, ...operands.map((value) => levels.get(baseOf(program, value).base) ?? 0))
      for (const output of operation.outputs) levels.set(output, level)
    }
  }
  if (fusion) joinSiblings(regions, program)
  const all = regions.filter((region) => region.root === region)
  return { all, regionOf: (value) => members.get(value)?.region.root, stored: storedValues() }

  function placeElementwise(operation: Operation): void {
    const result = operation.outputs[0] as Value
    const size = sizeOf(result.shape)
    let level = 0
    const near: { readonly level: number; readonly member: Member; readonly base: Value }[] = []
    for (const input of operation.inputs) {
      const { base, isReshaped, isSource } = baseOf(program, input)
      if (isSource) continue
      const at = levels.get(base) ?? 0
      const member = members.get(base)
      const isNear = fusion && member !== undefined && isReshaped && sizeOf(base.shape) === size && !program.pinned.has(base)
      if (isNear) near.push({ level: at, member, base })
      else level = Math.max(level, at + 1)
    }
    for (const edge of near) level = Math.max(level, edge.level)
    const joined = near.filter((edge) => edge.level === level)
    const cuts = cutsOf(result.shape)
    if (joined.length > 0 && joined.every(({ member }) => !member.isEpilogue)) {
      const region = unite(joined.map(({ member }) => member.region.root), cuts)
      if (region !== null) {
        region.body.push(operation)
        enter(result, { region, isEpilogue: false }, level)
        return
      }
    } else if (joined.length > 0 && joined.every(({ member }) => member.isEpilogue)) {
      const region = (joined[0] as { member: Member }).member.region.root
      const fits = joined.every(({ member, base }) => member.region.root === region && sameCuts(cutsOf(base.shape), cuts))
      if (fits && region.epilogue.length < MAX_OPERATIONS) {
        region.epilogue.push(operation)
        enter(result, { region, isEpilogue: true }, level)
        return
      }
    }
    const region = open(joined.length > 0 ? level + 1 : level, result.shape)
    region.body.push(operation)
    enter(result, { region, isEpilogue: false }, region.level)
  }

  function placeReduction(operation: Operation): void {
    const input = operation.inputs[0] as Value
    const result = operation.outputs[0] as Value
    const reduced = reducedPart(input.shape, (operation.node.attributes as { axes: readonly number[] }).axes)
    const { base, isReshaped, isSource } = baseOf(program, input)
    const at = levels.get(base) ?? 0
    const member = members.get(base)
    if (fusion && member !== undefined && !member.isEpilogue && isReshaped && !program.pinned.has(base)) {
      const region = member.region.root
      const cuts = mergeCuts(region.cuts, cutsOf(input.shape))
      if (cuts !== null && (region.reduced === undefined || region.reduced === reduced)) {
        region.cuts = cuts
        region.reduced = reduced
        region.reductions.push(operation)
        enter(result, { region, isEpilogue: true }, region.level)
        return
      }
    }
    const region = open(isSource ? 0 : at + 1, input.shape)
    region.reduced = reduced
    region.reductions.push(operation)
    enter(result, { region, isEpilogue: true }, region.level)
  }

  function enter(value: Value, member: Member, level: number): void {
    members.set(value, member)
    levels.set(value, level)
  }

  function storedValues(): Set<Value> {
    const stored = new Set<Value>()
    const need = (value: Value): void => void (members.has(value) && stored.add(value))
    program.operands.forEach(need)
    program.outputs.forEach(need)
    for (const value of program.claims.keys()) need(value)
    for (const operation of program.operations) {
      if (operation.kind === 'movement') continue
      const region = members.get(operation.outputs[0] as Value)?.region.root
      for (const input of operation.bias === undefined ? operation.inputs : [...operation.inputs, operation.bias]) {
        const { base } = baseOf(program, input)
        if (members.get(base)?.region.root !== region || region === undefined) need(base)
      }
    }
    return stored
  }
}

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
function unite(regions: readonly Region[], shapeCuts: readonly number[]): Region | null {
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
  const [first, ...others] = distinct.sort((a, b) => b.body.length - a.body.length) as [Region, ...Region[]]
  first.cuts = cuts
  for (const other of others) first.absorb(other, cuts)
  return first
}

function joinSiblings(regions: readonly Region[], program: Program): void {
  const first = new Map<string, Region>()
  for (const member of regions) {
    const region = member.root
    if (region !== member) continue
    const keys = region.size <= TINY ? [`${region.level}|${region.size}`] : []
    for (const operation of [...region.body, ...region.reductions]) {
      for (const input of operation.inputs) {
        const { base, isSource } = baseOf(program, input)
        if (!isSource && sizeOf(base.shape) >= region.size && region.size > 1) keys.push(`${region.level}|${region.size}|${base.id}`)
      }
    }
    let joined = region
    for (const key of new Set(keys)) {
      const other = first.get(key)?.root
      if (other !== undefined && other !== joined) joined = unite([other, joined], joined.cuts) ?? joined
      if (other === undefined) first.set(key, joined)
    }
  }
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

const sameCuts = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((cut, i) => cut === b[i])

function mergeCuts(a: readonly number[], b: readonly number[]): readonly number[] | null {
  if (sameCuts(a, b)) return a
  const cuts = [...new Set([...a, ...b])].sort((x, y) => x - y)
  const isChain = cuts.every((cut, i) => i === 0 || cut % (cuts[i - 1] as number) === 0)
  return isChain && cuts.length < MAX_DIMS ? cuts : null
}

/** The stretches of the row-major order that a reduction runs over. */
function reducedPart(shape: Shape, axes: readonly number[]): string {
  const parts: [number, number][] = []
  let step = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const next = step * (shape[axis] as number)
    if (axes.includes(axis) && next !== step) {
      const last = parts[parts.length - 1]
      if (last !== undefined && last[1] === step) last[1] = next
      else parts.push([step, next])
    }
    step = next
  }
  return parts.map(([from, to]) => `${from}-${to}`).join(' ')
}

/** Dims of a region's loop, outermost first, and which of them are reduced. */
export function dimsOf(region: Region): { readonly size: number; readonly reduced: boolean }[] {
  const steps = [1, ...region.cuts, region.size]
  const parts = (region.reduced ?? '').split(' ').filter(Boolean).map((part) => part.split('-').map(Number) as [number, number])
  const dims: { size: number; reduced: boolean }[] = []
  for (let i = 0; i + 1 < steps.length; i++) {
    const from = steps[i] as number
    const size = (steps[i + 1] as number) / from
    if (size !== 1) dims.unshift({ size, reduced: parts.some(([start, end]) => from >= start && from < end) })
  }
  return dims
}
