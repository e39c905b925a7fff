/** What the rest of the house may use of the host backend. */
export { type HostArray, makeArray } from './array.js'
export { createHostBackend } from './backend.js'
export { interpret, runPrimitive } from './interpret.js'
