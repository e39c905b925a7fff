/**
 * `saving`: models and weights to and from files, and the names by which files know classes and functions of your
 * own. The files themselves are the business of the saving room; only models are added here.
 */
export {
  type CustomObjects,
  customObjectScope,
  getCustomObjects,
  getRegisteredName,
  getRegisteredObject,
  registerKerasSerializable,
} from '../core/custom-objects.js'
export { type FileEditorOptions, KerasFileEditor } from '../saving/file-editor.js'
export type { Readable } from '../saving/location.js'
export { type LoadModelOptions, type SaveOptions, saveModel } from '../saving/model-file.js'
export { readNpz, writeNpz } from '../saving/npz.js'
export { type DeserializeOptions, deserializeKerasObject, serializeKerasObject } from '../saving/objects.js'
export type { CustomState } from '../saving/saveable.js'
export type { Comparison } from '../saving/weight-tree-text.js'
export type { LoadOptions } from '../saving/weights.js'
export { loadWeights, type SaveWeightsOptions, saveWeights } from '../saving/weights-file.js'
export { loadModel } from './load-model.js'
