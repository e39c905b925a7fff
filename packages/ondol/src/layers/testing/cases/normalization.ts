/** Normalisations, and what regularises by chance or by a penalty. */
import * as layers from '../../index.js'
import type { LayerCases } from '../layer-case.js'

const steps = [2, 4, 3]
const image = [2, 4, 5, 4]
const first = [2, 4, 4, 5]
const volume = [2, 3, 4, 3, 2]
const FIRST = { dataFormat: 'channels_first' } as const
const affine = { trainable: ['gamma', 'beta'] }
const moving = { nonTrainable: ['moving_mean', 'moving_variance'], updated: ['moving_mean', 'moving_variance'] }
const renormed = ['moving_mean', 'moving_variance', 'moving_stddev', 'renorm_mean', 'renorm_stddev']

export const normalization: LayerCases = {
  BatchNormalization: {
    make: (o) => layers.batchNormalization(o),
    input: image,
    output: image,
    known: [-1],
    passesMask: true,
    maskShape: [2, 4, 5],
    ...affine,
    ...moving,
  },
  'BatchNormalization with renorm': {
    make: (o) => layers.batchNormalization({ axis: 1, renorm: true, renormClipping: { rmax: 3, dmax: 5 }, ...o }),
    input: steps,
    output: steps,
    known: [-2],
    passesMask: true,
    nonTrainable: renormed,
    updated: renormed,
    ...affine,
    without: { 'gradients in training': 'the corrections r and d are constants to the gradient' },
  },
  LayerNormalization: { make: (o) => layers.layerNormalization(o), input: steps, output: steps, known: [-1], passesMask: true, ...affine },
  'LayerNormalization over two axes': {
    make: (o) => layers.layerNormalization({ axis: [1, -1], center: false, gammaRegularizer: 'l2', ...o }),
    input: steps,
    output: steps,
    known: [-2, -1],
    passesMask: true,
    trainable: ['gamma'],
    losses: 1,
  },
  GroupNormalization: {
    make: (o) => layers.groupNormalization({ groups: 2, ...o }),
    input: image,
    output: image,
    known: [-1],
    passesMask: true,
    ...affine,
  },
  'GroupNormalization of instances, channels first': {
    make: (o) => layers.groupNormalization({ groups: -1, axis: 1, ...o }),
    input: first,
    output: first,
    known: [-3],
    passesMask: true,
    ...affine,
  },
  RMSNormalization: { make: (o) => layers.rmsNormalization(o), input: steps, output: steps, known: [-1], trainable: ['scale'] },
  UnitNormalization: { make: (o) => layers.unitNormalization({ axis: [1, 2], ...o }), input: steps, output: steps, passesMask: true },
  SpectralNormalization: {
    make: ({ dtype, ...o }) => layers.spectralNormalization(layers.dense(3, { name: 'inner', dtype }), { powerIterations: 2, dtype, ...o }),
    input: [2, 4],
    output: [2, 3],
    known: [-1],
    trainable: ['kernel', 'bias'],
    nonTrainable: ['vector_u'],
    // A call in training normalises the kernel, whoever trains it.
    updated: ['kernel', 'vector_u'],
    passesMask: true,
    without: { 'gradients in training': 'the vectors of the power iteration are constants to the gradient' },
  },

  ActivityRegularization: {
    make: (o) => layers.activityRegularization({ l1: 0.1, ...o }),
    input: steps,
    output: steps,
    losses: 1,
    passesMask: true,
  },
}

const random = { seedGenerators: 1, passesMask: true }

export const noise: LayerCases = {
  Dropout: { make: (o) => layers.dropout(0.5, { seed: 3, ...o }), input: steps, output: steps, ...random },
  AlphaDropout: {
    make: (o) => layers.alphaDropout(0.2, { noiseShape: [null, 1, 3], seed: 3, ...o }),
    input: steps,
    output: steps,
    ...random,
  },
  GaussianDropout: { make: (o) => layers.gaussianDropout(0.2, { seed: 3, ...o }), input: steps, output: steps, ...random },
  GaussianNoise: { make: (o) => layers.gaussianNoise(0.2, { seed: 3, ...o }), input: steps, output: steps, ...random },
  SpatialDropout1D: { make: (o) => layers.spatialDropout1d(0.5, { seed: 3, ...o }), input: steps, output: steps, ...random },
  SpatialDropout2D: { make: (o) => layers.spatialDropout2d(0.5, { ...FIRST, seed: 3, ...o }), input: first, output: first, ...random },
  SpatialDropout3D: { make: (o) => layers.spatialDropout3d(0.5, { seed: 3, ...o }), input: volume, output: volume, ...random },
}
