/** Runs one kind of cases for some seconds, and tells the process that started it: every number before it is run, then the count. Run: KIND FIRST SECONDS */
import { createHostBackend } from '../../packages/ondol/src/backends/host/index.js'
import { useBackend } from '../../packages/ondol/src/engine/index.js'
import { judge } from './cases.js'
import { KINDS, type KindName } from './kinds.js'
import { watchArrays } from './memory.js'

const [name, first, seconds] = process.argv.slice(2) as [KindName, string, string]
useBackend(createHostBackend())
console.warn = () => undefined
const kind = await KINDS[name]()
watchArrays()

const send = (message: object): boolean => (process.send as (message: object) => boolean)(message)
const end = performance.now() + 1000 * Number(seconds)
const total = { cases: 0, refused: 0, slowest: 0, memory: 0 }
for (let number = Number(first); performance.now() < end; number++) {
  send({ number })
  const { refused, milliseconds, memory, finding } = await judge(kind, number)
  total.cases++
  if (refused) total.refused++
  total.slowest = Math.max(total.slowest, milliseconds)
  total.memory = Math.max(total.memory, memory)
  if (finding !== undefined) send({ finding, number })
  // Messages go out between cases.
  if (number % 64 === 0) await new Promise(setImmediate)
}
send({ total })
process.disconnect()
