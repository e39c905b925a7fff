/** `keras.ops.numpy`, and with it what of `keras.ops` lives in the same files. */
export * from './create.js'
export * from './elementary.js'
export * from './elementwise.js'
export { ldexp, nextafter, signbit, view } from './float-bits.js'
export { getItem, type Index, type Key, type Slice } from './get-item.js'
export * from './hyperbolic.js'
export * from './indexing.js'
export * from './join.js'
export * from './linear.js'
export * from './matrices.js'
export * from './nan.js'
export * from './quantiles.js'
export * from './reduce.js'
export {
  argpartition,
  digitize,
  isin,
  nonzero,
  searchsorted,
  unique,
  unravelIndex,
} from './search.js'
export * from './shape.js'
export * from './statistics.js'
export * from './vectorize.js'
export * from './windows.js'
