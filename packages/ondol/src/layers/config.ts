/** Settings that all models share: `keras.config`. */
import { currentBackend } from '../engine/index.js'

export * from '../ops/config.js'
export { DTypePolicy, type DTypePolicyLike, type DTypePolicyName, dtypePolicy, setDtypePolicy } from './dtype-policy.js'

/** Name of the backend that computes. */
export const backend = (): string => currentBackend().name
