/**
 * Types of data and options that follow from how a model's inputs and outputs are nested and what they are called:
 * where that is known when the program is written, a misspelt key is an error of the compiler.
 */
import type { Tree } from '../core/tree.js'
import type { HostArray } from '../data/host-array.js'
import type { Tensor } from '../engine/index.js'
import type { LossIdentifier } from '../losses/index.js'
import type { MetricIdentifier } from '../metrics/index.js'
import type { TensorLike } from '../ops/define.js'
import type { KerasTensor } from '../ops/operation.js'
import type { ClassWeight } from './class-weight.js'
import type { MetricsOption } from './compiled-metrics.js'
import type { DataLike } from './convert.js'
import type { BatchIterable } from './iterable-source.js'
import type { CompileOptions, FitOptions } from './options.js'
import type { PerOutput } from './outputs.js'

/** Inputs or outputs of which nothing is known. */
export type Symbols = Tree<KerasTensor>

/** Data for one input. */
type Values = TensorLike | HostArray

/** Names of the symbolic tensors in a list; `string` where one of them is not known. */
type NamesOf<S> = S extends { readonly name: infer Name extends string } ? Name : S extends readonly (infer E)[] ? NamesOf<E> : string

/** Data for inputs of the structure `I`: nested alike, in a list in their order, or a record by their names; null for optional ones. */
export type DataOf<I> = Symbols extends I
  ? DataLike
  : I extends KerasTensor
    ? string extends NamesOf<I>
      ? DataLike
      : Values | readonly [Values] | { readonly [K in NamesOf<I>]: Values }
    : I extends readonly KerasTensor[]
      ? string extends NamesOf<I>
        ? DataLike
        : readonly (Values | null)[] | { readonly [K in NamesOf<I>]: Values | null }
      : I extends readonly unknown[]
        ? DataLike
        : { readonly [K in keyof I]: DataOf<I[K]> | null } | readonly DataLike[]

/** Outputs that are a record of which the keys are known. */
type IsRecord<O> = Symbols extends O ? false : O extends KerasTensor | readonly unknown[] ? false : true

/** Data for outputs of the structure `O`; outputs without a loss need none. */
export type TargetsOf<O> = IsRecord<O> extends true ? { readonly [K in keyof O]?: TargetsOf<O[K]> | null } | readonly DataLike[] : DataLike

/** An option for outputs that are a record: one for all, a list in their order, or a record by their names. */
type OptionOf<O, T> = T | null | readonly PerOutput<T>[] | { readonly [K in keyof O]?: PerOutput<T> }

interface NamedCompileOptions<O> extends Omit<CompileOptions, 'loss' | 'lossWeights' | 'metrics' | 'weightedMetrics'> {
  /** One for all outputs, a list in their order, or a record by their names; null for an output without. */
  readonly loss?: OptionOf<O, LossIdentifier>
  /** What each output's loss counts in the total. */
  readonly lossWeights?: OptionOf<O, number>
  /** `'accuracy'` and `'crossentropy'` mean what fits the shapes of the data. */
  readonly metrics?: OptionOf<O, MetricIdentifier | readonly MetricsOption[]>
  /** Metrics that respect sample and class weights. */
  readonly weightedMetrics?: OptionOf<O, MetricIdentifier | readonly MetricsOption[]>
}

interface NamedFitOptions<O> extends Omit<FitOptions, 'classWeight' | 'sampleWeight' | 'validationData'> {
  /** Weights of the classes, by class number; by output first. */
  readonly classWeight?: ClassWeight | { readonly [K in keyof O]?: ClassWeight }
  /** A weight for each sample (or step of it), nested as the targets. */
  readonly sampleWeight?: TargetsOf<O>
  /** [x, y], [x, y, sampleWeight] or batches of these to validate on. Takes the place of `validationSplit`. */
  readonly validationData?: readonly [x: DataLike, y?: TargetsOf<O> | null, sampleWeight?: TargetsOf<O> | null] | BatchIterable
}

/** What `compile` takes of a model whose outputs have the structure `O`. */
export type CompileOptionsOf<O> = IsRecord<O> extends true ? NamedCompileOptions<O> : CompileOptions
/** What `fit` takes of a model whose outputs have the structure `O`. */
export type FitOptionsOf<O> = IsRecord<O> extends true ? NamedFitOptions<O> : FitOptions

/** What a model gives whose outputs have the structure `O`. */
export type TensorsOf<O> = Symbols extends O ? Tree<Tensor> : O extends KerasTensor ? Tensor : { -readonly [K in keyof O]: TensorsOf<O[K]> }
