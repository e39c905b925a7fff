/** Tables of features as what a model reads. Follows `keras/src/layers/preprocessing/feature_space.py`. */
import { INVOKE } from '../core/callable.js'
import { ValueError } from '../core/errors.js'
import { isSerializedObject, type SerializedObject, toSnakeCase } from '../core/spelling.js'
import { Dataset, type HostArray } from '../data/index.js'
import { Tensor } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { asStrings, holdsStrings, StringTensor } from '../layers/preprocessing/string-tensor.js'
import type { SerializedLayer } from '../layers/sharing.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { autoName } from '../ops/naming.js'
import { isSymbolic, type KerasTensor } from '../ops/operation.js'

type OutputMode = 'int' | 'one_hot' | 'float'

/** What a feature is: its dtype, the layer that prepares it, and how it comes out. */
export class Feature {
  readonly dtype: string
  readonly preprocessor: layers.Layer
  readonly outputMode: OutputMode

  constructor(dtype: string, preprocessor: layers.Layer, outputMode: string) {
    this.dtype = dtype
    this.preprocessor = preprocessor
    this.outputMode = requireMode(outputMode, ['int', 'one_hot', 'float'])
  }

  serialize(): SerializedObject {
    const config = { dtype: this.dtype, preprocessor: this.preprocessor.serialize(), output_mode: this.outputMode }
    return { module: 'keras.src.layers.preprocessing.feature_space', class_name: 'Feature', config, registered_name: 'Feature' }
  }
}

/** Features that are hashed together. */
export class Cross {
  readonly featureNames: readonly string[]
  readonly crossingDim: number
  readonly outputMode: OutputMode

  constructor(featureNames: readonly string[], crossingDim: number, outputMode = 'one_hot') {
    this.featureNames = [...featureNames]
    this.crossingDim = crossingDim
    this.outputMode = requireMode(outputMode, ['int', 'one_hot'])
  }

  get name(): string {
    return this.featureNames.join('_X_')
  }

  serialize(): SerializedObject {
    const config = { feature_names: this.featureNames, crossing_dim: this.crossingDim, output_mode: this.outputMode }
    return { module: 'keras.src.layers.preprocessing.feature_space', class_name: 'Cross', config, registered_name: 'Cross' }
  }
}

function requireMode<M extends string>(mode: string, allowed: readonly M[]): M {
  const name = toSnakeCase(mode)
  if ((allowed as readonly string[]).includes(name)) return name as M
  throw new ValueError({ where: 'FeatureSpace', problem: 'unknown output mode', expected: allowed.join(', '), received: `'${mode}'` })
}

export interface FeatureSpaceOptions {
  /** `'concat'` (default) for one tensor, `'dict'` for one a feature. */
  readonly outputMode?: string | undefined
  /** Lists of features that are also taken together. */
  readonly crosses?: readonly (readonly string[] | Cross | SerializedObject)[] | null | undefined
  /** Bins of crosses. Default 32. */
  readonly crossingDim?: number | undefined
  /** Bins of hashed features. Default 32. */
  readonly hashingDim?: number | undefined
  /** Bins of discretised features. Default 32. */
  readonly numDiscretizationBins?: number | undefined
  readonly name?: string | undefined
}

type Column = TensorLike | StringTensor | string | readonly string[] | readonly (readonly string[])[] | HostArray
type Encoded = Tensor | Readonly<Record<string, Tensor>>

interface Adaptable extends layers.Layer {
  adapt(data: unknown): Promise<void>
}

export interface FeatureSpace {
  /** A record of columns: one tensor, or with the output mode `'dict'` one for each feature. */
  // biome-ignore lint/style/useShorthandFunctionType: merges with the class
  <Out = Tensor>(data: Readonly<Record<string, Column>>): Out
}

