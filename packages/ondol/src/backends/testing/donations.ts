/** Donations for random graphs. */
import type { Graph } from '../../engine/graph.js'

/** Gives up inputs for outputs of their kind, first come, first served. */
export function donationsOf({ inputs, outputs }: Graph): Graph['donations'] {
  const free = new Set(outputs.keys())
  return [...inputs.entries()].flatMap(([input, { shape, dtype }]) => {
    const output = [...free].find((at) => `${outputs[at]?.shape} ${outputs[at]?.dtype}` === `${shape} ${dtype}`)
    if (output === undefined) return []
    free.delete(output)
    return [[input, output] as const]
  })
}
