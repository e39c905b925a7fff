/**
 * Puts units in an order that respects what each waits for and stays near the traced program's; but
 * what only fills outputs (an optimizer's update) runs at once, while the gradient that it frees is in the cache.
 */
import { touched, type Unit } from './units.js'

export function schedule(units: readonly Unit[], isTemporary: (buffer: number) => boolean): Unit[] {
  const waiting = new Map<Unit, number>()
  const followers = new Map<Unit, Unit[]>()
  const ready = new Heap()
  const isFinal = ({ step }: Unit): boolean => {
    if (step === null) return true
    const { reads, writes } = touched(step)
    return reads.some(isTemporary) && !writes.some(isTemporary)
  }
  const enqueue = (unit: Unit): void => ready.push(unit, isFinal(unit) ? -1 : unit.order)
  for (const unit of units) {
    waiting.set(unit, unit.after.size)
    for (const earlier of unit.after) {
      const list = followers.get(earlier)
      if (list === undefined) followers.set(earlier, [unit])
      else list.push(unit)
    }
    if (unit.after.size === 0) enqueue(unit)
  }
  const order: Unit[] = []
  for (let unit = ready.pop(); unit !== undefined; unit = ready.pop()) {
    order.push(unit)
    for (const follower of followers.get(unit) ?? []) {
      const left = (waiting.get(follower) as number) - 1
      waiting.set(follower, left)
      if (left === 0) enqueue(follower)
    }
  }
  if (order.length !== units.length) throw new Error('internal: the plan has a cycle')
  return order
}

/** Binary heap, lowest rank first. */
class Heap {
  readonly #items: { readonly unit: Unit; readonly rank: number }[] = []

  push(unit: Unit, rank: number): void {
    const items = this.#items
    const item = { unit, rank }
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#rank(parent) <= rank) break
      items[at] = items[parent] as typeof item
      at = parent
    }
    items[at] = item
  }

  pop(): Unit | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (top === undefined || last === undefined || items.length === 0) return top?.unit
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#rank(child + 1) < this.#rank(child)) child++
      if (this.#rank(child) >= last.rank) break
      items[at] = items[child] as typeof last
      at = child
    }
    items[at] = last
    return top.unit
  }

  #rank(at: number): number {
    return (this.#items[at] as { rank: number }).rank
  }
}
