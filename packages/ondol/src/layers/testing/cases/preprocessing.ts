/** Preprocessing of numbers and texts. What reads texts is called, and stays outside of models. */
import * as layers from '../../index.js'
import type { LayerCase, LayerCases } from '../layer-case.js'

const noGradient = (reason: string) => ({ gradients: reason, 'gradients in training': reason })
const ofWhole = noGradient('whole numbers have none')
const ofText = {
  shapes: 'what hashes or reads text is not compiled',
  policies: 'it cannot be described for symbols',
  training: 'it cannot be in a model',
  masks: 'it cannot be described for symbols',
  ...noGradient('texts and whole numbers have none'),
}
const whole = { input: [2, 3], inputDtype: 'int32', without: ofWhole } as const
const texts = (...rows: readonly string[]): Partial<LayerCase> => ({ data: () => [rows] })

export const preprocessing: LayerCases = {
  Rescaling: { make: (o) => layers.rescaling(0.5, { offset: -1, ...o }), input: [2, 4, 3], output: [2, 4, 3], passesMask: true },
  Normalization: {
    make: (o) => layers.normalization({ mean: [1, 2, 3], variance: [4, 1, 2], ...o }),
    input: [2, 4, 3],
    output: [2, 4, 3],
    known: [-1],
    builtWhenMade: false,
    passesMask: true,
  },
  Discretization: {
    make: (o) => layers.discretization({ binBoundaries: [-0.5, 0, 0.5], ...o }),
    input: [2, 4],
    output: [2, 4],
    outputDtype: 'int32',
  },
  CategoryEncoding: { make: (o) => layers.categoryEncoding(4, { outputMode: 'count', ...o }), ...whole, output: [2, 4] },
  Hashing: { make: (o) => layers.hashing(7, { outputMode: 'count', ...o }), ...whole, output: [2, 7], without: ofText },
  HashedCrossing: {
    make: (o) => layers.hashedCrossing(5, { outputMode: 'one_hot', ...o }),
    input: [
      [2, 1],
      [2, 1],
    ],
    inputDtype: 'int32',
    output: [2, 5],
    without: ofText,
  },
  IntegerLookup: {
    make: (o) => layers.integerLookup({ vocabulary: [1, 2], outputMode: 'multi_hot', ...o }),
    ...whole,
    output: [2, 3],
    without: { ...ofWhole, policies: 'it has no dtype, as in Keras' },
  },
  StringLookup: {
    make: (o) => layers.stringLookup({ vocabulary: ['a', 'b'], ...o }),
    input: [2],
    output: [2],
    ...texts('a', 'x'),
    without: ofText,
  },
  TextVectorization: {
    make: (o) => layers.textVectorization({ vocabulary: ['a', 'b'], outputSequenceLength: 3, ...o }),
    input: [2],
    output: [2, 3],
    ...texts('a b', 'x a b a'),
    without: { ...ofText, 'a subclass': 'the vocabulary is all that there is to build' },
  },
  MelSpectrogram: {
    make: (o) => layers.melSpectrogram({ fftLength: 32, sequenceStride: 16, numMelBins: 4, samplingRate: 8000, ...o }),
    input: [2, 100],
    output: [2, 4, 7],
    without: { 'half floats': 'the smallest powers vanish' },
  },
  STFTSpectrogram: {
    make: (o) => layers.stftSpectrogram({ mode: 'log', frameLength: 8, frameStep: 4, ...o }),
    input: [2, 20, 2],
    output: [2, 4, 10],
    trainable: ['real_kernel', 'imag_kernel'],
  },
  Pipeline: {
    make: (o) => layers.pipeline([layers.rescaling(0.5, { dtype: o.dtype }), layers.rescaling(2, { offset: 1, dtype: o.dtype })], o),
    input: [2, 3],
    output: [2, 3],
    passesMask: true,
  },
}
