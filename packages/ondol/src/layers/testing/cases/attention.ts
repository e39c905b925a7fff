/** Attention: on a list [query, value], and with heads, on one argument after the other. */
import * as layers from '../../index.js'
import type { LayerCases } from '../layer-case.js'

const pair = [
  [2, 3, 4],
  [2, 5, 4],
]
const read = { readsMask: true, passesMask: true }
const heads = { input: pair, places: [0, 1], output: [2, 3, 4], known: [-1], ...read }
const projections = ['query', 'key', 'value', 'attention_output'].flatMap(() => ['kernel', 'bias'])

export const attention: LayerCases = {
  Attention: {
    make: (o) => layers.attention({ useScale: true, scoreMode: 'concat', dropout: 0.1, seed: 1, ...o }),
    input: pair,
    output: [2, 3, 4],
    trainable: ['scale', 'concat_score_weight'],
    seedGenerators: 1,
    ...read,
  },
  AdditiveAttention: {
    make: (o) => layers.additiveAttention(o),
    input: pair,
    output: [2, 3, 4],
    known: [-1],
    trainable: ['scale'],
    ...read,
  },
  MultiHeadAttention: {
    make: (o) => layers.multiHeadAttention(2, 3, o),
    ...heads,
    trainable: projections,
    // Moves all scores of a query alike.
    unmoved: ['key/bias'],
  },
  GroupQueryAttention: {
    make: (o) => layers.groupQueryAttention(3, 2, 1, { useBias: false, ...o }),
    ...heads,
    trainable: projections.filter((name) => name === 'kernel'),
  },
}
