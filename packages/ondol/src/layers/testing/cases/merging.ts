/** Layers on several tensors. */
import * as layers from '../../index.js'
import type { LayerCases } from '../layer-case.js'

const steps = [2, 5, 3]
const pair = [steps, steps]
const toBuild = { builtWhenMade: false, passesMask: true }

export const merging: LayerCases = {
  Add: { make: (o) => new layers.Add(o), input: pair, output: steps, ...toBuild },
  Subtract: { make: (o) => new layers.Subtract(o), input: pair, output: steps, ...toBuild },
  Multiply: { make: (o) => new layers.Multiply(o), input: pair, output: steps, ...toBuild, readsMask: true },
  Average: { make: (o) => new layers.Average(o), input: pair, output: steps, ...toBuild },
  Maximum: { make: (o) => new layers.Maximum(o), input: pair, output: steps, ...toBuild, readsMask: true },
  Minimum: { make: (o) => new layers.Minimum(o), input: pair, output: steps, ...toBuild, readsMask: true },
  'Minimum of other ranks': {
    make: (o) => new layers.Minimum(o),
    input: [steps, [2, 3]],
    output: steps,
    known: [-1],
    ...toBuild,
    without: { masks: 'masks of other ranks do not broadcast, as in Keras' },
  },
  Concatenate: { make: (o) => new layers.Concatenate(o), input: [steps, [2, 5, 1]], output: [2, 5, 4], ...toBuild },
  Dot: {
    make: (o) => new layers.Dot([1, 2], { normalize: true, ...o }),
    input: [
      [2, 5, 3],
      [2, 4, 5],
    ],
    output: [2, 3, 4],
    known: [-2],
    builtWhenMade: false,
  },
}
