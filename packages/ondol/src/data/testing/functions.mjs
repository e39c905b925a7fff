// Functions that tests run in worker threads.
import { threadId } from 'node:worker_threads'

/** Adds the element's number to a slice of a greater array. */
// biome-ignore lint/style/noDefaultExport: what map looks for by default
export default ({ data, shape }, { index }) => {
  const room = new Float32Array(data.length + 4)
  room.set(
    data.map((value) => value + index),
    2,
  )
  return [
    { data: room.subarray(2, 2 + data.length), shape, dtype: 'float32' },
    { index, note: 'done' },
  ]
}

export const draw = (_, { random }) => random()
export const identify = async (value) => {
  await new Promise((resolve) => setTimeout(resolve, 10 - value))
  return [value, threadId]
}
export const fail = (value) => {
  if (value === 3) throw new TypeError('no such picture')
  return value
}
export const die = () => process.exit(3)
export const hang = () => new Promise(() => {})
export const notAFunction = 1
