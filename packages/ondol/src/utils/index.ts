/** `utils`: small things around models. */
export { Progbar, type ProgbarOptions } from '../callbacks/progbar.js'
export { type ProgressReporter, type ProgressRun, setProgressReporter } from '../callbacks/progress-reporter.js'
export { PyDataset, Sequence, type SplitOptions, splitDataset } from '../data/index.js'
export { disableInteractiveLogging, enableInteractiveLogging, isInteractiveLoggingEnabled } from '../ops/config.js'
export { packXYSampleWeight, type Unpacked, unpackXYSampleWeight } from '../training/batch.js'
export { normalize, type PadOptions, padSequences, toCategorical } from './arrays.js'
export { type LoadAudioOptions, type LogMelOptions, loadAudio, logMel, type MfccOptions, mfcc, resample } from './audio.js'
export * as boundingBoxes from './bounding-boxes.js'
export { Config } from './config-record.js'
export {
  type AudioDirectoryOptions,
  audioDatasetFromDirectory,
  type DirectoryOptions,
  type ImageDirectoryOptions,
  imageDatasetFromDirectory,
  type LabelledDataset,
  type TextDirectoryOptions,
  textDatasetFromDirectory,
} from './directories.js'
export { isFloatDtype, isIntDtype, resultType, standardizeDtype } from './dtypes.js'
export { Cross, Feature, FeatureSpace, type FeatureSpaceOptions } from './feature-space.js'
export { type GetFileOptions, getFile } from './get-file.js'
export { getSourceInputs, isKerasTensor } from './graphs.js'
export {
  type ArrayImgOptions,
  arrayToImg,
  decodeImage,
  Img,
  type ImgArrayOptions,
  imgToArray,
  type LoadImgOptions,
  loadImg,
  type SaveImgOptions,
  type SmartResizeOptions,
  saveImg,
  smartResize,
} from './images/index.js'
export { type DotOptions, modelToDot, type PlotOptions, plotModel } from './model-plots.js'
export { clearSession, getUid, setRandomSeed } from './session.js'
export { type TimeseriesOptions, timeseriesDatasetFromArray } from './timeseries.js'
export type { Audio } from './wav.js'
