/** `utils`: small things around models. */
export { Progbar, type ProgbarOptions } from '../callbacks/progbar.js'
export { type ProgressReporter, type ProgressRun, setProgressReporter } from '../callbacks/progress-reporter.js'
export { PyDataset, Sequence, type SplitOptions, splitDataset } from '../data/index.js'
export { packXYSampleWeight, type Unpacked, unpackXYSampleWeight } from '../training/batch.js'
export { normalize, type PadOptions, padSequences, toCategorical } from './arrays.js'
export * as boundingBoxes from './bounding-boxes.js'
export { clearSession, setRandomSeed } from './session.js'
