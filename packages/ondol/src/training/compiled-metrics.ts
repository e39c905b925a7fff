/** The metrics of `compile`, found for each output when the first data shows its shape. */
import { DataError, ValueError } from '../core/errors.js'
import { flatten, type Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import { maskOf } from '../layers/masks.js'
import type { Metric, MetricIdentifier } from '../metrics/index.js'
import { spread } from './compiled-loss.js'
import { isRecord, matchToOutputs, nameOutputs, resolvePerOutput } from './outputs.js'
import { resolveMetric } from './resolve.js'

/** A metric, several for one output, or those of each output in a list or a record. */
export type MetricsOption =
  | MetricIdentifier
  | readonly (MetricIdentifier | readonly MetricIdentifier[] | null)[]
  | { readonly [output: string]: MetricIdentifier | readonly MetricIdentifier[] | null }

interface OutputMetric {
  readonly output: number
  readonly metric: Metric
  readonly isWeighted: boolean
  /** Its key in logs. */
  readonly key: string
}

export class CompiledMetrics {
  readonly #plain: MetricsOption | undefined
  readonly #weighted: MetricsOption | undefined
  readonly #knownNames: () => readonly string[] | undefined
  #entries: readonly OutputMetric[] | undefined

  constructor(plain: MetricsOption | undefined, weighted: MetricsOption | undefined, knownNames: () => readonly string[] | undefined) {
    this.#plain = plain
    this.#weighted = weighted
    this.#knownNames = knownNames
  }

  get metrics(): Metric[] {
    return (this.#entries ?? []).map(({ metric }) => metric)
  }

  /** Keys in the order in which people gave the metrics. */
  get keys(): string[] {
    return (this.#entries ?? []).map(({ key }) => key)
  }

  updateState(y: Tree<Tensor> | null | undefined, yPred: Tree<Tensor>, sampleWeight: Tree<Tensor> | null | undefined): void {
    const predictions = flatten(yPred)
    const names = nameOutputs(yPred, this.#knownNames())
    const plain = byOutput(this.#plain, names, 'metrics', this.#knownNames())
    const weighted = byOutput(this.#weighted, names, 'weightedMetrics', this.#knownNames())
    const wanted = names.map((_, i) => (plain[i] as unknown[]).length + (weighted[i] as unknown[]).length > 0)
    const targets = matchToOutputs(
      y,
      names,
      y == null ? names.map(() => false) : targetsWanted(y, names, wanted),
      'targets (y)',
      this.#knownNames(),
    )
    const weights = spread(sampleWeight, names, wanted)
    this.#entries ??= build(names, plain, weighted, targets, predictions)
    for (const { output, metric, isWeighted } of this.#entries) {
      const prediction = predictions[output] as Tensor
      metric.updateState(targets[output] as Tensor, prediction, isWeighted ? (weights[output] ?? null) : null, maskOf(prediction) ?? null)
    }
  }

  /** Results by key. */
  result(): Record<string, Tensor> {
    return Object.fromEntries((this.#entries ?? []).map(({ key, metric }) => [key, metric.result()]))
  }
}

/** A shorter list of targets belongs to the outputs with metrics, unless it is complete. */
const targetsWanted = (y: Tree<Tensor>, names: readonly string[], wanted: readonly boolean[]): readonly boolean[] =>
  flatten(y).length === names.length ? names.map(() => true) : wanted

function byOutput(
  option: MetricsOption | undefined,
  names: readonly string[],
  what: string,
  aliases: readonly string[] | undefined,
): MetricIdentifier[][] {
  const asList = (value: unknown): MetricIdentifier[] =>
    Array.isArray(value) ? value.filter((item) => item !== null) : value == null ? [] : [value as MetricIdentifier]
  if (option === undefined) return names.map(() => [])
  // One output: everything is for it.
  if (names.length === 1) return [flatten<MetricIdentifier | null>(option as never).flatMap(asList)]
  if (Array.isArray(option) || isRecord(option)) {
    if (Array.isArray(option) && option.length === 0) return names.map(() => [])
    return resolvePerOutput<MetricIdentifier | readonly MetricIdentifier[]>(option, names, what, aliases).map(asList)
  }
  throw new ValueError({
    where: what,
    problem: 'the model has several outputs',
    expected: `a list with an entry for each of ${names.join(', ')}, or a record with some of these names`,
    received: String(option),
  })
}

function build(
  names: readonly string[],
  plain: readonly MetricIdentifier[][],
  weighted: readonly MetricIdentifier[][],
  targets: readonly (Tensor | null)[],
  predictions: readonly Tensor[],
): OutputMetric[] {
  const counts = new Map<string, number>()
  const make = (identifiers: readonly MetricIdentifier[][], isWeighted: boolean): OutputMetric[] =>
    identifiers.flatMap((list, output) =>
      list.map((identifier) => {
        const target = targets[output]
        if (target == null)
          throw new DataError({
            where: `metrics of output '${names[output]}'`,
            problem: 'there are no targets for it',
            hint: 'pass y to fit and evaluate',
          })
        const metric = resolveMetric(identifier, target, predictions[output] as Tensor)
        const prefix = names.length > 1 ? `${names[output]}_` : ''
        return { output, metric, isWeighted, key: distinctKey(counts, prefix, metric.name, isWeighted) }
      }),
    )
  return [...make(plain, false), ...make(weighted, true)]
}

/** `name`, then `weighted_name` for a weighted metric, then `name_1`, … */
function distinctKey(counts: Map<string, number>, prefix: string, name: string, isWeighted: boolean): string {
  let key = `${prefix}${name}`
  if (counts.has(key) && isWeighted) key = `${prefix}weighted_${name}`
  const count = counts.get(key) ?? 0
  counts.set(key, count + 1)
  return count === 0 ? key : `${key}_${count}`
}
