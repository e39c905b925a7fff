/**
 * Loops as late as they can be. A loop whose values are first wanted by one loop over the same points becomes
 * part of it (a dropout mask is made where it is applied); a loop that can wait for another one that reads
 * the same big operand joins that (the sums of a batch normalization's gradient). Levels keep rising along every edge.
 */
import { bytesOf } from '../../core/dtype.js'
import { sizeOf } from '../../core/shape.js'
import type { Value } from '../graph.js'
import { basesOf, type Region, type Regions, unite } from './region.js'
import { findUsers, takesWhole, type Users } from './users.js'

export function sinkRegions(regions: Regions): void {
  const users = findUsers(regions)
  const latestFirst = [...regions.all].sort((a, b) => b.level - a.level)
  const readers = new Map<Value, Region[]>()
  for (const region of latestFirst) {
    if (region.root !== region || region.size <= 1) continue
    if (!joinUser(region) && !joinReader(region)) {
      for (const base of bigOperands(region, regions)) readers.set(base, [...(readers.get(base) ?? []), region])
    }
  }

  function joinUser(region: Region): boolean {
    if (region.reductions.length > 0) return false
    const goal = firstUser(region, regions, users)
    if (goal === null || goal.size !== region.size || bytesOfAll(bigOperands(region, regions)) > writtenBytes(region, regions, users))
      return false
    return unite([goal, region], goal.cuts, goal.level) !== null
  }

  function joinReader(region: Region): boolean {
    const operands = bigOperands(region, regions)
    const limit = firstUse(region, regions, users)
    const total = bytesOfAll(operands)
    for (const base of operands) {
      if (total > 2 * bytesOfAll([base])) continue
      const goals = (readers.get(base) ?? [])
        .map(({ root }) => root)
        .filter(({ level, size }) => level > region.level && level < limit && size === region.size)
      const [goal] = goals.sort((one, other) => one.level - other.level)
      if (goal !== undefined && unite([goal, region], goal.cuts, goal.level) !== null) return true
    }
    return false
  }
}

/** The lowest level at which somebody else wants a value of the region. */
function firstUse(region: Region, regions: Regions, users: Users): number {
  let first = Number.POSITIVE_INFINITY
  for (const { outputs } of [...region.body, ...region.reductions, ...region.epilogue]) {
    for (const user of users.of(outputs[0] as Value)) {
      const result = user.outputs[0] as Value
      if (regions.regionOf(result) !== region) first = Math.min(first, regions.levelOf(result))
    }
  }
  return first
}

/** The one region that wants the region's values first, if nobody else does as early. */
function firstUser(region: Region, regions: Regions, users: Users): Region | null {
  let goal: Region | null = null
  let level = Number.POSITIVE_INFINITY
  for (const { outputs } of region.body) {
    const value = outputs[0] as Value
    for (const user of users.of(value)) {
      const result = user.outputs[0] as Value
      const other = regions.regionOf(result)
      if (other === region) continue
      const at = regions.levelOf(result)
      if (at > level) continue
      const fits =
        other !== undefined &&
        !regions.memberOf(result)?.isEpilogue &&
        takesWhole(regions, user, value) &&
        !regions.program.pinned.has(value)
      if (at === level && (goal === null || other !== goal || !fits)) goal = null
      else if (at < level) goal = fits ? (other as Region) : null
      level = at
    }
  }
  return goal
}

/** What a region reads at every point. */
function bigOperands(region: Region, regions: Regions): Set<Value> {
  const { program } = regions
  const bases = [...region.body, ...region.reductions].flatMap((operation) => basesOf(program, operation))
  return new Set(
    bases.filter(
      (base) => regions.regionOf(base) !== region && program.producer.get(base)?.kind !== 'source' && sizeOf(base.shape) >= region.size,
    ),
  )
}

const bytesOfAll = (values: Iterable<Value>): number =>
  [...values].reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * bytesOf(dtype), 0)

/** Bytes that a region has to store for others. */
function writtenBytes(region: Region, regions: Regions, users: Users): number {
  let bytes = 0
  for (const { outputs } of region.body) {
    const value = outputs[0] as Value
    const isWanted = users.isFixed(value) || users.of(value).some((user) => regions.regionOf(user.outputs[0] as Value) !== region)
    if (isWanted) bytes += region.size * bytesOf(value.dtype)
  }
  return bytes
}
