/** Images: `keras.ops.image`. */
export { type CropImagesOptions, cropImages, type PadImagesOptions, padImages } from './borders.js'
export { hsvToRgb, type ImageOptions, rgbToGrayscale, rgbToHsv } from './color.js'
export { type GaussianBlurOptions, gaussianBlur, type SsimOptions, sobelEdges, ssim } from './filters.js'
export {
  type ExtractPatchesOptions,
  extractPatches,
  extractPatches3d,
  type ReconstructPatchesOptions,
  reconstructPatches,
} from './patches.js'
export { type ResizeOptions, resize, type ScaleAndTranslateOptions, scaleAndTranslate } from './resample.js'
export { type FillMode, type Interpolation, type MapCoordinatesOptions, mapCoordinates } from './sampling.js'
export {
  type AffineTransformOptions,
  affineTransform,
  type ElasticTransformOptions,
  elasticTransform,
  type PerspectiveTransformOptions,
  perspectiveTransform,
} from './warp.js'
