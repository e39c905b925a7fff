/** Addresses: loops write over inputs that die in them, everything else gets the best-fitting hole of one arena. */
import { bytesOf } from '../../core/dtype.js'
import type { LoopStep, Step } from '../plan.js'
import { readByEpilogue, type Storage, touched } from './units.js'

export interface MemoryPlan {
  /** Byte offset of each temporary. */
  readonly offsets: ReadonlyMap<number, number>
  /** Temporaries that became another one. */
  readonly sameAs: ReadonlyMap<number, number>
  readonly arenaBytes: number
}

const ALIGNMENT = 64

export function planMemory(steps: readonly Step[], storages: readonly Storage[]): MemoryPlan {
  const isTemporary = (id: number): boolean => storages[id]?.role.kind === 'temporary'
  const first = new Map<number, number>()
  const last = new Map<number, number>()
  const touches = steps.map(touched)
  touches.forEach(({ reads, writes }, at) => {
    for (const id of [...reads, ...writes]) {
      if (!isTemporary(id)) continue
      if (!first.has(id)) first.set(id, at)
      last.set(id, at)
    }
  })
  const sameAs = new Map<number, number>()
  const rootOf = (id: number): number => {
    let root = id
    while (sameAs.has(root)) root = sameAs.get(root) as number
    return root
  }
  steps.forEach((step, at) => {
    if (step.kind !== 'loop') return
    for (const { from, to } of overwrites(step, storages)) {
      const root = rootOf(from)
      if (!isTemporary(from) || !isTemporary(to) || first.get(to) !== at || last.get(root) !== at || root === to) continue
      sameAs.set(to, root)
      last.set(root, last.get(to) as number)
    }
  })

  const arena = new Arena()
  const offsets = new Map<number, number>()
  const bytes = (id: number): number => (storages[id] as Storage).size * bytesOf((storages[id] as Storage).dtype)
  const ending = new Map<number, number[]>()
  for (const [id, at] of last) {
    if (sameAs.has(id)) continue
    const list = ending.get(at)
    if (list === undefined) ending.set(at, [id])
    else list.push(id)
  }
  touches.forEach(({ reads, writes }, at) => {
    for (const id of [...writes, ...reads]) {
      if (first.get(id) === at && !sameAs.has(id) && !offsets.has(id)) offsets.set(id, arena.take(bytes(id)))
    }
    for (const id of ending.get(at) ?? []) arena.give(offsets.get(id) as number, bytes(id))
  })
  const resolved = new Map([...sameAs.keys()].map((id) => [id, rootOf(id)]))
  return { offsets, sameAs: resolved, arenaBytes: arena.bytes }
}

/** Pairs of an input and a stored buffer of one loop that could be one: same type, touched at equal points only. */
function overwrites(step: LoopStep, storages: readonly Storage[]): { readonly from: number; readonly to: number }[] {
  const pairs: { from: number; to: number }[] = []
  const used = readByEpilogue(step)
  for (const store of step.stores) {
    const to = storages[store.buffer] as Storage
    const key = `${store.offset}|${store.strides}`
    if (step.stores.some((other) => other !== store && other.buffer === store.buffer)) continue
    if (step.epilogueStores.some(({ buffer }) => buffer === store.buffer)) continue
    for (const input of step.inputs) {
      if (input.kind !== 'memory' || used.has(input.buffer) || input.buffer === store.buffer) continue
      const from = storages[input.buffer] as Storage
      if (from.dtype !== to.dtype || from.size !== to.size) continue
      const isEqual = step.inputs.every(
        (other) => other.kind !== 'memory' || other.buffer !== input.buffer || `${other.offset}|${other.strides}` === key,
      )
      if (!isEqual) continue
      pairs.push({ from: input.buffer, to: store.buffer })
      used.add(input.buffer)
      break
    }
  }
  return pairs
}

/** Holes of one growing block, best fit first. */
class Arena {
  bytes = 0
  #holes: { offset: number; size: number }[] = []

  take(bytes: number): number {
    const size = Math.ceil(Math.max(bytes, 1) / ALIGNMENT) * ALIGNMENT
    let best: { offset: number; size: number } | undefined
    for (const hole of this.#holes) if (hole.size >= size && (best === undefined || hole.size < best.size)) best = hole
    if (best === undefined) {
      const tail = this.#holes[this.#holes.length - 1]
      const isOpen = tail !== undefined && tail.offset + tail.size === this.bytes
      const offset = isOpen ? tail.offset : this.bytes
      if (isOpen) this.#holes.pop()
      this.bytes = offset + size
      return offset
    }
    const { offset } = best
    best.offset += size
    best.size -= size
    if (best.size === 0) this.#holes.splice(this.#holes.indexOf(best), 1)
    return offset
  }

  give(offset: number, bytes: number): void {
    const size = Math.ceil(Math.max(bytes, 1) / ALIGNMENT) * ALIGNMENT
    const at = this.#holes.findIndex((hole) => hole.offset > offset)
    const index = at === -1 ? this.#holes.length : at
    this.#holes.splice(index, 0, { offset, size })
    const [before, hole, after] = [this.#holes[index - 1], this.#holes[index], this.#holes[index + 1]] as const
    if (hole === undefined) return
    if (after !== undefined && hole.offset + hole.size === after.offset) {
      hole.size += after.size
      this.#holes.splice(index + 1, 1)
    }
    if (before !== undefined && before.offset + before.size === hole.offset) {
      before.size += hole.size
      this.#holes.splice(index, 1)
    }
  }
}
