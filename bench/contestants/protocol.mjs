// The line protocol of a JavaScript contestant; protocol.py describes it.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** The most resident memory this process ever had, in MB. */
export function peakMegabytes() {
  const line = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(line[1]) / 1024
}

/** Answers requests with `await handle(request)` until stdin closes. Libraries that print are sent to stderr. */
export async function serve(greeting, handle) {
  console.log = console.info = console.error
  say({ ...greeting, pid: process.pid })
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      say({ ...(await handle(JSON.parse(line))), peakMB: peakMegabytes() })
    } catch (error) {
      console.error(error)
      say({ error: `${error.name}: ${error.message}`.slice(0, 300) })
    }
  }
  process.exit(0)
}

/** The times of `count` calls of `run`, in ms. */
export async function timed(count, run) {
  const ms = []
  for (let i = 0; i < count; i++) {
    const begin = performance.now()
    await run(i)
    ms.push(performance.now() - begin)
  }
  return ms
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]
}
