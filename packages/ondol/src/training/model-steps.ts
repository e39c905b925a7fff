/** The compiled steps of a model, and reading what they report. */
import type { CallbackModel, Logs } from '../callbacks/callback.js'
import { flatten, mapTree, type Tree, unflatten } from '../core/tree.js'
import { type Jitted, lax, type Tensor, type Variable } from '../engine/index.js'
import { KerasTensor } from '../ops/operation.js'
import { type ClassWeights, weighByClass } from './class-weight.js'
import type { Arrays } from './convert.js'
import type { Numbering } from './finite.js'
import { readLogs, sorted } from './logs.js'
import type { DataModel } from './model-data.js'
import type { CompileOptions } from './options.js'
import { ArraySource, type Source } from './source.js'
import { type Batch, CompiledStep, compiledUnless, packed } from './step.js'

/** What running a model asks of it. */
export interface RunnableModel extends CallbackModel, DataModel {
  stopEvaluating: boolean
  stopPredicting: boolean
  computeOutputSpec(inputs: Tree<KerasTensor>): Tree<KerasTensor>
  resetMetrics(): void
  getMetricsResult(): Record<string, Tensor>
  runStep(phase: 'train' | 'test', batch: Batch): Record<string, Tensor> | null
  predictStep(batch: Batch): Tree<Tensor>
  numberings(arrays: Arrays): readonly Numbering[]
  readonly trainableVariables: readonly Variable[]
}

/** Constants of a compiled step; when they change it is compiled anew. */
export interface StepSettings {
  /** What is trainable. */
  readonly trainable: string
  readonly classWeight: ClassWeights | null
}

/** What a step of the model's own reported; null where it is in the metrics. */
export type Report = Record<string, Tensor> | null

export class ModelSteps {
  readonly #model: RunnableModel
  readonly train: CompiledStep<StepSettings & Tree<unknown>, Report>
  readonly test: CompiledStep<StepSettings & Tree<unknown>, Report>
  readonly predict: CompiledStep<null, Tree<Tensor>>
  readonly #results: Jitted<[key: string], Tensor>
  /** Keys of the numbers that `#results` gives, by the metrics there are. */
  readonly #resultNames = new Map<string, readonly string[]>()

  constructor(model: RunnableModel, { runEagerly = false }: CompileOptions) {
    this.#model = model
    const stepOf = (phase: 'train' | 'test'): CompiledStep<StepSettings & Tree<unknown>, Report> =>
      new CompiledStep(
        (batches, { classWeight }: StepSettings) => {
          let report: Report = null
          for (const [x, y, sampleWeight] of batches) {
            report = model.runStep(phase, [
              x,
              y,
              classWeight === null ? sampleWeight : weighByClass(y, sampleWeight, classWeight, model.outputNames ?? []),
            ])
          }
          return report
        },
        { name: `${model.name}.${phase}Step`, runEagerly },
      )
    this.train = stepOf('train')
    this.test = stepOf('test')
    this.predict = new CompiledStep((batches) => joined(batches.map((batch) => model.predictStep(batch))), {
      name: `${model.name}.predictStep`,
      runEagerly,
    })
    const results = (key: string): Tensor => {
      const found = model.getMetricsResult()
      this.#resultNames.set(key, Object.keys(found))
      return packed(Object.values(found))
    }
    this.#results = compiledUnless(runEagerly, results, `${model.name}.metrics`)
  }

  dispose(): void {
    for (const step of [this.train, this.test, this.predict, this.#results]) step.dispose()
  }

  /** Forgets the data of the last run. */
  letGo(): void {
    for (const step of [this.train, this.test, this.predict]) step.letGo()
  }

  settings(source: Source | null, classWeight: ClassWeights | null = null): StepSettings & Tree<unknown> {
    if (source instanceof ArraySource) this.#build(source.arrays)
    return { trainable: this.#model.trainableVariables.map(({ path }) => path).join(), classWeight } as StepSettings & Tree<unknown>
  }

  /** Builds a model that waits for data: else its weights would come with the first step, and the second be compiled anew. */
  #build({ x }: Arrays): void {
    if (this.#model.built) return
    const symbols = mapTree(x, ({ shape, dtype }) => new KerasTensor([null, ...shape.slice(1)], { dtype }))
    try {
      this.#model.computeOutputSpec(symbols)
    } catch {
      // It may need a known batch size. If something is really wrong, the first step says so.
    }
  }

  /** What a step reported; where that is nothing, the metrics. */
  async read(report: Report): Promise<Logs> {
    if (report !== null) return readLogs(report)
    const key = this.#model.metrics.map(({ name }) => name).join()
    const vector = this.#results(key)
    const names = this.#resultNames.get(key) as readonly string[]
    try {
      const values = await vector.data()
      return sorted(Object.fromEntries(names.map((name, i) => [name, values[i] as number])))
    } finally {
      vector.dispose()
    }
  }
}

/** Outputs of several batches, one after the other. */
export function joined(parts: readonly Tree<Tensor>[]): Tree<Tensor> {
  const [first, ...others] = parts
  if (others.length === 0) return first as Tree<Tensor>
  const columns = parts.map((part) => flatten(part))
  const whole = flatten(first as Tree<Tensor>).map((_, place) =>
    lax.concat(
      columns.map((column) => column[place] as Tensor),
      0,
    ),
  )
  return unflatten(first as Tree<unknown>, whole)
}

export function release(report: Report): void {
  for (const value of Object.values(report ?? {})) value.dispose()
}
