/** `utils.boundingBoxes`: formats of boxes, what images' transformations do to them, and how they overlap. */
export {
  computeCiou,
  computeIou,
  type DeltaOptions,
  decodeDeltasToBoxes,
  encodeBoxToDeltas,
  type IouOptions,
} from '../layers/image/box-deltas.js'
export {
  affineTransform,
  type BoundingBoxes,
  type BoundingBoxesLike,
  type BoxAffineOptions,
  type BoxFormat,
  type ConvertFormatOptions,
  clipToImageSize,
  convertFormat,
  crop,
  type ImageSize,
  pad,
} from '../layers/image/boxes.js'
