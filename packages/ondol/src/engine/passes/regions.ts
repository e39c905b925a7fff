/**
 * Which element-wise nodes and reductions share a loop. Every value has a level: one more than its
 * inputs' wherever data has to pass through memory, the same where it can stay in a register. Only nodes of one
 * level join, so that loops can always be put in order; nodes join where one feeds the other, where
 * they read the same big operand, and where both are tiny.
 */
import { type Shape, sizeOf } from '../../core/shape.js'
import type { Value } from '../graph.js'
import type { Operation, Program } from './legalize.js'
import { baseOf, basesOf, cutsOf, MAX_OPERATIONS, type Member, mergeCuts, type Region, Regions, sameCuts, unite } from './region.js'
import { rematerialize } from './rematerialize.js'
import { sinkRegions } from './sink.js'

/** Loops of at most so many points join for no other reason than to be fewer. */
const TINY = 4096

export function formRegions(program: Program, fusion: boolean): Regions {
  const regions = new Regions(program)

  for (const operation of program.operations) {
    if (operation.kind === 'elementwise') placeElementwise(operation)
    else if (operation.kind === 'reduction') placeReduction(operation)
    else if (operation.kind === 'kernel' || operation.kind === 'assembly') {
      const level = 1 + basesOf(program, operation).reduce((highest, base) => Math.max(highest, regions.levelOf(base)), 0)
      for (const output of operation.outputs) regions.setLevel(output, level)
    }
  }
  if (fusion) {
    joinSiblings(regions.all, program)
    sinkRegions(regions)
    rematerialize(regions)
  }
  return regions

  function placeElementwise(operation: Operation): void {
    const result = operation.outputs[0] as Value
    const size = sizeOf(result.shape)
    let level = 0
    const near: { readonly level: number; readonly member: Member; readonly base: Value }[] = []
    for (const input of operation.inputs) {
      const { base, isReshaped, isSource } = baseOf(program, input)
      if (isSource) continue
      const at = regions.levelOf(base)
      const member = regions.memberOf(base)
      const isNear = fusion && member !== undefined && isReshaped && sizeOf(base.shape) === size && !program.pinned.has(base)
      if (isNear) near.push({ level: at, member, base })
      else level = Math.max(level, at + 1)
    }
    for (const edge of near) level = Math.max(level, edge.level)
    const joined = near.filter((edge) => edge.level === level)
    const cuts = cutsOf(result.shape)
    if (joined.length > 0 && joined.every(({ member }) => !member.isEpilogue)) {
      const region = unite(
        joined.map(({ member }) => member.region.root),
        cuts,
      )
      if (region !== null) {
        region.body.push(operation)
        regions.enter(result, region, false)
        return
      }
    } else if (joined.length > 0 && joined.every(({ member }) => member.isEpilogue)) {
      const region = (joined[0] as { member: Member }).member.region.root
      const fits = joined.every(({ member, base }) => member.region.root === region && sameCuts(cutsOf(base.shape), cuts))
      if (fits && region.epilogue.length < MAX_OPERATIONS) {
        region.epilogue.push(operation)
        regions.enter(result, region, true)
        return
      }
    }
    const region = regions.open(joined.length > 0 ? level + 1 : level, result.shape)
    region.body.push(operation)
    regions.enter(result, region, false)
  }

  function placeReduction(operation: Operation): void {
    const input = operation.inputs[0] as Value
    const result = operation.outputs[0] as Value
    const reduced = reducedPart(input.shape, (operation.node.attributes as { axes: readonly number[] }).axes)
    const { base, isReshaped, isSource } = baseOf(program, input)
    const at = regions.levelOf(base)
    const member = regions.memberOf(base)
    if (fusion && member !== undefined && !member.isEpilogue && isReshaped && !program.pinned.has(base)) {
      const region = member.region.root
      const cuts = mergeCuts(region.cuts, cutsOf(input.shape))
      if (cuts !== null && (region.reduced === undefined || region.reduced === reduced)) {
        region.cuts = cuts
        region.reduced = reduced
        region.reductions.push(operation)
        regions.enter(result, region, true)
        return
      }
    }
    const region = regions.open(isSource ? 0 : at + 1, input.shape)
    region.reduced = reduced
    region.reductions.push(operation)
    regions.enter(result, region, true)
  }
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
