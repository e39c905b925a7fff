/** Convolutions, plain, transposed, depthwise and separable. */
import * as layers from '../../index.js'
import type { LayerCases } from '../layer-case.js'

const steps = [2, 5, 3]
const image = [2, 6, 5, 4]
const volume = [2, 3, 4, 3, 2]
const FIRST = { dataFormat: 'channels_first' } as const
const kernel = { trainable: ['kernel', 'bias'], known: [-1] }
const kernelFirst = { trainable: ['kernel', 'bias'] }
const separable = { trainable: ['depthwise_kernel', 'pointwise_kernel', 'bias'], known: [-1] }

export const convolution: LayerCases = {
  Conv1D: {
    make: (o) => layers.conv1d(4, 3, { padding: 'causal', dilationRate: 2, ...o }),
    input: steps,
    output: [2, 5, 4],
    ...kernel,
  },
  Conv2D: {
    make: (o) => layers.conv2d(6, [3, 2], { strides: 2, padding: 'same', groups: 2, ...o }),
    input: image,
    output: [2, 3, 3, 6],
    ...kernel,
  },
  'Conv2D channels first': {
    make: (o) => layers.conv2d(6, 3, { ...FIRST, activation: 'tanh', ...o }),
    input: [2, 4, 6, 5],
    output: [2, 6, 4, 3],
    known: [-3],
    ...kernelFirst,
  },
  'Conv2D with LoRA': {
    make: (o) => layers.conv2d(2, 3, { loraRank: 1, ...o }),
    input: image,
    output: [2, 4, 3, 2],
    known: [-1],
    trainable: ['bias', 'lora_kernel_a', 'lora_kernel_b'],
    nonTrainable: ['kernel'],
  },
  Conv3D: { make: (o) => layers.conv3d(4, 2, { groups: 2, ...o }), input: volume, output: [2, 2, 3, 2, 4], ...kernel },
  'Conv3D channels first': {
    make: (o) => layers.conv3d(3, 2, { padding: 'same', strides: 2, kernelRegularizer: 'l2', ...FIRST, ...o }),
    input: [2, 2, 3, 4, 3],
    output: [2, 3, 2, 2, 2],
    known: [-4],
    losses: 1,
    ...kernelFirst,
  },
  Conv1DTranspose: {
    make: (o) => layers.conv1dTranspose(2, 3, { strides: 2, outputPadding: 1, ...o }),
    input: steps,
    output: [2, 12, 2],
    ...kernel,
  },
  Conv2DTranspose: {
    make: (o) => layers.conv2dTranspose(3, 3, { strides: 2, padding: 'same', ...o }),
    input: image,
    output: [2, 12, 10, 3],
    ...kernel,
  },
  'Conv2DTranspose channels first': {
    make: (o) => layers.conv2dTranspose(3, [2, 1], { useBias: false, ...FIRST, ...o }),
    input: [2, 4, 4, 5],
    output: [2, 3, 5, 5],
    known: [-3],
    trainable: ['kernel'],
  },
  Conv3DTranspose: { make: (o) => layers.conv3dTranspose(2, 2, o), input: volume, output: [2, 4, 5, 4, 2], ...kernel },
  DepthwiseConv1D: { make: (o) => layers.depthwiseConv1d(2, o), input: steps, output: [2, 4, 3], ...kernel },
  DepthwiseConv2D: {
    make: (o) => layers.depthwiseConv2d(3, { depthMultiplier: 2, ...o }),
    input: image,
    output: [2, 4, 3, 8],
    ...kernel,
  },
  SeparableConv1D: { make: (o) => layers.separableConv1d(7, 3, { padding: 'same', ...o }), input: steps, output: [2, 5, 7], ...separable },
  SeparableConv2D: {
    make: (o) => layers.separableConv2d(2, 3, { strides: 2, padding: 'same', ...o }),
    input: image,
    output: [2, 3, 3, 2],
    ...separable,
  },
}
