/** Puts units in an order that respects what each waits for and stays near the traced program's. */
import type { Unit } from './units.js'

export function schedule(units: readonly Unit[]): Unit[] {
  const waiting = new Map<Unit, number>()
  const followers = new Map<Unit, Unit[]>()
  const ready = new Heap()
  for (const unit of units) {
    waiting.set(unit, unit.after.size)
    for (const earlier of unit.after) {
      const list = followers.get(earlier)
      if (list === undefined) followers.set(earlier, [unit])
      else list.push(unit)
    }
    if (unit.after.size === 0) ready.push(unit)
  }
  const order: Unit[] = []
  for (let unit = ready.pop(); unit !== undefined; unit = ready.pop()) {
    order.push(unit)
    for (const follower of followers.get(unit) ?? []) {
      const left = (waiting.get(follower) as number) - 1
      waiting.set(follower, left)
      if (left === 0) ready.push(follower)
    }
  }
  if (order.length !== units.length) throw new Error('internal: the plan has a cycle')
  return order
}

/** Binary heap, lowest `order` first. */
class Heap {
  readonly #items: Unit[] = []

  push(unit: Unit): void {
    const items = this.#items
    let at = items.push(unit) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((items[parent] as Unit).order <= unit.order) break
      items[at] = items[parent] as Unit
      at = parent
    }
    items[at] = unit
  }

  pop(): Unit | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (top === undefined || last === undefined || items.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && (items[child + 1] as Unit).order < (items[child] as Unit).order) child++
      if ((items[child] as Unit).order >= last.order) break
      items[at] = items[child] as Unit
      at = child
    }
    items[at] = last
    return top
  }
}
