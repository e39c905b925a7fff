/**
 * The base of all layers: a callable object with weights. Follows `keras/src/layers/layer.py`.
 *
 * A call converts inputs to the compute dtype, checks them, builds the layer the first time, settles
 * `training` and masks, runs `call`, and on symbolic tensors records a node of the model's graph.
 */
import { INVOKE } from '../core/callable.js'
import { type CustomObjects, getRegisteredName } from '../core/custom-objects.js'
import { isFloat } from '../core/dtype.js'
import { GraphError, OndolError, ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import type { PartialShape } from '../core/shape.js'
import { flatten, mapTree, type Tree } from '../core/tree.js'
import { lax, Tensor, withAutocast, withoutTapes, withoutTrace, withScope } from '../engine/index.js'
import type { TensorLike } from '../ops/define.js'
import { autoName } from '../ops/naming.js'
import { isSymbolic, KerasTensor, type Operation, recordCall, type SymbolicNode, symbolicInputs, symbolicOutput } from '../ops/operation.js'
import * as regularizers from '../regularizers/index.js'
import { type CallContext, currentCall, insideLayer, withCall } from './call-context.js'
import { type ConfigTable, decodeConfig, encodeConfig } from './config-table.js'
import { convertInput, isRecord } from './convert.js'
import { type DTypePolicyLike, getDtypePolicy } from './dtype-policy.js'
import { assertInputCompatibility, type InputSpec } from './input-spec.js'
import { LayerState } from './layer-state.js'
import { anyMaskOf, type Masks, masksOf, setMask } from './masks.js'
import { markIfShared, type SerializedLayer } from './sharing.js'
import { type StatelessOutcome, statelessCall } from './stateless.js'

/** Options that every layer takes. */
export interface LayerOptions {
  /** Default: the class's name in snake case, numbered. */
  readonly name?: string | undefined
  /** A dtype or policy for weights and computation. Default: the global policy. */
  readonly dtype?: DTypePolicyLike | undefined
  /** Whether its weights are trained. Default true. */
  readonly trainable?: boolean | undefined
  /** Whether float inputs and weights are cast to the compute dtype. Default true. */
  readonly autocast?: boolean | undefined
  /** A penalty on the outputs. */
  readonly activityRegularizer?: regularizers.RegularizerLike | undefined
  /** Shape of the input without the batch: for the first layer of a `Sequential`. Prefer an `Input`. */
  readonly inputShape?: PartialShape | undefined
}

/** What `call` gets besides its inputs. */
export interface CallOptions {
  /** Whether this is training; in `call` always settled. */
  readonly training?: boolean | undefined
  /** Mask of the first input, in its structure. Those of several arguments: see `callArguments`. */
  readonly mask?: Masks | null | undefined
  /** Options of the layer's own. */
  readonly [option: string]: unknown
}

/** What calling a layer gives: one tensor, unless its own `call` never gives that. */
type Called<L, T> = L extends { call(...args: never[]): infer R } ? (Tensor extends R ? T : WithLeaves<R, T>) : T
/** The structure `R` with `T` in the place of tensors. */
type WithLeaves<R, T> = R extends Tensor ? T : { [K in keyof R]: WithLeaves<R[K], T> }

export interface Layer {
  // `NoInfer`: what comes out does not depend on what it is passed to.
  /** Symbolic in, symbolic out: a node of a model. Options come last, as a plain record. */
  <Out = Called<this, KerasTensor>>(inputs: Tree<KerasTensor>, ...rest: (Tree<KerasTensor | null> | CallOptions)[]): NoInfer<Out>
  /** Computes. Numbers and arrays are converted to tensors. */
  <Out = Called<this, Tensor>>(inputs: Tree<TensorLike>, ...rest: (Tree<TensorLike | null> | CallOptions)[]): NoInfer<Out>
}

const BASE_OPTIONS = ['name', 'dtype', 'trainable', 'autocast', 'activityRegularizer', 'inputShape'] as const

/**
 * A layer of your own: make weights in `build`, compute in `call`.
 *
 * @example
 * class Scale extends layers.Layer {
 *   scale!: Variable
 *   override build(shape: PartialShape) { this.scale = this.addWeight({ name: 'scale', shape: [shape.at(-1)!], initializer: 'ones' }) }
 *   override call(x: Tensor) { return ops.multiply(x, this.scale) }
 * }
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
export class Layer extends LayerState implements Operation {
  /** Keras's name of the class. A class without its own goes by its JavaScript name. */
  static readonly className: string = 'Layer'
  /** Options that `getConfig` writes and `fromConfig` reads, in Keras's order. */
  static readonly configTable: ConfigTable = {}
  /**
   * What the positional arguments of `call` are called, where there are several tensors: the mask of `query` then comes to
   * `call` as its option `queryMask`. A tensor among the options brings its mask along without that.
   */
  static readonly callArguments: readonly string[] = []
  /** Options that the constructor takes by position, before the record. */
  static readonly positional: readonly string[] = []
  /** Has nothing to build: is built as soon as made, unless a subclass overrides `build`. */
  static readonly isStateless: boolean = false
  /** Whether a call is taken for training when nobody says. */
  static readonly trainsByDefault: boolean = false
  /** Whether `fromConfig` makes the layers in its config itself. */
  static readonly readsLayers: boolean = false
  /** Keras's names of what `build` takes, where that is several shapes. */
  static readonly buildArguments: readonly string[] = []

  readonly autocast: boolean
  readonly activityRegularizer: regularizers.Regularizer | null
  /** The option `inputShape`, for `Sequential`. */
  readonly givenInputShape: PartialShape | undefined
  /** What inputs must look like; one for each, in order. */
  inputSpec: InputSpec | readonly (InputSpec | null)[] | null = null
  /** Whether a mask that comes in goes on to the output (see `computeMask`). */
  supportsMasking: boolean

  // Private: nodes lead to other layers, which are not sub-layers.
  readonly #inboundNodes: SymbolicNode[] = []
  #buildShapes: readonly unknown[] | undefined
  /** As read from a file, which may name shapes that are not known here. */
  #givenBuildConfig: Readonly<Record<string, unknown>> | undefined
  readonly #hasOwnBuild: boolean
  #hasWarnedOfMask = false

  constructor(options: LayerOptions = {}) {
    const { name, dtype, trainable = true, autocast = true, activityRegularizer = null, inputShape } = options
    const Class = new.target as typeof Layer
    super(name ?? autoName(Class.prototype.className), getDtypePolicy(dtype), trainable)
    refuseUnknownOptions(this.name, options, BASE_OPTIONS, [...Object.keys(Class.configTable), ...BASE_OPTIONS])
    if (typeof this.name !== 'string' || this.name.includes('/')) {
      throw new ValueError({ where: this.className, problem: "a layer's name must be a string without '/'", received: String(name) })
    }
    this.autocast = autocast
    this.activityRegularizer = regularizers.get(activityRegularizer)
    this.givenInputShape = inputShape
    this.supportsMasking = this.computeMask !== Layer.prototype.computeMask
    this.built = Class.isStateless && this.build === Layer.prototype.build
    // Whoever calls build(), it runs the same way; `super.build(…)` still finds the classes' own.
    const ownBuild = this.build
    this.#hasOwnBuild = ownBuild !== Layer.prototype.build
    const build = (...shapes: unknown[]): void =>
      this.#runBuild(() => (this.#hasOwnBuild ? ownBuild.apply(this, shapes) : this.#buildByCalling(shapes)), shapes)
    Object.defineProperty(this, 'build', { value: build, enumerable: false, writable: true, configurable: true })
  }

  // ---- what subclasses define ----

  /** Makes the weights, given the shape (in the structure of the input) of each positional argument. */
  build(..._shapes: readonly unknown[]): void {}

  /** Computes: positional arguments as called, then the options. */
  call(..._args: readonly unknown[]): Tree<Tensor> {
    throw new GraphError({ problem: `the class ${this.className} has no call method`, hint: 'define call(inputs, options) in it' })
  }

  /** How many rows the table has from which its inputs, whole numbers, pick; undefined for layers that have none. */
  get rowCount(): number | undefined {
    return undefined
  }

  /** The outputs' masks, given the inputs and their masks. */
  computeMask(_inputs: Tree<Tensor>, previousMask: Masks | null): Masks | null {
    return previousMask
  }

  // ---- identity ----

  get className(): string {
    const ownClass = this.constructor as typeof Layer
    return Object.hasOwn(ownClass, 'className') ? ownClass.className : ownClass.name
  }

  /** Python module of the class: Keras's own, or none. */
  get module(): string {
    return Object.hasOwn(this.constructor, 'className') ? 'keras.layers' : ''
  }

  /** Its calls on symbolic tensors. */
  get inboundNodes(): SymbolicNode[] {
    return this.#inboundNodes
  }

  /** The symbolic input of its first call. Later calls are in `inboundNodes`. */
  get input(): Tree<KerasTensor> {
    const { inputs } = this.#firstNode('input')
    return inputs.length === 1 ? (inputs[0] as KerasTensor) : inputs
  }

  /** The symbolic output of its first call. Later calls are in `inboundNodes`. */
  get output(): Tree<KerasTensor> {
    return this.#firstNode('output').output
  }

  #firstNode(what: string): SymbolicNode {
    const [node] = this.#inboundNodes
    if (node !== undefined) return node
    throw new GraphError({
      where: this.name,
      problem: `${what} is not defined: it was never called on symbolic tensors`,
      hint: 'call it on an Input, or on what another layer makes of one',
    })
  }
  // ---- building ----

  #runBuild(ownBuild: () => void, shapes: readonly unknown[]): void {
    this.#buildShapes ??= shapes
    this.building(() => insideLayer(this, () => withoutTrace(() => withAutocast(undefined, ownBuild))))
  }

  /** Builds with the shapes of these arguments, if that has not been done. */
  #ensureBuilt(args: readonly unknown[]): void {
    if (this.built) return
    const anyBatch = this.buildsForAnyBatch
    const shapeOf = (leaf: unknown): unknown => {
      if (!(leaf instanceof Tensor || leaf instanceof KerasTensor)) return null
      return anyBatch && leaf.shape.length > 0 ? [null, ...leaf.shape.slice(1)] : [...leaf.shape]
    }
    const shapes = args.map((arg) => mapTree(arg as Tree<unknown>, shapeOf))
    // Without a build of its own, the call builds what is in it.
    if (this.#hasOwnBuild) this.build(...shapes)
    else this.#runBuild(() => {}, shapes)
  }

  /** Builds the layers inside by a call on symbols of these shapes. */
  #buildByCalling(shapes: readonly unknown[]): void {
    if (this.built || shapes.length === 0 || shapes.some((shape) => shape === null || shape === undefined)) return
    try {
      this.#describe(
        shapes.map((shape) => this.#symbolOf(shape)),
        {},
      )
    } catch (error) {
      // With nothing left to build, it may be that it can only be called on real data.
      if (this.sublayers.some((layer) => !layer.built)) throw error
    }
  }

  /** Whether a call builds it with `null` for the batch size, or with that of the data at hand. */
  protected get buildsForAnyBatch(): boolean {
    return currentCall()?.batchIsUnknown === true
  }

  /** What `buildFromConfig` needs to build the same weights. */
  getBuildConfig(): Record<string, unknown> | null {
    if (this.#givenBuildConfig !== undefined) return { ...this.#givenBuildConfig }
    if (this.#buildShapes === undefined) return null
    const shapes = this.#buildShapes
    if (shapes.length === 1) return { input_shape: shapes[0] }
    const names = (this.constructor as typeof Layer).buildArguments
    if (names.length === 0) return { shapes }
    return { shapes_dict: Object.fromEntries(shapes.map((shape, i) => [names[i], shape])) }
  }

  buildFromConfig(config: Readonly<Record<string, unknown>> | null): void {
    if (config === null) return
    if (this.#buildShapes === undefined) this.#givenBuildConfig = config
    if (this.built) return
    if ('input_shape' in config) this.build(config.input_shape)
    else if ('shapes' in config) this.build(...(config.shapes as unknown[]))
    else if ('shapes_dict' in config) this.build(...Object.values(config.shapes_dict as object))
  }

  // ---- calling ----

  override [INVOKE](...args: unknown[]): unknown {
    const last = args.at(-1)
    const hasOptions = args.length > 1 && isRecord(last)
    const inputs = hasOptions ? args.slice(0, -1) : args
    const options = hasOptions ? last : {}
    if (symbolicInputs(inputs, options).length === 0) return this.callOn(inputs, options)
    return this.#explain(() => this.#callSymbolically(inputs, options))
  }

  /** Runs it on tensors: positional arguments, and the options of the call. */
  callOn(args: readonly unknown[], options: Readonly<Record<string, unknown>> = {}): Tree<Tensor> {
    return this.#explain(() => this.#callOnTensors(args, options))
  }

  /**
   * Calls it with these values of its Variables, and changes none: the outputs, the new values of the non-trainable
   * Variables, and with the option `returnLosses: true` the losses.
   *
   * @throws GraphError when it is not built; ValueError, ShapeError when the values do not fit.
   * @example
   * const [y, state] = layer.statelessCall(weights, state0, x, { training: true })
   */
  statelessCall(trainableVariables: readonly Tensor[], nonTrainableVariables: readonly Tensor[], ...args: unknown[]): StatelessOutcome {
    return statelessCall(this, trainableVariables, nonTrainableVariables, args)
  }

  /** Says in errors that it happened in here. */
  #explain<R>(body: () => R): R {
    try {
      return body()
    } catch (error) {
      // What is wrong with the layer itself, it has said under its own name.
      throw error instanceof OndolError && error.where !== this.name ? error.within(this.name) : error
    }
  }

  #callOnTensors(args: readonly unknown[], options: Readonly<Record<string, unknown>>): Tree<Tensor> {
    const inputs = args.map((arg) => convertInput(arg, (x) => this.#castFloat(x)))
    if (this.inputSpec !== null) assertInputCompatibility(this.inputSpec, inputs[0] as Tree<unknown>)
    this.#ensureBuilt(inputs)
    const outer = currentCall()
    if (outer === undefined) this.clearLosses()
    const given = (options.training as boolean | null | undefined) ?? outer?.training
    const training = given ?? (this.constructor as typeof Layer).trainsByDefault
    const mask = (options.mask as Masks | null | undefined) ?? masksOf(inputs[0] as Tree<unknown>)
    const ownOptions = this.#castFloats(options)
    const callOptions: CallOptions = { ...ownOptions, ...this.#masksByArgument(inputs, ownOptions), training, mask }
    const context: CallContext = { training: given, batchIsUnknown: outer?.batchIsUnknown ?? false }
    const { computeDtype, variableDtype } = this
    const autocast = this.autocast && isFloat(computeDtype) && computeDtype !== variableDtype ? computeDtype : undefined
    return withCall(context, () =>
      insideLayer(this, () =>
        withScope(this.name, () => {
          const outputs = withAutocast(autocast, () => this.call(...inputs, callOptions))
          this.built = true
          this.#penalizeActivity(outputs)
          this.#passMasks(inputs[0] as Tree<Tensor>, outputs, mask)
          return outputs
        }),
      ),
    )
  }

  /** `<argument>Mask` for each argument with a mask, unless the caller gives one. */
  #masksByArgument(inputs: readonly unknown[], options: Readonly<Record<string, unknown>>): Record<string, Masks> {
    const { callArguments } = this.constructor as typeof Layer
    const byName = [...callArguments.map((name, i) => [name, inputs[i]] as const), ...Object.entries(options)]
    return Object.fromEntries(
      byName.flatMap(([name, value]) => {
        const masks = options[`${name}Mask`] == null ? masksOf(value as Tree<unknown>) : null
        return masks === null ? [] : [[`${name}Mask`, masks]]
      }),
    )
  }

  #castFloats(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const cast = (leaf: unknown): unknown => (leaf instanceof Tensor ? this.#castFloat(leaf) : leaf)
    return mapTree(options as Tree<unknown>, cast) as Record<string, unknown>
  }

  #castFloat(x: Tensor): Tensor {
    if (!this.autocast || !isFloat(x.dtype) || x.dtype === this.computeDtype) return x
    const cast = lax.cast(x, this.computeDtype)
    const mask = anyMaskOf(x)
    if (mask instanceof Tensor) setMask(cast, mask)
    return cast
  }

  #penalizeActivity(outputs: Tree<Tensor>): void {
    if (this.activityRegularizer === null) return
    for (const output of flatten(outputs)) {
      const penalty = this.activityRegularizer(output)
      // Per sample, so that its strength does not depend on the batch size.
      const batch = output.rank > 0 ? (output.shape[0] as number) : 1
      this.addLoss(lax.withNumber(penalty, lax.mul, batch === 0 ? 0 : 1 / batch))
    }
  }

  #passMasks(inputs: Tree<Tensor>, outputs: Tree<Tensor>, previous: Masks | null): void {
    const leaves = flatten(outputs)
    // An input that comes back as it is has its mask.
    if (leaves.every((leaf) => anyMaskOf(leaf) !== undefined)) return
    if (!this.supportsMasking) {
      if (previous !== null && flatten(previous).some((mask) => mask !== null)) this.#warnOfMask()
      return
    }
    const masks = this.computeMask(inputs, previous)
    if (masks === null || masks === undefined) return
    const list = flatten<Tensor | null>(masks)
    leaves.forEach((leaf, index) => {
      const mask = list[index]
      if (mask !== null && mask !== undefined && anyMaskOf(leaf) === undefined) setMask(leaf, mask)
    })
  }

  #warnOfMask(): void {
    if (this.#hasWarnedOfMask) return
    this.#hasWarnedOfMask = true
    console.warn(
      `Layer '${this.name}' (${this.className}) got an input with a mask, but does not support masking: layers after it will not see the mask.`,
    )
  }

  #callSymbolically(args: readonly unknown[], options: Readonly<Record<string, unknown>>): Tree<KerasTensor> {
    if (this.inputSpec !== null) assertInputCompatibility(this.inputSpec, args[0] as Tree<unknown>)
    this.#ensureBuilt(args)
    const { output, masks } = this.#describe(args, options)
    flatten(output).forEach((tensor, index) => {
      tensor.mask = masks[index]
    })
    // A copy of the structure: lists that the caller changes later must not change the graph.
    recordCall(this, mapTree(args as Tree<unknown>, (leaf) => leaf) as unknown[], { ...options }, output)
    return output
  }

  /** Symbolic outputs and their masks, found by running on abstract tensors. */
  #describe(
    args: readonly unknown[],
    options: Readonly<Record<string, unknown>>,
  ): { output: Tree<KerasTensor>; masks: (KerasTensor | undefined)[] } {
    const masked = flatten([args, options] as Tree<unknown>).map((leaf) => (isSymbolic(leaf) ? leaf.mask : undefined))
    const present = masked.filter((mask) => mask !== undefined)
    const batchIsUnknown = symbolicInputs(args, options).some(({ shape }) => shape[0] === null)
    let hasMask: boolean[] = []
    const described = symbolicOutput(this.name, [args, present], options, (abstract, abstractOptions) => {
      const [inner, innerMasks] = abstract as [unknown[], Tensor[]]
      const leaves = flatten([inner, abstractOptions] as Tree<unknown>)
      let next = 0
      masked.forEach((mask, index) => {
        if (mask !== undefined) setMask(leaves[index] as Tensor, innerMasks[next++] as Tensor)
      })
      const context = currentCall() ?? { training: undefined, batchIsUnknown }
      const output = withCall({ ...context, batchIsUnknown }, () => withoutTapes(() => this.#callOnTensors(inner, abstractOptions)))
      const outputMasks = flatten(output).map((leaf) => anyMaskOf(leaf) as Tensor | undefined)
      hasMask = outputMasks.map((mask) => mask !== undefined)
      return { output, masks: outputMasks.filter((mask) => mask !== undefined) }
    }) as { output: Tree<KerasTensor>; masks: KerasTensor[] }
    let next = 0
    return { output: described.output, masks: hasMask.map((has) => (has ? described.masks[next++] : undefined)) }
  }

  /** The shape that comes out for a shape that goes in; `null` sizes allowed. */
  computeOutputShape(inputShape: Tree<number | null>): Tree<PartialShape> {
    return mapTree(
      this.computeOutputSpec(this.#symbolOf(inputShape)),
      ({ shape }) => shape as unknown as PartialShape,
    ) as Tree<PartialShape>
  }

  #symbolOf(shape: unknown): Tree<KerasTensor> {
    if (Array.isArray(shape) && shape.every((size) => size === null || typeof size === 'number'))
      return new KerasTensor(shape, { dtype: this.computeDtype, name: 'shape' })
    if (Array.isArray(shape)) return shape.map((item) => this.#symbolOf(item))
    return Object.fromEntries(Object.entries(shape as object).map(([key, item]) => [key, this.#symbolOf(item)]))
  }

  /** The symbolic outputs for symbolic inputs, without recording a call. */
  computeOutputSpec(inputs: Tree<KerasTensor>, options: CallOptions = {}): Tree<KerasTensor> {
    return this.#explain(() => {
      this.#ensureBuilt([inputs])
      return this.#describe([inputs], options).output
    })
  }

  // ---- configs ----

  /** Its options in Keras's spelling: what `fromConfig` makes the same layer of. */
  getConfig(): Record<string, unknown> {
    const { configTable } = this.constructor as typeof Layer
    return {
      name: this.name,
      trainable: this.trainable,
      dtype: this.dtypePolicy.serialize(),
      ...(this.activityRegularizer !== null && { activity_regularizer: regularizers.serialize(this.activityRegularizer) }),
      ...encodeConfig(configTable, this),
    }
  }

  /** A layer as `getConfig` described it. */
  static fromConfig(config: Readonly<Record<string, unknown>>, _customObjects?: CustomObjects): Layer {
    // biome-ignore lint/complexity/noThisInStatic: the class that it is called on, with its own table
    const Class = this as unknown as typeof Layer & (new (...args: unknown[]) => Layer)
    const { batch_input_shape: legacyShape, ...rest } = config
    const options = decodeConfig({ activityRegularizer: 'regularizer', ...Class.configTable }, rest)
    if (Array.isArray(legacyShape)) options.inputShape = legacyShape.slice(1)
    const named = Object.fromEntries(Object.entries(options).filter(([name]) => !Class.positional.includes(name)))
    return new Class(...Class.positional.map((name) => options[name]), named)
  }

  /** As Keras writes it to files: class, config and what it was built with. */
  serialize(): SerializedLayer {
    const { module } = this
    const buildConfig = this.getBuildConfig()
    const isPublic = /^keras(\.layers)?$/.test(module)
    return markIfShared(this as Layer, {
      module: module === '' ? null : module,
      class_name: this.className,
      config: this.getConfig(),
      registered_name: isPublic ? null : module === '' ? getRegisteredName(this.constructor) : this.className,
      ...(buildConfig !== null && { build_config: buildConfig }),
    })
  }

  override toString(): string {
    return `<${this.className} name=${this.name}, built=${this.built}>`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}
