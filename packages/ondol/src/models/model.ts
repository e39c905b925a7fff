/**
 * Models: layers that can be trained, looked at and saved. A model is cut out of a graph of layers
 * (`new Model({ inputs, outputs })`), or computes in its own `call` (a subclass).
 */
import type { CustomObjects } from '../core/custom-objects.js'
import { GraphError, ShapeError, ValueError } from '../core/errors.js'
import { nearest } from '../core/registry.js'
import { formatShape, type PartialShape } from '../core/shape.js'
import { flatten, mapTree, type Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import { decodeConfig } from '../layers/config-table.js'
import { isRecord } from '../layers/convert.js'
import { Layer, type LayerOptions } from '../layers/layer.js'
import { type Masks, maskOf, setMask } from '../layers/masks.js'
import { deserializeLayersIn, registerLayerClass } from '../layers/serialization.js'
import { type SerializedLayer, whileReading, whileWriting } from '../layers/sharing.js'
import type { OnnxOptions } from '../onnx/export.js'
import * as ops from '../ops/index.js'
import { autoName } from '../ops/naming.js'
import type { KerasTensor } from '../ops/operation.js'
import { formatJson } from '../saving/json.js'
import type { LegacyOptions } from '../saving/legacy-h5.js'
import type { Readable } from '../saving/location.js'
import type { SaveOptions } from '../saving/model-file.js'
import type { LoadOptions } from '../saving/weights.js'
import type { SaveWeightsOptions } from '../saving/weights-file.js'
import type { Arrays } from '../training/convert.js'
import type { Numbering } from '../training/finite.js'
import type { CompileOptionsOf, Symbols, TensorsOf } from '../training/structure-types.js'
import { Trainable } from '../training/trainable.js'
import { compileConfig, compileOptions } from './compile-config.js'
import { functionalConfig, isFunctionalConfig, readFunctional } from './functional-config.js'
import { ModelGraph, matchInputs } from './graph.js'
import { printSummary, type SummaryOptions } from './summary.js'

/** `I` and `O` are the structures of inputs and outputs. */
export interface ModelOptions<I extends Symbols = Symbols, O extends Symbols = Symbols>
  extends Pick<LayerOptions, 'name' | 'dtype' | 'trainable'> {
  /** Tensors from `Input(...)`, or any other symbolic tensors, singly, in a list or a record. */
  readonly inputs?: I
  /** What the model gives, singly, in a list or a record. */
  readonly outputs?: O
}

/** How a model is exported. */
export interface ExportOptions extends OnnxOptions {
  readonly format?: 'onnx'
}

/**
 * A model from a graph of layers, or by subclassing.
 *
 * @example
 * const x = Input({ shape: [784] })
 * const model = new Model({ inputs: x, outputs: layers.dense(10)(layers.dense(64, { activation: 'relu' })(x)) })
 *
 * class Block extends Model {
 *   hidden = new layers.Dense(64, { activation: 'relu' })
 *   answer = new layers.Dense(10)
 *   override call(x: Tensor) { return this.answer(this.hidden(x)) }
 * }
 */
export class Model<const I extends Symbols = Symbols, const O extends Symbols = Symbols> extends Trainable<I, O> {
  static override readonly className: string = 'Model'
  /** For the compiler only: it compares models of different structures by what they do. */
  declare readonly '~structure'?: { readonly [K in keyof I]?: unknown } & { readonly [K in keyof O]?: unknown }
  static override readonly readsLayers: boolean = true
  readonly #graph: ModelGraph | undefined

  constructor(options: ModelOptions<I, O> = {}) {
    const { inputs, outputs, ...own } = options
    const isGraph = inputs !== undefined || outputs !== undefined
    super({ ...own, name: own.name ?? (isGraph && new.target === Model ? autoName('Functional') : undefined) })
    if (!isGraph) return
    if (inputs === undefined || outputs === undefined) {
      throw new ValueError({
        where: this.name,
        problem: 'a model needs inputs and outputs',
        received: `only ${inputs === undefined ? 'outputs' : 'inputs'}`,
      })
    }
    this.#graph = new ModelGraph(inputs, outputs, this.name)
    this.built = true
  }

  /** `Functional` for what is cut out of a graph, as in Keras's files. */
  override get className(): string {
    // While Layer's constructor runs there are no fields yet.
    const isPlain = (this.constructor as unknown) === Model
    return isPlain && #graph in this && this.#graph !== undefined ? 'Functional' : super.className
  }

  override get module(): string {
    if (this.className === 'Functional') return 'keras.src.models.functional'
    return this.constructor === Model ? 'keras' : ''
  }

  /** The graph it was cut out of; undefined for a model with its own `call`. */
  get graph(): ModelGraph | undefined {
    return this.#graph
  }

  /** Its symbolic inputs. */
  get inputs(): readonly KerasTensor[] {
    return this.#requireGraph('inputs').inputs
  }

  /** Its symbolic outputs. */
  get outputs(): readonly KerasTensor[] {
    return this.#requireGraph('outputs').outputs
  }

  override get input(): Tree<KerasTensor> {
    return this.#requireGraph('input').inputTree
  }

  override get output(): Tree<KerasTensor> {
    return this.#requireGraph('output').outputTree
  }

  /** Shapes of the inputs, batch first, in their structure. */
  get inputShape(): Tree<PartialShape> {
    return shapesOf(this.#requireGraph('inputShape').inputTree)
  }

  /** Shapes of the outputs, batch first, in their structure. */
  get outputShape(): Tree<PartialShape> {
    return shapesOf(this.#requireGraph('outputShape').outputTree)
  }

  override get inputNames(): readonly string[] | undefined {
    return this.graph?.inputNames
  }

  override get outputNames(): readonly string[] | undefined {
    return this.graph?.outputNames
  }

  override get inputSymbols(): readonly KerasTensor[] | undefined {
    return this.graph?.inputs
  }

  override get outputSymbols(): readonly KerasTensor[] | undefined {
    return this.graph?.outputs
  }

  override get inputStructure(): Tree<KerasTensor> | undefined {
    return this.graph?.inputTree
  }

  override get outputStructure(): Tree<KerasTensor> | undefined {
    return this.graph?.outputTree
  }

  override numberings(arrays: Arrays): readonly Numbering[] {
    const { graph } = this
    const ofTargets = super.numberings(arrays)
    if (graph === undefined) return ofTargets
    const values = matchInputs(graph, arrays.x, 'inputs')
    const rows = graph.operations.flatMap((operation) =>
      !(operation instanceof Layer) || operation.rowCount === undefined
        ? []
        : operation.inboundNodes.flatMap(({ inputs: [symbol] }) => {
            const at = symbol === undefined ? -1 : graph.inputs.indexOf(symbol)
            const tensor = values[at] ?? null
            const where = `input '${graph.inputNames[at]}'`
            return tensor === null ? [] : [{ where, tensor, count: operation.rowCount as number, what: `rows of '${operation.name}'` }]
          }),
    )
    return [...rows, ...ofTargets]
  }

  #requireGraph(what: string): ModelGraph {
    if (this.graph !== undefined) return this.graph
    throw new GraphError({
      where: this.name,
      problem: `${what} is not defined: the model is not a graph of layers, or not built`,
      hint: 'make it with Input(...), or build it with build(shape) if it is a Sequential',
    })
  }

  /** All layers in it, input layers included, from the inputs to the outputs. */
  get layers(): Layer[] {
    return this.sublayers
  }

  override get sublayers(): Layer[] {
    const { graph } = this
    if (graph === undefined) return super.sublayers
    const inGraph = graph.operations.filter((operation) => operation instanceof Layer)
    return [...inGraph, ...super.sublayers.filter((layer) => !inGraph.includes(layer))]
  }

  /**
   * The layer of that name, or at that place.
   *
   * @throws ValueError that offers the nearest names.
   */
  getLayer(nameOrIndex: string | number): Layer {
    const { layers } = this
    const found = typeof nameOrIndex === 'number' ? layers.at(nameOrIndex) : layers.find(({ name }) => name === nameOrIndex)
    if (found !== undefined) return found
    const names = layers.map(({ name }) => name)
    const [near] = typeof nameOrIndex === 'string' ? nearest(nameOrIndex, names) : []
    throw new ValueError({
      where: this.name,
      problem: typeof nameOrIndex === 'number' ? `there is no layer ${nameOrIndex}` : `there is no layer called '${nameOrIndex}'`,
      expected: typeof nameOrIndex === 'number' ? `an index below ${names.length}` : `one of ${names.join(', ')}`,
      ...(near !== undefined && { hint: `did you mean '${near}'?` }),
    })
  }

  override call(...args: readonly unknown[]): TensorsOf<O> {
    const graph = this.#graph
    return (graph === undefined ? super.call(...args) : runGraph(graph, args)) as TensorsOf<O>
  }

  /**
   * As Keras writes it: a graph as its layers and their calls; for a model with its own `call`, the options of its class
   * (see `configTable`).
   */
  override getConfig(): Record<string, unknown> {
    return this.#graph === undefined ? super.getConfig() : { ...functionalConfig(this.#graph, this.name, this.trainable) }
  }

  /** The model that `getConfig` described, with new weights. */
  static override fromConfig(config: Readonly<Record<string, unknown>>, customObjects: CustomObjects = {}): Layer {
    // biome-ignore lint/complexity/noThisInStatic: the class that it is called on
    if (!isFunctionalConfig(config)) return super.fromConfig(deserializeLayersIn(config, customObjects) as Record<string, unknown>)
    const { name, trainable, layers, input_layers, output_layers, ...rest } = config
    const ends = whileReading(() => readFunctional(config, customObjects))
    return new this({ ...decodeConfig({}, rest), ...ends, name, trainable: trainable ?? true })
  }

  override serialize(): SerializedLayer {
    return whileWriting(() => Object.assign(super.serialize(), { compile_config: this.getCompileConfig() }))
  }

  /** The options of `compile` as Keras writes them; empty when it is not compiled. */
  getCompileConfig(): Record<string, unknown> {
    const { optimizer, compileOptions: options } = this
    return optimizer === null || options === null ? {} : compileConfig(optimizer, options)
  }

  /**
   * Compiles with what `getCompileConfig` wrote, and makes the optimizer's state. A model with a `compile` of its own
   * overrides both.
   */
  compileFromConfig(config: Readonly<Record<string, unknown>>): void {
    if (this.compile !== Trainable.prototype.compile) {
      console.warn(
        `ondol: '${this.name}' is not compiled as it was: its class has a compile() of its own. Override getCompileConfig() and compileFromConfig(config), or call compile() after loading.`,
      )
      return
    }
    this.compile(compileOptions(config) as CompileOptionsOf<O>)
    if (this.built) this.optimizer?.build(this.trainableVariables)
  }

  /**
   * Saves the model to a `.keras` file, as Keras 3 does: what it is made of, weights, how it was compiled, the state of
   * its optimizer. Without a path the bytes of the file come back.
   *
   * @throws SavingError when it cannot be saved; a file that was there before is then as it was.
   * @example
   * await model.save('model.keras')
   * const same = await loadModel('model.keras')
   */
  save(): Promise<Uint8Array>
  save(path: string | URL, options?: SaveOptions): Promise<void>
  async save(...args: [path?: string | URL, options?: SaveOptions]): Promise<unknown> {
    const { saveModel } = await import('../saving/model-file.js')
    return saveModel(this, ...(args as [string]))
  }

  /** Saves the weights, and the state of the optimizer, to a `.weights.h5` file; without a path the bytes come back. */
  saveWeights(): Promise<Uint8Array>
  saveWeights(path: string | URL, options?: SaveWeightsOptions): Promise<void>
  async saveWeights(...args: [path?: string | URL, options?: SaveWeightsOptions]): Promise<unknown> {
    const { saveWeights } = await import('../saving/weights-file.js')
    return saveWeights(this, ...(args as [string]))
  }

  /**
   * Loads weights that fit this model, which must be built.
   *
   * @throws SavingError that says which weights do not fit, and how; nothing is changed then.
   */
  async loadWeights(from: Readable, options?: LoadOptions & LegacyOptions): Promise<void> {
    const { loadWeights } = await import('../saving/weights-file.js')
    return loadWeights(this, from, options)
  }

  /**
   * Exports what the model computes at inference, for other runtimes: an ONNX file, whose batch size, and whatever else
   * is `null`, is free. Without a path the bytes come back.
   *
   * @throws SavingError that names what ONNX cannot express.
   * @example
   * await model.export('model.onnx', { format: 'onnx' })
   */
  export(path?: undefined, options?: ExportOptions): Promise<Uint8Array>
  export(path: string | URL, options?: ExportOptions): Promise<void>
  async export(path?: string | URL, { format = 'onnx', ...options }: ExportOptions = {}): Promise<unknown> {
    if (format !== 'onnx')
      throw new ValueError({ where: this.name, problem: 'this format is not known', expected: "'onnx'", received: String(format) })
    const { exportOnnx } = await import('../onnx/export.js')
    return exportOnnx(this as Layer, path, options)
  }

  override getBuildConfig(): Record<string, unknown> | null {
    return this.#graph === undefined ? super.getBuildConfig() : { input_shape: null }
  }

  /** A model with its own `call` and no `build` is built by running it on symbols of the shapes that it was built with. */
  override buildFromConfig(config: Readonly<Record<string, unknown>> | null): void {
    const runs = !this.built && this.graph === undefined && (this.constructor as typeof Model).prototype.build === Layer.prototype.build
    if (runs && config !== null && Array.isArray(config.input_shape)) this.computeOutputShape(config.input_shape)
    else super.buildFromConfig(config)
  }

  /** What `JSON.stringify(model)` writes: all but the weights, as in Keras's files. */
  toJSON(): SerializedLayer {
    return this.serialize()
  }

  /**
   * The model as text in Keras's format, without its weights; `modelFromJson` reads it, and so does Keras.
   *
   * @example
   * const copy = modelFromJson(model.toJson())
   */
  toJson(): string {
    return formatJson(this.serialize(), this.name)
  }

  /** Masks come out of a model with its outputs, as its layers set them. */
  override computeMask(): null {
    return null
  }

  /**
   * Prints what the model is made of, in Keras's table: layers, output shapes, numbers of parameters, and,
   * if the graph is no chain, what is connected to what.
   */
  summary(options: SummaryOptions = {}): void {
    printSummary(this as unknown as Model, options)
  }
}

const shapesOf = (tree: Tree<KerasTensor>): Tree<PartialShape> => mapTree(tree, ({ shape }) => shape) as Tree<PartialShape>

registerLayerClass(Model)
registerLayerClass({
  className: 'Functional',
  name: 'Functional',
  readsLayers: true,
  fromConfig: (config, custom) => Model.fromConfig(config, custom),
})

/**
 * Runs a graph on the arguments of `call`: inputs in any structure are matched, and brought to the rank and dtype that
 * the graph was made for.
 */
export function runGraph(graph: ModelGraph, [inputs, options]: readonly unknown[]): Tree<Tensor> {
  const values = inputs as Tree<Tensor | null>
  if (isRecord(options) && options.mask != null) giveMasks(values, options.mask as Masks)
  const matched = matchInputs(graph, values, 'inputs')
  const { inputs: symbols, inputNames } = graph
  return graph.run(matched.map((value, i) => (value === null ? null : adapt(value, symbols[i] as KerasTensor, inputNames[i] as string))))
}

/** Masks come in the structure of the inputs. */
function giveMasks(inputs: Tree<Tensor | null>, masks: Masks): void {
  const list = flatten<Tensor | null>(masks)
  flatten(inputs).forEach((input, index) => {
    const mask = list[index] ?? null
    if (input !== null && mask !== null && maskOf(input) !== mask) setMask(input, mask)
  })
}

function adapt(value: Tensor, symbol: KerasTensor, name: string): Tensor {
  let x = value
  if (x.rank === symbol.rank + 1 && x.shape.at(-1) === 1) x = ops.squeeze(x, -1)
  else if (x.rank === symbol.rank - 1 && symbol.shape.at(-1) === 1) x = ops.expandDims(x, -1)
  if (x.rank !== symbol.rank || symbol.shape.some((size, axis) => axis > 0 && size !== null && size !== x.shape[axis])) {
    throw new ShapeError({
      where: `input '${name}'`,
      problem: 'the input does not have the shape that the model was made for',
      expected: formatShape(symbol.shape),
      received: formatShape(value.shape),
      ...(value.rank === symbol.rank - 1 && { hint: 'a batch comes first: to predict for one sample, pass it with ops.expandDims(x, 0)' }),
    })
  }
  // Floats stay in the compute dtype, to which the model's call has cast them.
  const isFloat = (dtype: string): boolean => dtype.includes('float')
  if (x.dtype !== symbol.dtype && !(isFloat(x.dtype) && isFloat(symbol.dtype))) x = ops.cast(x, symbol.dtype)
  const mask = maskOf(value)
  if (mask !== undefined && x !== value) setMask(x, mask)
  return x
}
