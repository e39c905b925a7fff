/**
 * Computing again instead of storing and reading: a value of another loop is inlined where its own
 * operands are read anyway, or where that moves fewer bytes than writing it down once and reading it everywhere.
 */
import { bytesOf } from '../../core/dtype.js'
import { sizeOf } from '../../core/shape.js'
import type { Value } from '../graph.js'
import type { PrimitiveName } from '../primitives.js'
import type { Operation } from './legalize.js'
import { baseOf, basesOf, type Region, type Regions } from './region.js'
import { findUsers } from './users.js'

/** Rough cost of a scalar function, in additions. */
const COSTS: { readonly [P in PrimitiveName]?: number } = {
  div: 4,
  sqrt: 4,
  rsqrt: 4,
  exp: 12,
  expm1: 15,
  log: 15,
  log1p: 18,
  tanh: 15,
  sigmoid: 15,
  erf: 15,
  erfInv: 30,
  pow: 30,
  sin: 20,
  cos: 20,
  tan: 25,
  asin: 25,
  acos: 25,
  atan: 25,
  atan2: 30,
  lgamma: 60,
  digamma: 60,
  mod: 6,
  floorDiv: 6,
  randomBits: 100,
}
/** Additions that cost as much as moving one byte. */
const ADDITIONS_PER_BYTE = 3
const MAX_COST = 40

export function rematerialize(regions: Regions): void {
  const { program } = regions
  const users = findUsers(regions)
  const loaded = new Map<Region, Set<Value>>()
  for (const region of regions.all) loaded.set(region, loadsOf(region, regions))
  /** Values that will be in memory for sure. */
  const kept = new Set<Value>()

  for (const operation of program.operations) {
    const value = operation.outputs[0] as Value
    const home = regions.regionOf(value)
    if (operation.kind !== 'elementwise' || home === undefined || regions.memberOf(value)?.isEpilogue || program.pinned.has(value)) continue
    const guests = new Set<Region>()
    for (const user of users.of(value)) {
      const region = regions.regionOf(user.outputs[0] as Value)
      if (region !== undefined && region !== home) guests.add(region)
    }
    // A value inlined in a loop is wanted there by what was inlined because of it.
    if (guests.size === 0) continue
    const isFixed = users.isFixed(value)
    const plans = [...guests].map((region) => ({ region, expansion: expand(value, region) }))
    const size = sizeOf(value.shape)
    const width = bytesOf(value.dtype)
    const isWorthwhile = ({ region, expansion }: (typeof plans)[number], saved: number): boolean => {
      if (expansion === null || region.size > 4 * size) return false
      const points = Math.min(region.size, size)
      const extra = [...expansion.leaves].reduce((bytes, leaf) => bytes + Math.min(sizeOf(leaf.shape), points) * bytesOf(leaf.dtype), 0)
      return extra <= saved && expansion.cost * points <= ADDITIONS_PER_BYTE * (saved - extra) + (extra === 0 ? 4 * points : 0)
    }
    const shared = isFixed ? 0 : (2 * size * width + (isOnlyReason(value, home) ? bytesRead(home) : 0)) / guests.size
    const chosen = plans.filter((plan) => isWorthwhile(plan, shared + Math.min(plan.region.size, size) * width))
    const all = chosen.length === plans.length
    const taken = all ? chosen : plans.filter((plan) => isWorthwhile(plan, Math.min(plan.region.size, size) * width))
    for (const { region, expansion } of taken) {
      for (const inlined of expansion?.values ?? []) region.inlined.add(inlined)
      for (const leaf of expansion?.leaves ?? []) loaded.get(region)?.add(leaf)
      loaded.get(region)?.delete(value)
    }
    if (isFixed || taken.length < plans.length) kept.add(value)
  }

  /** True if a region is there for nothing but one value. */
  function isOnlyReason(value: Value, home: Region): boolean {
    if (home.reductions.length > 0) return false
    return home.body.every(({ outputs }) => {
      const other = outputs[0] as Value
      return (
        other === value || (!users.isFixed(other) && users.of(other).every((user) => regions.regionOf(user.outputs[0] as Value) === home))
      )
    })
  }

  function bytesRead(region: Region): number {
    let bytes = 0
    for (const value of loaded.get(region) ?? []) bytes += Math.min(sizeOf(value.shape), region.size) * bytesOf(value.dtype)
    return bytes
  }

  /** What computing a value in another region takes, or null if that is not to be done. */
  function expand(
    value: Value,
    region: Region,
  ): { readonly values: Set<Value>; readonly leaves: Set<Value>; readonly cost: number } | null {
    const values = new Set<Value>()
    const leaves = new Set<Value>()
    const available = loaded.get(region) as Set<Value>
    let cost = 0
    const visit = (at: Value, isTop: boolean): boolean => {
      if (values.has(at) || region.inlined.has(at) || regions.regionOf(at) === region)
        return regions.regionOf(at) !== region || !regions.memberOf(at)?.isEpilogue
      const maker = program.producer.get(at)
      if (maker?.kind === 'source') return true
      const member = regions.memberOf(at)
      const isInMemory = maker?.kind !== 'elementwise' || member?.isEpilogue || kept.has(at) || program.pinned.has(at)
      if (!isTop && (isInMemory || available.has(at))) {
        if (regions.levelOf(at) >= region.level) return false
        if (!available.has(at)) leaves.add(at)
        return true
      }
      if (isInMemory && !isTop) return false
      cost += COSTS[(maker as Operation).node.primitive] ?? 1
      if (cost > MAX_COST) return false
      values.add(at)
      return basesOf(program, maker as Operation).every((base) => visit(base, false))
    }
    return visit(value, true) ? { values, leaves, cost } : null
  }
}

/** Values that a region reads from memory. */
function loadsOf(region: Region, regions: Regions): Set<Value> {
  const loads = new Set<Value>()
  for (const operation of [...region.body, ...region.reductions]) {
    for (const input of operation.inputs) {
      const { base, isSource } = baseOf(regions.program, input)
      if (!isSource && regions.regionOf(base) !== region) loads.add(base)
    }
  }
  return loads
}
