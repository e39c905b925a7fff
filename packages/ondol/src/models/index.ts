/** What the package index shows of models. */
export { ModelGraph } from './graph.js'
export { Model, type ModelOptions } from './model.js'
export { Sequential, type SequentialItem } from './sequential.js'
export type { SummaryOptions } from './summary.js'
