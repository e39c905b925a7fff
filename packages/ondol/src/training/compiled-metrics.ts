/** The metrics of `compile`, found for each output when the first data shows its shape. Follows `CompileMetrics` of Keras. */
import { isSerializedObject } from '../core/spelling.js'
import { flatten, type Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import { maskOf } from '../layers/masks.js'
import type { Metric, MetricIdentifier } from '../metrics/index.js'
import { distinctName, explained, matchTargets, matchWeights, missingTargets } from './compiled-loss.js'
import { Outputs } from './outputs.js'
import { resolveMetric } from './resolve.js'

/** A metric, several for one output, or those of each output in a list, a record, or nested as the outputs are. */
export type MetricsOption = MetricIdentifier | null | readonly MetricsOption[] | { readonly [output: string]: MetricsOption }

interface OutputMetric {
  readonly output: number
  readonly metric: Metric
  readonly isWeighted: boolean
  /** Its key in logs. */
  readonly key: string
}

const isIdentifier = (option: unknown): boolean => typeof option === 'string' || typeof option === 'function' || isSerializedObject(option)

export class CompiledMetrics {
  readonly #plain: MetricsOption | undefined
  readonly #weighted: MetricsOption | undefined
  readonly #knownNames: () => readonly string[] | undefined
  readonly #onMade: () => void
  #entries: readonly OutputMetric[] | undefined

  /** `knownNames` tells the outputs' names, where the model has some; `onMade` is called when the metrics are known. */
  constructor(
    plain: MetricsOption | undefined,
    weighted: MetricsOption | undefined,
    knownNames: () => readonly string[] | undefined,
    onMade: () => void,
  ) {
    this.#plain = plain
    this.#weighted = weighted
    this.#knownNames = knownNames
    this.#onMade = onMade
  }

  get metrics(): Metric[] {
    return [...new Set((this.#entries ?? []).map(({ metric }) => metric))]
  }

  updateState(y: Tree<Tensor> | null | undefined, yPred: Tree<Tensor>, sampleWeight: Tree<Tensor> | null | undefined): void {
    const predictions = flatten(yPred)
    const outputs = new Outputs(yPred, this.#knownNames())
    const plain = identifiersOf(outputs, this.#plain, 'metrics')
    const weighted = identifiersOf(outputs, this.#weighted, 'weightedMetrics')
    const wanted = plain.map((list, output) => list.length + (weighted[output] as unknown[]).length > 0)
    if (!wanted.includes(true)) return
    const targets = matchTargets(outputs, y, wanted)
    wanted.forEach((isWanted, output) => {
      if (isWanted && targets[output] === null) throw missingTargets(`metrics of output '${outputs.label(output)}'`, outputs, output, y)
    })
    const weights = matchWeights(outputs, sampleWeight, wanted)
    if (this.#entries === undefined) {
      this.#entries = build(outputs, plain, weighted, targets as Tensor[], predictions)
      this.#onMade()
    }
    for (const { output, metric, isWeighted, key } of this.#entries) {
      const [target, prediction] = [targets[output] as Tensor, predictions[output] as Tensor]
      const weight = isWeighted ? (weights[output] ?? null) : null
      explained(`metric ${key} of output '${outputs.label(output)}'`, target, prediction, () =>
        metric.updateState(target, prediction, weight, maskOf(prediction) ?? null),
      )
    }
  }

  /** Results by key. A metric that gives a record of several is reported by their own names. */
  result(): Record<string, Tensor> {
    return Object.assign({}, ...(this.#entries ?? []).map(({ key, metric }) => namedResult(key, metric)))
  }
}

/** What a metric reports: its result under `key`, or the names of a record of results. */
export function namedResult(key: string, metric: Metric): Readonly<Record<string, Tensor>> {
  const result = metric.result()
  return isTensor(result) ? { [key]: result } : result
}

const isTensor = (result: Tensor | Readonly<Record<string, Tensor>>): result is Tensor => 'dtype' in result && 'shape' in result

/** The metrics of each output. With a single output, everything is for it. */
function identifiersOf(outputs: Outputs, option: MetricsOption | undefined, what: string): MetricIdentifier[][] {
  const isOne = (value: unknown, meetsOutput: boolean): boolean => isIdentifier(value) || (meetsOutput && Array.isArray(value))
  // An empty list stands for none, however many outputs there are.
  const given = Array.isArray(option) && option.length === 0 ? null : option
  return outputs
    .match<Tree<MetricIdentifier | null>>(given, { what, isOne })
    .map((found) =>
      found === null ? [] : (flatten<MetricIdentifier | null>(found).filter((identifier) => identifier !== null) as MetricIdentifier[]),
    )
}

function build(
  outputs: Outputs,
  plain: readonly MetricIdentifier[][],
  weighted: readonly MetricIdentifier[][],
  targets: readonly Tensor[],
  predictions: readonly Tensor[],
): OutputMetric[] {
  const counts = new Map<string, number>()
  const make = (identifiers: readonly MetricIdentifier[][], isWeighted: boolean): OutputMetric[] =>
    identifiers.flatMap((list, output) =>
      list.map((identifier) => {
        const metric = resolveMetric(identifier, targets[output] as Tensor, predictions[output] as Tensor)
        const prefix = outputs.prefix(output)
        const keyOf = (name: string): string => (prefix === null ? name : `${prefix}_${name}`)
        const own = keyOf(metric.name)
        const key = distinctName(counts, isWeighted && counts.has(own) ? keyOf(`weighted_${metric.name}`) : own)
        return { output, metric, isWeighted, key }
      }),
    )
  return [...make(plain, false), ...make(weighted, true)]
}
