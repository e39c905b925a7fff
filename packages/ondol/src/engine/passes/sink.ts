/**
 * Loops as late as they can be: a loop whose values are first wanted by one loop over the same points
 * becomes part of it (a dropout mask is made where it is applied). Levels keep rising along every edge.
 */
import { bytesOf } from '../../core/dtype.js'
import { sizeOf } from '../../core/shape.js'
import type { Value } from '../graph.js'
import { basesOf, type Region, type Regions, unite } from './regions.js'
import { findUsers, takesWhole, type Users } from './users.js'

export function sinkRegions(regions: Regions): void {
  const users = findUsers(regions)
  const latestFirst = [...regions.all].sort((a, b) => b.level - a.level)
  for (const region of latestFirst) {
    if (region.root !== region || region.reductions.length > 0 || region.size <= 1) continue
    const goal = firstUser(region, regions, users)
    if (goal === null || goal.size !== region.size || readBytes(region, regions) > writtenBytes(region, regions, users)) continue
    unite([goal, region], goal.cuts, goal.level)
  }
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
      const fits = other !== undefined && !regions.memberOf(result)?.isEpilogue && takesWhole(regions, user, value) && !regions.program.pinned.has(value)
      if (at === level && (goal === null || other !== goal || !fits)) goal = null
      else if (at < level) goal = fits ? (other as Region) : null
      level = at
    }
  }
  return goal
}

/** Bytes of big operands that a region reads. */
function readBytes(region: Region, regions: Regions): number {
  const read = new Set(region.body.flatMap((operation) => basesOf(regions.program, operation)).filter((base) => regions.regionOf(base) !== region))
  let bytes = 0
  for (const base of read) {
    const kind = regions.program.producer.get(base)?.kind
    if (kind !== 'source') bytes += Math.min(sizeOf(base.shape), region.size) * bytesOf(base.dtype)
  }
  return bytes
}

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
