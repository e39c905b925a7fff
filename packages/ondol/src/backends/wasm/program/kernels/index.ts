/** Kernel steps → tasks: one rule a kernel. */
import type { KernelName, KernelStep } from '../../../../engine/plan.js'
import type { Builder } from '../builder.js'
import { lowerConv, lowerConvInputGrad, lowerConvKernelGrad } from './conv.js'
import { lowerGather, lowerScatterAdd, lowerScatterSet } from './indexing.js'
import { lowerArg, lowerCumulative, lowerSort } from './lines.js'
import { lowerMatmul } from './matmul.js'
import { lowerMoments } from './moments.js'
import { lowerAvgPool, lowerAvgPoolGrad, lowerMaxPool, lowerMaxPoolGather, lowerMaxPoolGrad } from './pool.js'

type Rules = { readonly [K in KernelName]: (builder: Builder, step: KernelStep<K>) => void }

const RULES: Rules = {
  matmul: lowerMatmul,
  conv: lowerConv,
  convInputGrad: lowerConvInputGrad,
  convKernelGrad: lowerConvKernelGrad,
  maxPool: lowerMaxPool,
  maxPoolGrad: lowerMaxPoolGrad,
  maxPoolGather: lowerMaxPoolGather,
  avgPool: lowerAvgPool,
  avgPoolGrad: lowerAvgPoolGrad,
  moments: lowerMoments,
  argMax: lowerArg,
  argMin: lowerArg,
  cumSum: lowerCumulative('cumSum'),
  cumProd: lowerCumulative('cumProd'),
  cumMax: lowerCumulative('cumMax'),
  gather: lowerGather,
  scatterAdd: lowerScatterAdd,
  scatterSet: lowerScatterSet,
  sort: lowerSort,
}

export function lowerKernel(builder: Builder, step: KernelStep): void {
  const rule = RULES[step.kernel] as (builder: Builder, step: KernelStep) => void
  rule(builder, step)
}
