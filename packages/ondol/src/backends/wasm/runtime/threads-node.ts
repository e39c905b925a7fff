/** Worker threads in Node. Browsers get `threads-none.ts` through the `#wasm-threads` import condition. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { WORKER_LOOP, type WorkerStart } from './protocol.js'

/** Threads to use, the main one counted: ONDOL_THREADS, else what the machine has. */
export function threadCount(): number {
  const asked = Number(process.env.ONDOL_THREADS)
  return Number.isInteger(asked) && asked > 0 ? asked : availableParallelism()
}

/** Starts a worker that never keeps the process alive; returns how to end it. */
export function startWorker(start: WorkerStart): () => void {
  const source = `(${WORKER_LOOP})(require('node:worker_threads').workerData)`
  const worker = new Worker(source, { eval: true, workerData: start, execArgv: [], stdin: false })
  worker.unref()
  // A worker that cannot start is one thread fewer, nothing worse: it never takes a task.
  worker.on('error', () => {})
  return () => void worker.terminate()
}
