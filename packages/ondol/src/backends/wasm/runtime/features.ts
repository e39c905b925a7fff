/** What the WebAssembly engine we run in can do: found by validating tiny modules. */
import { BackendError } from '../../../core/errors.js'
import { f32x4, ModuleBuilder, type Value } from '../assembler/index.js'

export interface Features {
  /** Fused multiply-add and friends, whose last bits depend on the machine. */
  readonly relaxed: boolean
  /** Memory that several threads can use at once. */
  readonly shared: boolean
}

const validates = (result: Value<'v128'>): boolean => {
  const module = new ModuleBuilder({ shared: false, maximum: 1 })
  module.function('probe', [], 'v128', (f) => f.return(result))
  return WebAssembly.validate(module.encode())
}

/** The features at hand; throws BackendError where there is no WebAssembly with fixed-width SIMD. */
export function probeFeatures(): Features {
  const one = f32x4.splat(1)
  if (typeof WebAssembly === 'undefined' || !validates(f32x4.add(one, one))) {
    throw new BackendError({
      problem: 'the wasm backend needs WebAssembly SIMD, which this JavaScript engine does not have',
      expected: 'Node 16 or later, or a browser of 2023 or later',
      hint: "use a newer engine, or setBackend('host') for small work",
    })
  }
  return { relaxed: validates(f32x4.relaxedMadd(one, one, one)), shared: canShare() }
}

function canShare(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false
  const isolation = (globalThis as { readonly crossOriginIsolated?: boolean }).crossOriginIsolated
  if (isolation === false) return false
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer
  } catch {
    return false
  }
}
