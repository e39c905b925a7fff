/** `callbacks`: what happens while a model trains. */
export { BackupAndRestore, type BackupAndRestoreOptions } from './backup-and-restore.js'
export {
  type BatchLogs,
  Callback,
  type CallbackModel,
  type CallbackParams,
  type CallbackState,
  type FitPosition,
  type Logs,
  type PredictLogs,
} from './callback.js'
export { CallbackList, type CallbackListOptions, type NestedCallbacks } from './callback-list.js'
export { CSVLogger, type CSVLoggerOptions } from './csv-logger.js'
export { EarlyStopping, type EarlyStoppingOptions } from './early-stopping.js'
export { History } from './history.js'
export { type Hooks, LambdaCallback } from './lambda-callback.js'
export { LearningRateScheduler } from './learning-rate-scheduler.js'
export { ModelCheckpoint, type ModelCheckpointOptions } from './model-checkpoint.js'
export { MonitorCallback, type MonitorOptions } from './monitor.js'
export { Progbar, type ProgbarOptions, type ProgressValues } from './progbar.js'
export { ProgbarLogger, type ProgbarLoggerOptions } from './progbar-logger.js'
export type { ProgressReporter, ProgressRun } from './progress-reporter.js'
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './reduce-lr-on-plateau.js'
export { RemoteMonitor, type RemoteMonitorOptions } from './remote-monitor.js'
export type { SaveFrequency } from './save-frequency.js'
export { SwapEMAWeights } from './swap-ema-weights.js'
export { TerminateOnNaN } from './terminate-on-nan.js'
