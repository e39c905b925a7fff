/** Threads in a browser: module workers made from a blob. */
import type { StartThread } from './platform.js'

const PRELUDE = `
const post = (message, transfer) => self.postMessage(message, transfer)
const listen = (answer) => { self.onmessage = (event) => answer(event.data) }
`

export const startThread: StartThread = (program, onMessage, onFailure) => {
  const url = URL.createObjectURL(new Blob([PRELUDE + program], { type: 'text/javascript' }))
  const worker = new Worker(url, { type: 'module' })
  worker.onmessage = (event) => onMessage(event.data)
  worker.onerror = (event) => onFailure(event.error ?? new Error(event.message))
  return {
    post: (message, transfer) => worker.postMessage(message, [...transfer]),
    stop() {
      worker.terminate()
      URL.revokeObjectURL(url)
    },
  }
}
