/** Kernel steps → tasks: one rule a kernel. */
import type { KernelName, KernelStep } from '../../../../engine/plan.js'
import type { Builder } from '../builder.js'
import { lowerConv, lowerConvInputGrad, lowerConvKernelGrad } from './conv.js'
import { lowerMatmul } from './matmul.js'

type Rules = { readonly [K in KernelName]: (builder: Builder, step: KernelStep<K>) => void }

const RULES: Partial<Rules> = {
  matmul: lowerMatmul,
  conv: lowerConv,
  convInputGrad: lowerConvInputGrad,
  convKernelGrad: lowerConvKernelGrad,
}

export function lowerKernel(builder: Builder, step: KernelStep): void {
  const rule = RULES[step.kernel] as (builder: Builder, step: KernelStep) => void
  rule(builder, step)
}
