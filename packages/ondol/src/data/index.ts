/** `data`: pipelines, loaders and transforms that feed `fit`, `evaluate` and `predict`. */
export type { Batched } from './collate.js'
export {
  type BatchOptions,
  Dataset,
  type InterleaveOptions,
  type MapOptions,
  type ShuffleOptions,
  type WindowOptions,
} from './dataset.js'
export { type ArrayInput, type ArrayRecord, array, HostArray } from './host-array.js'
export { DataLoader, type DataLoaderOptions, type ModuleDataset } from './loader.js'
export { ConcatDataset, type MapDataset, MappedDataset, randomSplit, Subset, TensorDataset } from './map-style.js'
export type { PaddingOptions } from './padding.js'
export { PyDataset, PyDataset as Sequence, type PyDatasetOptions } from './py-dataset.js'
export type { ElementContext, Random } from './random.js'
export {
  type BatchSampler,
  GroupedSampler as BatchedSampler,
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  SequentialSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
} from './samplers.js'
export type { Sliced } from './slices.js'
export { type SplitOptions, splitDataset } from './split.js'
export * as transforms from './transforms.js'
export type { WorkerMapOptions } from './workers.js'