/**
 * Prepares each feature of a table as its kind needs, and puts them together.
 *
 * @example
 * const space = new utils.FeatureSpace(
 *   { age: 'float_normalized', city: 'string_categorical' },
 *   { crosses: [['age_group', 'city']], outputMode: 'concat' },
 * )
 * await space.adapt({ age: [23, 41], city: ['Seoul', 'Bern'] })
 * const x = space({ age: [30], city: ['Bern'] })          // (1, features)
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
export class FeatureSpace extends layers.Layer {
  static override readonly className: string = 'FeatureSpace'
  static override readonly readsLayers: boolean = true

  static cross(featureNames: readonly string[], crossingDim: number, outputMode = 'one_hot'): Cross {
    return new Cross(featureNames, crossingDim, outputMode)
  }
  static feature(dtype: string, preprocessor: layers.Layer, outputMode: string): Feature {
    return new Feature(dtype, preprocessor, outputMode)
  }
  /** Numbers as they are. */
  static float(name = autoName('Float')): Feature {
    return new Feature('float32', new layers.Identity({ dtype: 'float32', name: `${name}_preprocessor` }), 'float')
  }
  /** Numbers times `scale`, plus `offset`. */
  static floatRescaled(scale = 1, offset = 0, name = autoName('FloatRescaled')): Feature {
    return new Feature('float32', new layers.Rescaling(scale, { offset, name: `${name}_preprocessor` }), 'float')
  }
  /** Numbers with mean 0 and variance 1. */
  static floatNormalized(name = autoName('FloatNormalized')): Feature {
    return new Feature('float32', new layers.Normalization({ axis: -1, name: `${name}_preprocessor` }), 'float')
  }
  /** Numbers as the bins that they fall into. */
  static floatDiscretized(
    numBins: number | null,
    {
      binBoundaries = null,
      outputMode = 'one_hot',
      name = autoName('FloatDiscretized'),
    }: FeatureOptions & { readonly binBoundaries?: readonly number[] | null } = {},
  ): Feature {
    return new Feature('float32', new layers.Discretization({ numBins, binBoundaries, name: `${name}_preprocessor` }), outputMode)
  }
  /** Integers of a vocabulary that `adapt` finds. */
  static integerCategorical({
    maxTokens = null,
    numOovIndices = 1,
    outputMode = 'one_hot',
    name = autoName('IntegerCategorical'),
  }: CategoricalOptions = {}): Feature {
    return new Feature('int32', new layers.IntegerLookup({ name: `${name}_preprocessor`, maxTokens, numOovIndices }), outputMode)
  }
  /** Strings of a vocabulary that `adapt` finds. */
  static stringCategorical({
    maxTokens = null,
    numOovIndices = 1,
    outputMode = 'one_hot',
    name = autoName('StringCategorical'),
  }: CategoricalOptions = {}): Feature {
    return new Feature('string', new layers.StringLookup({ name: `${name}_preprocessor`, maxTokens, numOovIndices }), outputMode)
  }
  /** Strings in as many bins. */
  static stringHashed(numBins: number, { outputMode = 'one_hot', name = autoName('StringHashed') }: FeatureOptions = {}): Feature {
    return new Feature('string', new layers.Hashing(numBins, { name: `${name}_preprocessor` }), outputMode)
  }
  /** Integers in as many bins. */
  static integerHashed(numBins: number, { outputMode = 'one_hot', name = autoName('IntegerHashed') }: FeatureOptions = {}): Feature {
    return new Feature('int32', new layers.Hashing(numBins, { name: `${name}_preprocessor` }), outputMode)
  }

  readonly outputMode: 'concat' | 'dict'
  readonly crossingDim: number
  readonly hashingDim: number
  readonly numDiscretizationBins: number
  readonly preprocessors: Readonly<Record<string, layers.Layer>>
  readonly crossers: Readonly<Record<string, layers.HashedCrossing>>
  readonly #features: ReadonlyMap<string, Feature>
  readonly #crosses: readonly Cross[]
  #isAdapted = false

  constructor(features: Readonly<Record<string, string | Feature | SerializedObject>>, options: FeatureSpaceOptions = {}) {
    const { outputMode = 'concat', crosses = null, crossingDim = 32, hashingDim = 32, numDiscretizationBins = 32, name } = options
    super({ name })
    if (Object.keys(features).length === 0) throw new ValueError({ where: this.name, problem: 'there are no features', received: '{}' })
    this.outputMode = requireMode(outputMode, ['concat', 'dict'])
    this.crossingDim = crossingDim
    this.hashingDim = hashingDim
    this.numDiscretizationBins = numDiscretizationBins
    this.#features = new Map(Object.entries(features).map(([key, feature]) => [key, this.#featureOf(key, feature)]))
    this.#crosses = (crosses ?? []).map((cross) => this.#crossOf(cross))
    this.preprocessors = Object.fromEntries([...this.#features].map(([key, { preprocessor }]) => [key, preprocessor]))
    this.crossers = Object.fromEntries(
      this.#crosses.map((cross) => [cross.name, new layers.HashedCrossing(cross.crossingDim, { name: cross.name })]),
    )
  }

  get features(): Readonly<Record<string, Feature>> {
    return Object.fromEntries(this.#features)
  }

  get crosses(): readonly Cross[] {
    return this.#crosses
  }

  #featureOf(name: string, feature: string | Feature | SerializedObject): Feature {
    if (feature instanceof Feature) return feature
    if (isSerializedObject(feature)) {
      const { dtype, preprocessor, output_mode: mode } = feature.config
      return new Feature(String(dtype), layers.deserialize(preprocessor as SerializedLayer), String(mode))
    }
    const kinds: Readonly<Record<string, () => Feature>> = {
      float: () => FeatureSpace.float(name),
      float_normalized: () => FeatureSpace.floatNormalized(name),
      float_rescaled: () => FeatureSpace.floatRescaled(1, 0, name),
      float_discretized: () => FeatureSpace.floatDiscretized(this.numDiscretizationBins, { name }),
      integer_categorical: () => FeatureSpace.integerCategorical({ name }),
      string_categorical: () => FeatureSpace.stringCategorical({ name }),
      integer_hashed: () => FeatureSpace.integerHashed(this.hashingDim, { name }),
      string_hashed: () => FeatureSpace.stringHashed(this.hashingDim, { name }),
    }
    const kind = toSnakeCase(feature)
    if (Object.hasOwn(kinds, kind)) return (kinds[kind] as () => Feature)()
    throw new ValueError({
      where: this.name,
      problem: `unknown kind of the feature '${name}'`,
      expected: Object.keys(kinds).join(', '),
      received: `'${feature}'`,
    })
  }

  #crossOf(cross: readonly string[] | Cross | SerializedObject): Cross {
    if (cross instanceof Cross) return cross
    if (isSerializedObject(cross)) {
      const { feature_names: names, crossing_dim: bins, output_mode: mode } = cross.config
      return new Cross(names as string[], bins as number, String(mode))
    }
    const names = cross as readonly string[]
    const unknown = names.find((name) => !this.#features.has(name))
    if (unknown !== undefined)
      throw new ValueError({
        where: this.name,
        problem: `a cross names the feature '${unknown}', which is not there`,
        expected: [...this.#features.keys()].join(', '),
      })
    return new Cross(names, this.crossingDim)
  }

  #adaptables(): [name: string, layer: Adaptable][] {
    return [...this.#features].flatMap(([name, { preprocessor }]) => {
      const isGiven =
        (preprocessor instanceof layers.Normalization && preprocessor.mean !== null) ||
        ('vocabulary' in preprocessor && preprocessor.vocabulary !== null) ||
        (preprocessor instanceof layers.Discretization && preprocessor.numBins === null)
      return Reflect.has(preprocessor, 'adapt') && !isGiven ? [[name, preprocessor as unknown as Adaptable]] : []
    })
  }

  /** Learns what the features' layers need: from a record of columns, or a Dataset of records. */
  async adapt(data: Readonly<Record<string, Column>> | Dataset<Readonly<Record<string, unknown>>>): Promise<void> {
    for (const [name, preprocessor] of this.#adaptables()) {
      if (data instanceof Dataset) await preprocessor.adapt(columnOf(data, name))
      else await preprocessor.adapt(asColumn(data[name] as Column, this.name))
    }
    this.#isAdapted = true
    this.built = true
  }

  #requireAdapted(): void {
    if (this.#isAdapted || this.#adaptables().length === 0) return
    throw new ValueError({ where: this.name, problem: 'the features are not known yet', hint: 'call adapt(data) first' })
  }

  override [INVOKE](...args: unknown[]): unknown {
    const [data] = args
    if (typeof data !== 'object' || data === null || Array.isArray(data) || data instanceof Tensor)
      throw new ValueError({ where: this.name, problem: 'a record of features is needed', received: String(data) })
    this.#requireAdapted()
    return this.#encode(data as Readonly<Record<string, Column | KerasTensor>>)
  }

  #encode(data: Readonly<Record<string, Column | KerasTensor>>): Encoded {
    let isSingle = false
    const prepared = new Map<string, Tensor>()
    for (const name of Object.keys(data)) {
      const feature = this.#features.get(name)
      if (feature === undefined)
        throw new ValueError({
          where: this.name,
          problem: `there is no feature '${name}'`,
          expected: [...this.#features.keys()].join(', '),
        })
      const value = data[name] as Column | KerasTensor
      if (!isSymbolic(value) && rankOf(value) === 0) isSingle = true
      const column = isSymbolic(value) ? value : asColumn(value, this.name)
      prepared.set(name, feature.preprocessor<Tensor>(column as Tensor))
    }
    const parts = [...prepared.keys()].sort().map((name) => [name, prepared.get(name) as Tensor] as const)
    const crossed = this.#crosses.map((cross) => {
      const inputs = cross.featureNames.map((name) => prepared.get(name) as Tensor)
      return [cross.name, (this.crossers[cross.name] as layers.HashedCrossing)(inputs)] as const
    })
    crossed.sort(([a], [b]) => (a < b ? -1 : 1))
    const encoded = [...parts, ...crossed].map(([name, value]) => [name, this.#encodeOne(name, value)] as const)
    const single = (x: Tensor): Tensor => (isSingle ? ops.squeeze(x, 0) : x)
    if (this.outputMode === 'dict') return Object.fromEntries(encoded.map(([name, value]) => [name, single(value)]))
    const raw = encoded.find(([, { dtype }]) => dtype === 'int32')
    if (raw !== undefined)
      throw new ValueError({
        where: this.name,
        problem: `the feature '${raw[0]}' is not encoded, so it cannot be put together with others`,
        received: `dtype ${raw[1].dtype}`,
        hint: "use outputMode: 'dict', or 'one_hot' for the feature",
      })
    return single(
      ops.concatenate(
        encoded.map(([, value]) => value),
        { axis: -1 },
      ),
    )
  }

  #encodeOne(name: string, value: Tensor): Tensor {
    const { outputMode } = (this.#features.get(name) ?? this.#crosses.find((cross) => cross.name === name)) as Feature | Cross
    if (outputMode !== 'one_hot') return value
    if (value.dtype !== 'int32')
      throw new ValueError({
        where: this.name,
        problem: `the feature '${name}' is no integer, so it cannot be one-hot`,
        received: value.dtype,
      })
    return layers.categoryEncoding(this.#cardinality(name), { outputMode: 'multi_hot' })(value)
  }

  #cardinality(name: string): number {
    const preprocessor = this.preprocessors[name] ?? this.crossers[name]
    if (preprocessor instanceof layers.IntegerLookup || preprocessor instanceof layers.StringLookup) return preprocessor.vocabularySizeNow()
    if (preprocessor instanceof layers.CategoryEncoding) return preprocessor.numTokens
    if (preprocessor instanceof layers.Discretization) return preprocessor.numBins ?? (preprocessor.binBoundaries?.length ?? 0) + 1
    if (preprocessor instanceof layers.HashedCrossing || preprocessor instanceof layers.Hashing) return preprocessor.numBins
    throw new ValueError({
      where: this.name,
      problem: `it is not known how many values the feature '${name}' has`,
      hint: "use outputMode: 'int' for it",
    })
  }

  /** Symbolic inputs (batch, 1), one a feature. Features that are strings have none: they are encoded before the model. */
  getInputs(): Readonly<Record<string, KerasTensor>> {
    const numeric = [...this.#features].filter(([, { dtype }]) => dtype !== 'string')
    return Object.fromEntries(numeric.map(([name, { dtype }]) => [name, layers.Input({ shape: [1], dtype: dtype as 'float32', name })]))
  }

  /** What comes out for `inputs`, as symbols of a model. @throws ValueError where features are strings. */
  getEncodedFeatures(
    inputs: Readonly<Record<string, KerasTensor>> = this.getInputs(),
  ): KerasTensor | Readonly<Record<string, KerasTensor>> {
    this.#requireAdapted()
    const text = [...this.#features].find(([, { dtype }]) => dtype === 'string')
    if (text !== undefined)
      throw new ValueError({
        where: this.name,
        problem: `the feature '${text[0]}' is strings, and a model computes with numbers`,
        hint: 'encode before the model: `dataset.map((row) => space(row))`',
      })
    return this.#encode(inputs) as unknown as KerasTensor
  }

  // ---- configs and files ----

  override getConfig(): Record<string, unknown> {
    return {
      features: Object.fromEntries([...this.#features].map(([name, feature]) => [name, feature.serialize()])),
      output_mode: this.outputMode,
      crosses: this.#crosses.map((cross) => cross.serialize()),
      crossing_dim: this.crossingDim,
      hashing_dim: this.hashingDim,
      num_discretization_bins: this.numDiscretizationBins,
    }
  }

  static override fromConfig(config: Readonly<Record<string, unknown>>): FeatureSpace {
    return new FeatureSpace(config.features as Record<string, SerializedObject>, {
      outputMode: config.output_mode as string,
      crosses: config.crosses as SerializedObject[],
      crossingDim: config.crossing_dim as number,
      hashingDim: config.hashing_dim as number,
      numDiscretizationBins: config.num_discretization_bins as number,
    })
  }

  override getBuildConfig(): Record<string, unknown> | null {
    return Object.fromEntries([...this.#features].map(([name, { preprocessor }]) => [name, preprocessor.getBuildConfig()]))
  }

  override buildFromConfig(config: Readonly<Record<string, unknown>> | null): void {
    for (const [name, built] of Object.entries(config ?? {})) this.preprocessors[name]?.buildFromConfig(built as Record<string, unknown>)
    this.#isAdapted = true
    this.built = true
  }
}

interface FeatureOptions {
  readonly outputMode?: string
  readonly name?: string
}

interface CategoricalOptions extends FeatureOptions {
  readonly maxTokens?: number | null
  readonly numOovIndices?: number
}

const isHostArray = (value: unknown): value is HostArray => typeof value === 'object' && value !== null && 'toTensor' in value

function rankOf(value: Column): number {
  if (value instanceof StringTensor || value instanceof Tensor || isHostArray(value)) return value.shape.length
  return Array.isArray(value) || ArrayBuffer.isView(value) ? 1 : 0
}

/** A column (batch, 1) of numbers or strings. */
function asColumn(value: Column, where: string): Tensor | StringTensor {
  if (holdsStrings(value)) {
    const strings = asStrings(value, where)
    return strings.rank < 2 ? strings.reshape([strings.dataSync().length, 1]) : strings
  }
  const numbers = isHostArray(value) ? value.toTensor() : asTensor(value as TensorLike)
  return numbers.rank < 2 ? ops.reshape(numbers, [-1, 1]) : numbers
}

/** The column of each element of a dataset of records, as batches. */
async function* columnOf(data: Dataset<Readonly<Record<string, unknown>>>, name: string): AsyncGenerator<Tensor | StringTensor> {
  for await (const row of data) yield asColumn(row[name] as Column, `feature '${name}'`)
}
