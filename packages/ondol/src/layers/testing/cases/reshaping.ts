/** Layers that move, cut, pad and repeat. */
import * as layers from '../../index.js'
import type { LayerCases } from '../layer-case.js'

const steps = [2, 4, 3]
const image = [2, 6, 5, 4]
const volume = [2, 3, 4, 3, 2]
const volumeFirst = [2, 2, 3, 4, 3]
const FIRST = { dataFormat: 'channels_first' } as const
const toBuild = { builtWhenMade: false }

const upSampling = (['nearest', 'bilinear', 'bicubic', 'lanczos3', 'lanczos5'] as const).map((interpolation) => [
  `UpSampling2D ${interpolation}`,
  {
    make: (o: layers.LayerOptions) => layers.upSampling2d([2, 1], { interpolation, ...o }),
    input: [2, 4, 5, 4],
    output: [2, 8, 5, 4],
    ...toBuild,
  },
])

export const reshaping: LayerCases = {
  Flatten: { make: (o) => layers.flatten(o), input: image, output: [2, 120], ...toBuild },
  Reshape: { make: (o) => layers.reshape([-1, 10], o), input: image, output: [2, 12, 10] },
  Permute: { make: (o) => layers.permute([3, 1, 2], o), input: image, output: [2, 4, 6, 5], ...toBuild },
  RepeatVector: { make: (o) => layers.repeatVector(3, o), input: [2, 4], output: [2, 3, 4], ...toBuild },
  ZeroPadding1D: { make: (o) => layers.zeroPadding1d([1, 2], o), input: steps, output: [2, 7, 3], ...toBuild },
  ZeroPadding2D: { make: (o) => layers.zeroPadding2d([[1, 0], 2], o), input: image, output: [2, 7, 9, 4], ...toBuild },
  ZeroPadding3D: { make: (o) => layers.zeroPadding3d([1, [0, 2], 0], o), input: volume, output: [2, 5, 6, 3, 2], ...toBuild },
  Cropping1D: { make: (o) => layers.cropping1d([0, 1], o), input: steps, output: [2, 3, 3], ...toBuild },
  Cropping2D: { make: (o) => layers.cropping2d([[1, 0], 2], o), input: image, output: [2, 5, 1, 4], ...toBuild },
  Cropping3D: { make: (o) => layers.cropping3d([0, 1, 1], { ...FIRST, ...o }), input: volumeFirst, output: [2, 2, 3, 2, 1], ...toBuild },
  UpSampling1D: { make: (o) => layers.upSampling1d(2, o), input: steps, output: [2, 8, 3], ...toBuild },
  ...Object.fromEntries(upSampling),
  UpSampling3D: {
    make: (o) => layers.upSampling3d([1, 2, 3], { ...FIRST, ...o }),
    input: volumeFirst,
    output: [2, 2, 3, 8, 9],
    ...toBuild,
  },
}
