/** Pools: of windows, of everything, and of as many windows as are wanted. */
import * as layers from '../../index.js'
import type { LayerCases } from '../layer-case.js'

const steps = [2, 5, 3]
const image = [2, 6, 5, 4]
const first = [2, 4, 6, 5]
const volume = [2, 3, 4, 3, 2]
const volumeFirst = [2, 2, 3, 4, 3]
const FIRST = { dataFormat: 'channels_first' } as const
/** How the windows lie follows from the sizes. */
const adaptive = { builtWhenMade: false }

export const pooling: LayerCases = {
  MaxPooling1D: { make: (o) => layers.maxPooling1d(2, o), input: steps, output: [2, 2, 3] },
  MaxPooling2D: { make: (o) => layers.maxPooling2d(3, { strides: 2, padding: 'same', ...o }), input: image, output: [2, 3, 3, 4] },
  MaxPooling3D: { make: (o) => layers.maxPooling3d(2, { padding: 'same', ...o }), input: volume, output: [2, 2, 2, 2, 2] },
  AveragePooling1D: { make: (o) => layers.averagePooling1d(3, { strides: 1, ...o }), input: steps, output: [2, 3, 3] },
  AveragePooling2D: { make: (o) => layers.averagePooling2d([2, 1], o), input: image, output: [2, 3, 5, 4] },
  AveragePooling3D: { make: (o) => layers.averagePooling3d([1, 2, 3], { ...FIRST, ...o }), input: volumeFirst, output: [2, 2, 3, 2, 1] },
  GlobalAveragePooling1D: { make: (o) => layers.globalAveragePooling1d(o), input: steps, output: [2, 3], readsMask: true },
  GlobalAveragePooling2D: { make: (o) => layers.globalAveragePooling2d({ keepdims: true, ...o }), input: image, output: [2, 1, 1, 4] },
  GlobalAveragePooling3D: { make: (o) => layers.globalAveragePooling3d(o), input: volume, output: [2, 2] },
  GlobalMaxPooling1D: { make: (o) => layers.globalMaxPooling1d(o), input: steps, output: [2, 3] },
  GlobalMaxPooling2D: { make: (o) => layers.globalMaxPooling2d({ ...FIRST, ...o }), input: first, output: [2, 4] },
  GlobalMaxPooling3D: {
    make: (o) => layers.globalMaxPooling3d({ keepdims: true, ...FIRST, ...o }),
    input: volumeFirst,
    output: [2, 2, 1, 1, 1],
  },
  AdaptiveAveragePooling1D: { make: (o) => layers.adaptiveAveragePooling1d(3, o), input: steps, output: [2, 3, 3], ...adaptive },
  AdaptiveAveragePooling2D: { make: (o) => layers.adaptiveAveragePooling2d([2, 3], o), input: image, output: [2, 2, 3, 4], ...adaptive },
  AdaptiveAveragePooling3D: {
    make: (o) => layers.adaptiveAveragePooling3d(2, { ...FIRST, ...o }),
    input: volumeFirst,
    output: [2, 2, 2, 2, 2],
    ...adaptive,
  },
  AdaptiveMaxPooling1D: { make: (o) => layers.adaptiveMaxPooling1d(2, o), input: steps, output: [2, 2, 3], ...adaptive },
  AdaptiveMaxPooling2D: {
    make: (o) => layers.adaptiveMaxPooling2d(3, { ...FIRST, ...o }),
    input: first,
    output: [2, 4, 3, 3],
    ...adaptive,
  },
  AdaptiveMaxPooling3D: { make: (o) => layers.adaptiveMaxPooling3d([1, 2, 2], o), input: volume, output: [2, 1, 2, 2, 2], ...adaptive },
}
