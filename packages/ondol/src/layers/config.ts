/** Settings that all models share: `keras.config`. */
export * from '../ops/config.js'
export { DTypePolicy, type DTypePolicyLike, type DTypePolicyName, dtypePolicy, setDtypePolicy } from './dtype-policy.js'
