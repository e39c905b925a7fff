/** What comes out of layers where a size besides the batch is unknown, against the real Keras (tools/oracle/layers_open.py). */
import { describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import { flatten } from '../core/tree.js'
import type { KerasTensor } from '../ops/operation.js'
import { type LayerVector, readVectors } from '../testing/vectors.js'
import './known.js'
import { deserialize } from './serialization.js'
import { optionsOf, positionally, symbolOf, unbuilt } from './testing/vector-call.js'

type OpenShape = readonly (number | null)[]
/** By family, for each vector and axis of its first input: the shapes of the outputs, null where Keras refuses the call. */
const shapes = readVectors<Readonly<Record<string, readonly (readonly (readonly OpenShape[] | null)[])[]>>>('layers-open')

const UNROLLED = 'steps are written out one by one'
const FITS = 'a size that is not known is refused where it has to fit one that is'
const SCORES = 'Keras describes the scores as if there were as many sources as targets'
/** Where the answer is another than Keras's, and why. These must differ. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'ConvLSTM2D: 2D, same, mask': UNROLLED,
  'GRU: unrolled, holes': UNROLLED,
  'LSTM: unrolled': UNROLLED,
  'LSTM: unrolled, mask': UNROLLED,
  'LSTM: unrolled, holes': UNROLLED,
  'RNN: stacked cells, unrolled': UNROLLED,
  'SimpleRNN: unrolled, holes': UNROLLED,
  'Add: add, other rank': FITS,
  'Subtract: Subtract, broadcast': FITS,
  'Average: Average, broadcast': FITS,
  'Maximum: Maximum, broadcast': FITS,
  'Minimum: Minimum, broadcast': FITS,
  'Rescaling: rescale channels': FITS,
  'Reshape: reshape': FITS,
  'Reshape: reshape to nothing': FITS,
  'ReversibleEmbedding: tied, reverse': FITS,
  'ReversibleEmbedding: own matrix, reverse, soft cap': FITS,
  'GroupedQueryAttention: attention mask, scores': FITS,
  'MultiHeadAttention: attention mask, scores': FITS,
  'MultiHeadAttention: scores': SCORES,
  'MultiHeadAttention: masks, scores': SCORES,
  'Lambda: lambda, with a mask': 'Keras takes outputShape for granted',
}

await setBackend('host')

/** A symbolic call with the batch and this axis unknown, in all inputs that have the first one's rank and size there. */
function called(vector: LayerVector, axis: number): OpenShape[] {
  const [{ shape: first }] = vector.inputs as [LayerVector['inputs'][number]]
  const symbols = vector.inputs.map((input) => {
    const isOpen = input.shape.length === first.length && input.shape[axis] === first[axis]
    return symbolOf(input, (at) => at === 0 || (at === axis && isOpen))
  })
  const [input, ...others] = positionally(vector, symbols) as [KerasTensor, ...KerasTensor[]]
  const output = deserialize(unbuilt(vector.serialized))(input, ...others, optionsOf(vector, symbolOf))
  return flatten(output as unknown as KerasTensor[]).map(({ shape }) => shape)
}

describe.each(Object.entries(shapes))('%s', (family, expected) => {
  readVectors<LayerVector[]>(`layers/${family}`).forEach((vector, at) => {
    const title = `${vector.class}: ${vector.title}`
    const reason = DIFFERENCES[title]
    const declare = reason === undefined ? it : it.fails
    declare(reason === undefined ? title : `${title}: not, since ${reason}`, () => {
      expected[at]?.forEach((wanted, i) => {
        // What Keras refuses may be possible here.
        if (wanted !== null) expect(called(vector, i + 1), `axis ${i + 1} unknown`).toEqual(wanted)
      })
    })
  })
})
