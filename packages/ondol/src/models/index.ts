/** What the package index shows of models. */
export { type CloneOptions, cloneModel } from './cloning.js'
export { type FromJsonOptions, modelFromJson, modelFromJson as modelFromJSON } from './from-json.js'
export { ModelGraph } from './graph.js'
export { loadModel } from './load-model.js'
export { Model, type ModelOptions } from './model.js'
export { Sequential, type SequentialItem } from './sequential.js'
export type { SummaryOptions } from './summary.js'
