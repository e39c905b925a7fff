/** What a model was compiled with, to and from Keras's files. Follows `Trainer.get_compile_config`. */
import { isRecord } from '../layers/convert.js'
import { LossScaleOptimizer, type Optimizer } from '../optimizers/index.js'
import { deserializeKerasObject, serializeKerasObject } from '../saving/objects.js'
import type { CompileOptions } from '../training/options.js'

/** Keras's keys in its order, and the options they are here. */
const OPTIONS = {
  loss: 'loss',
  loss_weights: 'lossWeights',
  metrics: 'metrics',
  weighted_metrics: 'weightedMetrics',
} as const satisfies Record<string, keyof CompileOptions>

/** `jit_compile` means nothing here, and is kept for whoever does know it. */
type Compiled = CompileOptions & { readonly jitCompile?: unknown }

/** The optimizer as it was given, without the loss scaling that float16 put around it. */
function givenOptimizer(optimizer: Optimizer, { optimizer: given }: CompileOptions): Optimizer {
  return optimizer instanceof LossScaleOptimizer && given !== optimizer ? optimizer.innerOptimizer : optimizer
}

/** The options of `compile` as Keras writes them. */
export function compileConfig(optimizer: Optimizer, options: Compiled): Record<string, unknown> {
  const own = Object.entries(OPTIONS).map(([key, name]) => [key, serializeKerasObject(options[name])])
  return {
    optimizer: serializeKerasObject(givenOptimizer(optimizer, options)),
    ...Object.fromEntries(own),
    run_eagerly: options.runEagerly ?? false,
    steps_per_execution: options.stepsPerExecution ?? 1,
    jit_compile: options.jitCompile ?? 'auto',
  }
}

/** The options that `compileConfig` wrote. */
export function compileOptions(config: Readonly<Record<string, unknown>>): CompileOptions {
  const revived = deserializeKerasObject(config)
  const { optimizer, run_eagerly, steps_per_execution, jit_compile, ...rest } = (isRecord(revived) ? revived : {}) as Record<
    string,
    unknown
  >
  const own = Object.entries(OPTIONS).flatMap(([key, name]) => (rest[key] === null || rest[key] === undefined ? [] : [[name, rest[key]]]))
  return {
    ...(optimizer !== null && optimizer !== undefined && { optimizer: optimizer as Optimizer }),
    ...Object.fromEntries(own),
    runEagerly: run_eagerly === true,
    ...(typeof steps_per_execution === 'number' && { stepsPerExecution: steps_per_execution }),
    ...(jit_compile !== undefined && { jitCompile: jit_compile }),
  } as Compiled
}
