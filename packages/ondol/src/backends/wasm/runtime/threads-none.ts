/** Where no worker can be started synchronously: everything runs on the calling thread. */
import type { WorkerStart } from './protocol.js'

export const threadCount = (): number => 1

export const startWorker = (_start: WorkerStart): (() => void) => {
  return () => {}
}
