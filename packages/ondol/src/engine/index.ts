/** What the rooms above see of the engine. */
export { type Backend, type BackendName, currentBackend, hasBackend, type Memory, type Program, useBackend } from './backend.js'
export { cond, RULES, type ScanOptions, scan, whileLoop } from './control.js'
export { debugLog, isDebugging } from './debug.js'
export { customGradient, type GradOptions, grad, stopGradient, valueAndGrad } from './differentiate.js'
export {
  type Filled,
  type GradientOptions,
  type Gradients,
  GradientTape,
  type GradientTapeOptions,
  type JacobianOptions,
  type Source,
} from './gradient-tape.js'
export type { Abstract, Graph } from './graph.js'
export { type JitOptions, type Jitted, jit } from './jit.js'
export * as lax from './lax.js'
export { type MemoryReport, memory } from './memory.js'
export type { ConvSpec, DotSpec, PoolSpec } from './primitives.js'
export { layoutAxes } from './primitives.js'
export { type GivenState, isStateless, runStateless } from './stateless-scope.js'
export { withoutTapes } from './tape.js'
export { type NestedArray, Tensor, type TensorData, tensor, tidy } from './tensor.js'
export { currentTrace, Trace, withoutTrace, withScope, withTrace } from './trace.js'
export { Variable, type VariableOptions, withAutocast } from './variable.js'
