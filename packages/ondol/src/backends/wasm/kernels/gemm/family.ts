/** Matrix products and convolutions, in float32 and in int32. */
import type { ModuleBuilder } from '../../assembler/index.js'
import type { KernelFamily } from '../family.js'
import { type Arithmetic, float32, int32 } from './arithmetic.js'
import { defineGemm } from './gemm.js'
import { matrixSource } from './matrix-source.js'
import { defineEdgeKernel, defineMicroKernel } from './micro.js'
import { definePackB } from './pack.js'
import { windowSource } from './window-source.js'
import { turnedWindowSource } from './turned-window-source.js'

function emit(module: ModuleBuilder, arithmetic: Arithmetic): void {
  const micro = defineMicroKernel(module, arithmetic)
  const edge = defineEdgeKernel(module, arithmetic)
  definePackB(module)
  defineGemm(module, 'gemm', matrixSource, arithmetic.rows, micro, edge)
  defineGemm(module, 'windowGemm', windowSource, arithmetic.rows, micro, edge)
  defineGemm(module, 'turnedWindowGemm', turnedWindowSource, arithmetic.rows, micro, edge)
}

export const float32Gemm: KernelFamily = { emit: (module, features) => emit(module, float32(features)) }
export const int32Gemm: KernelFamily = { emit: (module, features) => emit(module, int32(features)) }
