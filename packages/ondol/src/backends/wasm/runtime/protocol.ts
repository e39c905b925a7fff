/**
 * How threads share a job, in words of the shared memory.
 *
 * The main thread fills a slot of a ring, then publishes (epoch, next task = 0) in one word. Everybody,
 * the main thread too, takes tasks with an atomic add on that word, which tells of which epoch the task is:
 * a thread that wakes late takes nothing, and nobody ever waits for a thread that sleeps.
 */

/** Word offsets in the control block. */
export const CONTROL = {
  /** Grows with each job; sleepers wait on it. */
  epoch: 0,
  /** Epoch (upper half) and next task (lower half). */
  work: 16,
  sleepers: 32,
  /** Workers that have started. */
  ready: 33,
  slots: 48,
} as const

/** Word offsets in a slot. */
export const SLOT = {
  epoch: 0,
  module: 1,
  moduleAddress: 2,
  moduleBytes: 3,
  kernel: 4,
  args: 5,
  count: 6,
  chunk: 7,
  tasks: 8,
  done: 9,
} as const
export const SLOT_WORDS = 16
export const SLOT_COUNT = 16
export const CONTROL_BYTES = (CONTROL.slots + SLOT_COUNT * SLOT_WORDS) * 4
export const MAX_TASKS = 0x7fff

/** Scratch memory of each thread. */
export const SCRATCH_BYTES = 1 << 20

/** Looks at the epoch this many times before it sleeps: a few dozen microseconds. */
export const SPINS = 4000

export interface WorkerStart {
  readonly memory: WebAssembly.Memory
  /** Word index of the control block. */
  readonly control: number
  /** Address of the worker's own scratch memory. */
  readonly scratch: number
}

/**
 * The program of a worker, as text: it has to run where there is no file of it, be that after bundling
 * or from TypeScript sources. `start` is a WorkerStart.
 */
export const WORKER_LOOP = `(start) => {
  const { memory, control, scratch } = start
  const words = new Int32Array(memory.buffer, control * 4, ${CONTROL.slots + SLOT_COUNT * SLOT_WORDS})
  const modules = []
  const kernelOf = (slot) => {
    const id = words[slot + ${SLOT.module}]
    if (modules[id] === undefined) {
      memory.grow(0) // brings the buffer up to date where another thread has grown the memory
      const address = words[slot + ${SLOT.moduleAddress}] >>> 0
      const bytes = new Uint8Array(memory.buffer, address, words[slot + ${SLOT.moduleBytes}]).slice()
      const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory }, math: Math })
      modules[id] = Object.values(instance.exports)
    }
    return modules[id][words[slot + ${SLOT.kernel}]]
  }
  Atomics.add(words, ${CONTROL.ready}, 1)
  let seen = -1
  for (;;) {
    let epoch = Atomics.load(words, ${CONTROL.epoch})
    for (let spins = 0; epoch === seen && spins < ${SPINS}; spins++) epoch = Atomics.load(words, ${CONTROL.epoch})
    if (epoch === seen) {
      Atomics.add(words, ${CONTROL.sleepers}, 1)
      Atomics.wait(words, ${CONTROL.epoch}, seen)
      Atomics.sub(words, ${CONTROL.sleepers}, 1)
      continue
    }
    seen = epoch
    for (;;) {
      const taken = Atomics.add(words, ${CONTROL.work}, 1)
      const slot = ${CONTROL.slots} + ((taken >>> 16) & ${SLOT_COUNT - 1}) * ${SLOT_WORDS}
      const task = taken & 0xffff
      const tasks = Atomics.load(words, slot + ${SLOT.tasks})
      if (((Atomics.load(words, slot + ${SLOT.epoch}) ^ (taken >>> 16)) & 0xffff) !== 0 || task >= tasks) break
      const chunk = words[slot + ${SLOT.chunk}]
      const begin = task * chunk
      kernelOf(slot)(words[slot + ${SLOT.args}], begin, Math.min(begin + chunk, words[slot + ${SLOT.count}]), scratch)
      if (Atomics.add(words, slot + ${SLOT.done}, 1) + 1 === tasks) Atomics.notify(words, slot + ${SLOT.done})
    }
  }
}`
