/** Threads in Node: one that nobody waits for does not keep the process alive. */
import { Worker } from 'node:worker_threads'
import type { StartThread } from './platform.js'

const PRELUDE = `
const { parentPort } = require('node:worker_threads')
const post = (message, transfer) => parentPort.postMessage(message, transfer)
const listen = (answer) => parentPort.on('message', answer)
`

export const startThread: StartThread = (program, onMessage, onFailure) => {
  const worker = new Worker(PRELUDE + program, { eval: true, execArgv: [] })
  let unanswered = 0
  let isStopped = false
  worker.unref()
  worker.on('message', (message: unknown) => {
    if (--unanswered === 0) worker.unref()
    onMessage(message)
  })
  worker.on('error', onFailure)
  worker.on('exit', (code) => {
    if (!isStopped) onFailure(new Error(`the thread ended with code ${code}`))
  })
  return {
    post(message, transfer) {
      worker.postMessage(message, transfer)
      if (unanswered++ === 0) worker.ref()
    },
    stop() {
      isStopped = true
      void worker.terminate()
    },
  }
}
