/** Matrix products and convolutions, in float32 and in int32. */
import type { ModuleBuilder } from '../../assembler/index.js'
import type { KernelFamily } from '../family.js'
import { type Arithmetic, float32, int32 } from './arithmetic.js'
import { defineGemm } from './gemm.js'
import { matrixSource } from './matrix-source.js'
import { defineEdgeKernel, defineFinishKernel, defineMicroKernel } from './micro.js'
import { definePackB } from './pack.js'
import { turnedWindowSource } from './turned-window-source.js'
import { windowSource } from './window-source.js'

function emit(module: ModuleBuilder, arithmetic: Arithmetic): void {
  const tile = {
    rows: arithmetic.rows,
    micro: defineMicroKernel(module, arithmetic),
    finish: defineFinishKernel(module, arithmetic),
    edge: defineEdgeKernel(module, arithmetic),
  }
  definePackB(module)
  defineGemm(module, 'gemm', matrixSource, tile)
  defineGemm(module, 'windowGemm', windowSource, tile)
  defineGemm(module, 'turnedWindowGemm', turnedWindowSource, tile)
}

export const float32Gemm: KernelFamily = { emit: (module, features) => emit(module, float32(features)) }
export const int32Gemm: KernelFamily = { emit: (module, features) => emit(module, int32(features)) }
