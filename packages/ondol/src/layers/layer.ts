/**
 * The base of all layers: a callable object with weights. Follows `keras/src/layers/layer.py`.
 *
 * A call converts inputs to the compute dtype, checks them, builds the layer the first time, settles
 * `training` and masks, runs `call`, and on symbolic tensors records a node of the model's graph.
 */
import * as constraints from '../constraints/index.js'
import { Callable, INVOKE } from '../core/callable.js'
import { type DType, isFloat } from '../core/dtype.js'
import { GraphError, OndolError, ShapeError, ValueError } from '../core/errors.js'
import { formatShape, type PartialShape, type Shape, sameShape, sizeOf } from '../core/shape.js'
import type { SerializedObject } from '../core/spelling.js'
import { flatten, mapTree, type Tree } from '../core/tree.js'
import { lax, Tensor, Variable, withAutocast, withoutTapes, withoutTrace, withScope } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import { autoName } from '../ops/naming.js'
import { isSymbolic, KerasTensor, type Operation, recordCall, type SymbolicNode, symbolicInputs, symbolicOutput } from '../ops/operation.js'
import type { SeedGenerator } from '../ops/random.js'
import * as regularizers from '../regularizers/index.js'
import { type CallContext, currentCall, currentPath, insideLayer, withCall } from './call-context.js'
import { type ConfigTable, decodeConfig, encodeConfig, refuseUnknownOptions } from './config-table.js'
import { type DTypePolicy, type DTypePolicyLike, getDtypePolicy } from './dtype-policy.js'
import { assertInputCompatibility, type InputSpec } from './input-spec.js'
import { anyMaskOf, type Masks, masksOf, setMask } from './masks.js'
import { distinct, findState } from './state.js'

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
  /** Mask of the first input, in its structure. */
  readonly mask?: Masks | null | undefined
  /** Options of the layer's own. */
  readonly [option: string]: unknown
}

export interface WeightOptions {
  readonly name?: string
  /** Default `[]`, a scalar. */
  readonly shape?: Shape
  /** Default `glorotUniform` for floats, `zeros` for the rest. */
  readonly initializer?: initializers.InitializerLike
  /** Default: the layer's variable dtype. */
  readonly dtype?: DType
  readonly trainable?: boolean
  readonly autocast?: boolean
  readonly regularizer?: regularizers.RegularizerLike
  readonly constraint?: constraints.ConstraintLike
}

export interface Layer {
  /** Symbolic in, symbolic out: a node of a model. Options come last, as a plain record. */
  <Out extends Tree<KerasTensor> = KerasTensor>(inputs: Tree<KerasTensor>, ...rest: (Tree<KerasTensor | null> | CallOptions)[]): Out
  /** Computes. Numbers and arrays are converted to tensors. */
  <Out extends Tree<Tensor> = Tensor>(inputs: Tree<TensorLike>, ...rest: (Tree<TensorLike | null> | CallOptions)[]): Out
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
export class Layer extends Callable implements Operation {
  /** Keras's name of the class. A class without its own goes by its JavaScript name. */
  static readonly className: string = 'Layer'
  /** Options that `getConfig` writes and `fromConfig` reads, in Keras's order. */
  static readonly configTable: ConfigTable = {}
  /** Options that the constructor takes by position, before the record. */
  static readonly positional: readonly string[] = []
  /** Has nothing to build: is built as soon as made, unless a subclass overrides `build`. */
  static readonly isStateless: boolean = false

  readonly name: string
  readonly autocast: boolean
  readonly activityRegularizer: regularizers.Regularizer | null
  /** `inputShape` as given, for `Sequential`. */
  readonly inputShape: PartialShape | undefined
  /** What inputs must look like; one for each, in order. */
  inputSpec: InputSpec | readonly (InputSpec | null)[] | null = null
  /** Whether a mask that comes in goes on to the output (see `computeMask`). */
  supportsMasking: boolean

  // Private state is not enumerable, so it is not taken for sub-layers.
  #dtypePolicy: DTypePolicy
  #trainable: boolean
  #built = false
  #buildShapes: readonly unknown[] | undefined
  /** Set when state may no longer be added: the sub-layers known by then. */
  #locked: ReadonlySet<Layer> | undefined
  #isBuilding = false
  #hasWarnedOfMask = false
  readonly #weights: Variable[] = []
  /** Weights that were made trainable: they are listed first, whatever is frozen later. */
  readonly #madeTrainable = new Set<Variable>()
  readonly #inboundNodes: SymbolicNode[] = []
  #losses: Tensor[] = []

  constructor(options: LayerOptions = {}) {
    super()
    const { name, dtype, trainable = true, autocast = true, activityRegularizer = null, inputShape } = options
    this.name = name ?? autoName(this.className)
    refuseUnknownOptions(this.name, options as Record<string, unknown>, BASE_OPTIONS)
    if (typeof this.name !== 'string' || this.name.includes('/')) {
      throw new ValueError({ where: this.className, problem: "a layer's name must be a string without '/'", received: String(name) })
    }
    this.autocast = autocast
    this.activityRegularizer = regularizers.get(activityRegularizer)
    this.inputShape = inputShape
    this.#dtypePolicy = getDtypePolicy(dtype)
    this.#trainable = trainable
    this.supportsMasking = this.computeMask !== Layer.prototype.computeMask
    this.#built = (new.target as typeof Layer).isStateless && this.build === Layer.prototype.build
    // Whoever calls build(), it runs the same way; `super.build(…)` still finds the classes' own.
    const ownBuild = this.build
    Object.defineProperty(this, 'build', {
      value: (...shapes: unknown[]) => this.#runBuild(ownBuild, shapes),
      enumerable: false,
      writable: true,
      configurable: true,
    })
  }

  // ---- what subclasses define ----

  /** Makes the weights, given the shape (in the structure of the input) of each positional argument. */
  build(..._shapes: readonly unknown[]): void {}

  /** Computes: positional arguments as called, then the options. */
  call(..._args: readonly unknown[]): Tree<Tensor> {
    throw new GraphError({ problem: `the class ${this.className} has no call method`, hint: 'define call(inputs, options) in it' })
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

  get dtypePolicy(): DTypePolicy {
    return this.#dtypePolicy
  }

  /** Dtype of the weights. */
  get dtype(): DType {
    return this.#dtypePolicy.variableDtype
  }

  get variableDtype(): DType {
    return this.#dtypePolicy.variableDtype
  }

  get computeDtype(): DType {
    return this.#dtypePolicy.computeDtype
  }

  /** Has its weights. */
  get built(): boolean {
    return this.#built
  }

  set built(value: boolean) {
    this.#built = value
  }

  /** Its calls on symbolic tensors. */
  get inboundNodes(): SymbolicNode[] {
    return this.#inboundNodes
  }

  /** The symbolic input of its only call. */
  get input(): Tree<KerasTensor> {
    const { inputs } = this.#onlyNode('input')
    return inputs.length === 1 ? (inputs[0] as KerasTensor) : inputs
  }

  /** The symbolic output of its only call. */
  get output(): Tree<KerasTensor> {
    return this.#onlyNode('output').output
  }

  #onlyNode(what: string): SymbolicNode {
    const [node, ...others] = this.#inboundNodes
    if (node !== undefined && others.length === 0) return node
    const problem = node === undefined ? 'it was never called on symbolic tensors' : `it was called ${others.length + 1} times`
    throw new GraphError({ where: this.name, problem: `${what} is not defined: ${problem}`, hint: 'see inboundNodes' })
  }

  // ---- state ----

  /** Makes a weight. Belongs in the constructor or in `build`. */
  addWeight({
    name = 'variable',
    shape = [],
    initializer,
    dtype = this.variableDtype,
    trainable = true,
    autocast = true,
    regularizer = null,
    constraint = null,
  }: WeightOptions = {}): Variable {
    this.#requireUnlocked(`weight '${name}'`)
    if (shape.some((size) => !Number.isInteger(size))) {
      throw new ShapeError({
        where: this.name,
        problem: `the shape of weight '${name}' is not known`,
        received: formatShape(shape),
        hint: 'give the sizes in Input, or build the layer with them',
      })
    }
    const initialize = initializers.get(initializer ?? (isFloat(dtype) ? 'glorot_uniform' : 'zeros'))
    const variable = new Variable(() => withoutTapes(() => initialize(shape, dtype)), {
      name,
      trainable: trainable && this.#trainable,
      autocast,
    })
    variable.path = insideLayer(this, () => `${currentPath()}/${name}`)
    variable.regularizer = regularizers.get(regularizer) ?? undefined
    variable.constraint = constraints.get(constraint) ?? undefined
    this.#weights.push(variable)
    if (trainable) this.#madeTrainable.add(variable)
    return variable
  }

  /** Layers in its fields, also in arrays and records of them. */
  get sublayers(): Layer[] {
    const { layers } = findState(this, isLayer)
    const late = this.#locked === undefined || this.#isBuilding ? undefined : layers.find((layer) => !this.#locked?.has(layer))
    if (late !== undefined) this.#requireUnlocked(`layer '${late.name}'`)
    return layers
  }

  #requireUnlocked(what: string): void {
    if (this.#locked === undefined || this.#isBuilding) return
    throw new GraphError({
      where: this.name,
      problem: `${what} is added to a layer that is already built`,
      hint: 'make all weights and sub-layers in the constructor or in build()',
    })
  }

  /** Own weights: trainable ones first, each group in the order of creation. */
  get ownWeights(): Variable[] {
    const fields = findState(this, isLayer).variables.filter((variable) => !this.#weights.includes(variable))
    const own = [...this.#weights, ...fields].sort((a, b) => a.id - b.id)
    const isTrainable = (variable: Variable): boolean =>
      this.#madeTrainable.has(variable) || (fields.includes(variable) && variable.trainable)
    return [...own.filter(isTrainable), ...own.filter((variable) => !isTrainable(variable))]
  }

  /** Random state that it holds. */
  get seedGenerators(): SeedGenerator[] {
    return findState(this, isLayer).seedGenerators
  }

  /** All weights: own, then those of sub-layers. */
  get weights(): Variable[] {
    return distinct([...this.ownWeights, ...this.sublayers.flatMap((layer) => layer.weights)])
  }

  get trainableWeights(): Variable[] {
    return this.#trainable ? this.weights.filter(({ trainable }) => trainable) : []
  }

  get nonTrainableWeights(): Variable[] {
    return this.#trainable ? this.weights.filter(({ trainable }) => !trainable) : this.weights
  }

  /** Weights and random state. */
  get variables(): Variable[] {
    return distinct([
      ...this.ownWeights,
      ...this.seedGenerators.map(({ state }) => state),
      ...this.sublayers.flatMap((layer) => layer.variables),
    ])
  }

  get trainableVariables(): Variable[] {
    return this.#trainable ? this.variables.filter(({ trainable }) => trainable) : []
  }

  get nonTrainableVariables(): Variable[] {
    return this.#trainable ? this.variables.filter(({ trainable }) => !trainable) : this.variables
  }

  /** Whether its weights are trained. Setting it sets it for sub-layers too. */
  get trainable(): boolean {
    return this.#trainable
  }

  set trainable(value: boolean) {
    this.#trainable = value
    for (const variable of this.#madeTrainable) variable.trainable = value
    for (const layer of this.sublayers) layer.trainable = value
  }

  /** Numbers in all weights. */
  countParams(): number {
    if (!this.#built)
      throw new GraphError({
        where: this.name,
        problem: 'it has no weights to count yet',
        hint: 'call it on data, or build(shape) it first',
      })
    return this.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  }

  /** The values of `weights`. */
  getWeights(): Tensor[] {
    return this.weights.map((variable) => variable.uncastValue)
  }

  /** Sets `weights`, in order. */
  setWeights(values: readonly TensorLike[]): void {
    const { weights } = this
    if (values.length !== weights.length) {
      throw new ValueError({
        where: this.name,
        problem: 'wrong number of weights',
        expected: `${weights.length} weights: ${weights.map(({ path, shape }) => `${path} ${formatShape(shape)}`).join(', ')}`,
        received: `${values.length}`,
      })
    }
    const tensors = values.map((value) => asTensor(value))
    weights.forEach((variable, index) => {
      const value = tensors[index] as Tensor
      if (!sameShape(variable.shape, value.shape)) {
        throw new ShapeError({
          where: this.name,
          problem: `weight ${index} has another shape than ${variable.path}`,
          expected: formatShape(variable.shape),
          received: formatShape(value.shape),
        })
      }
    })
    weights.forEach((variable, index) => {
      variable.assign(lax.cast(tensors[index] as Tensor, variable.dtype))
    })
  }

  // ---- losses ----

  /** Adds scalars to the loss of the model. Belongs in `call`. */
  addLoss(loss: Tree<Tensor>): void {
    this.#losses.push(...flatten(loss))
  }

  /** From `addLoss` and activity regularizers in the last call, and from weight regularizers. */
  get losses(): Tensor[] {
    const added = allLayers(this).flatMap((layer) => layer.#ownLosses())
    const penalties = this.trainableWeights.flatMap((variable) =>
      variable.regularizer === undefined ? [] : [variable.regularizer(variable.value)],
    )
    return [...added, ...penalties]
  }

  #ownLosses(): Tensor[] {
    // Losses of a finished trace are gone with it.
    this.#losses = this.#losses.filter((loss) => !loss.isDisposed && loss.traced()?.trace.isOpen !== false)
    return this.#losses
  }

  // ---- building ----

  #runBuild(ownBuild: (...shapes: unknown[]) => void, shapes: readonly unknown[]): void {
    if (this.#isBuilding) {
      ownBuild.apply(this, [...shapes])
      return
    }
    this.#isBuilding = true
    try {
      this.#buildShapes ??= shapes
      insideLayer(this, () => withoutTrace(() => withAutocast(undefined, () => ownBuild.apply(this, [...shapes]))))
    } finally {
      this.#isBuilding = false
    }
    this.#built = true
    this.#locked = new Set(findState(this, isLayer).layers)
  }

  /** Builds with the shapes of these arguments, if that has not been done. */
  #ensureBuilt(args: readonly unknown[]): void {
    if (this.#built) return
    const unknownBatch = currentCall()?.batchIsUnknown === true
    const shapeOf = (leaf: unknown): unknown => {
      if (!(leaf instanceof Tensor || leaf instanceof KerasTensor)) return null
      return unknownBatch && leaf.shape.length > 0 ? [null, ...leaf.shape.slice(1)] : [...leaf.shape]
    }
    this.build(...args.map((arg) => mapTree(arg as Tree<unknown>, shapeOf)))
  }

  /** What `buildFromConfig` needs to build the same weights. */
  getBuildConfig(): Record<string, unknown> | null {
    if (this.#buildShapes === undefined) return null
    return this.#buildShapes.length === 1 ? { input_shape: this.#buildShapes[0] } : { shapes: this.#buildShapes }
  }

  buildFromConfig(config: Readonly<Record<string, unknown>> | null): void {
    if (config === null || this.#built) return
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

  /** Says in errors that it happened in here. */
  #explain<R>(body: () => R): R {
    try {
      return body()
    } catch (error) {
      throw error instanceof OndolError ? error.within(this.name) : error
    }
  }

  #callOnTensors(args: readonly unknown[], options: Readonly<Record<string, unknown>>): Tree<Tensor> {
    const inputs = args.map((arg) => this.#convertInput(arg))
    if (this.inputSpec !== null) assertInputCompatibility(this.inputSpec, inputs[0] as Tree<unknown>)
    this.#ensureBuilt(inputs)
    const outer = currentCall()
    if (outer === undefined) for (const layer of allLayers(this)) layer.#losses = []
    const training = (options.training as boolean | null | undefined) ?? outer?.training ?? false
    const mask = (options.mask as Masks | null | undefined) ?? masksOf(inputs[0] as Tree<unknown>)
    const ownOptions = mapTree(options as Tree<unknown>, (leaf) => (leaf instanceof Tensor ? this.#castFloat(leaf) : leaf)) as object
    const callOptions: CallOptions = { ...ownOptions, training, mask }
    const context: CallContext = { training, batchIsUnknown: outer?.batchIsUnknown ?? false }
    const { computeDtype, variableDtype } = this
    const autocast = this.autocast && isFloat(computeDtype) && computeDtype !== variableDtype ? computeDtype : undefined
    return withCall(context, () =>
      insideLayer(this, () =>
        withScope(this.name, () => {
          const outputs = withAutocast(autocast, () => this.call(...inputs, callOptions))
          this.#built = true
          this.#penalizeActivity(outputs)
          this.#passMasks(inputs[0] as Tree<Tensor>, outputs, mask)
          return outputs
        }),
      ),
    )
  }

  /** A positional argument as tensors of the compute dtype. */
  #convertInput(arg: unknown): unknown {
    if (isNumbers(arg)) return this.#castFloat(asTensor(arg))
    if (Array.isArray(arg)) return arg.map((item) => this.#convertInput(item))
    if (isRecord(arg)) return Object.fromEntries(Object.entries(arg).map(([key, item]) => [key, this.#convertInput(item)]))
    if (arg instanceof Tensor) return this.#castFloat(arg)
    if (arg instanceof Variable) return this.#castFloat(arg.value)
    if (arg === null || arg === undefined) return arg
    throw new ValueError({
      problem: 'only tensors may be passed by position',
      received: `${typeof arg} ${String(arg)}`,
      hint: 'pass it by name in the options record, which comes last',
    })
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
    if (!this.supportsMasking) {
      if (previous !== null && flatten(previous).some((mask) => mask !== null)) this.#warnOfMask()
      return
    }
    if (leaves.every((leaf) => anyMaskOf(leaf) !== undefined)) return
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
    const masked = flatten(args as Tree<unknown>).map((leaf) => (isSymbolic(leaf) ? leaf.mask : undefined))
    const present = masked.filter((mask) => mask !== undefined)
    const batchIsUnknown = symbolicInputs(args, options).some(({ shape }) => shape[0] === null)
    let hasMask: boolean[] = []
    const described = symbolicOutput(this.name, [args, present], options, (abstract, abstractOptions) => {
      const [inner, innerMasks] = abstract as [unknown[], Tensor[]]
      const leaves = flatten(inner as Tree<unknown>)
      let next = 0
      masked.forEach((mask, index) => {
        if (mask !== undefined) setMask(leaves[index] as Tensor, innerMasks[next++] as Tensor)
      })
      const context = currentCall() ?? { training: false, batchIsUnknown }
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
    const toSymbol = (shape: unknown): Tree<KerasTensor> => {
      if (Array.isArray(shape) && shape.every((size) => size === null || typeof size === 'number'))
        return new KerasTensor(shape, { dtype: this.computeDtype, name: 'shape' })
      if (Array.isArray(shape)) return shape.map(toSymbol)
      return Object.fromEntries(Object.entries(shape as object).map(([key, item]) => [key, toSymbol(item)]))
    }
    return mapTree(this.computeOutputSpec(toSymbol(inputShape)), ({ shape }) => shape as unknown as PartialShape) as Tree<PartialShape>
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
      trainable: this.#trainable,
      dtype: this.#dtypePolicy.serialize(),
      ...(this.activityRegularizer !== null && { activity_regularizer: regularizers.serialize(this.activityRegularizer) }),
      ...encodeConfig(configTable, this),
    }
  }

  /** A layer as `getConfig` described it. */
  static fromConfig(config: Readonly<Record<string, unknown>>): Layer {
    // biome-ignore lint/complexity/noThisInStatic: the class that it is called on, with its own table
    const Class = this as unknown as typeof Layer & (new (...args: unknown[]) => Layer)
    const { batch_input_shape: legacyShape, ...rest } = config
    const options = decodeConfig({ activityRegularizer: 'regularizer', ...Class.configTable }, rest)
    if (Array.isArray(legacyShape)) options.inputShape = legacyShape.slice(1)
    const named = Object.fromEntries(Object.entries(options).filter(([name]) => !Class.positional.includes(name)))
    return new Class(...Class.positional.map((name) => options[name]), named)
  }

  /** As Keras writes it to files: class, config and what it was built with. */
  serialize(): SerializedObject & { readonly build_config?: Record<string, unknown> } {
    const isKeras = this.module !== ''
    const buildConfig = this.getBuildConfig()
    return {
      module: isKeras ? this.module : null,
      class_name: this.className,
      config: this.getConfig(),
      registered_name: isKeras ? null : this.className,
      ...(buildConfig !== null && { build_config: buildConfig }),
    }
  }

  override toString(): string {
    return `<${this.className} name=${this.name}, built=${this.#built}>`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

const isLayer = (value: unknown): value is Layer => value instanceof Layer

/** A layer and all layers in it, each once. */
function allLayers(root: Layer): Layer[] {
  const found = new Set<Layer>()
  const visit = (layer: Layer): void => {
    if (found.has(layer)) return
    found.add(layer)
    layer.sublayers.forEach(visit)
  }
  visit(root)
  return [...found]
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Numbers as people write them, not yet a tensor. */
function isNumbers(value: unknown): value is TensorLike {
  if (typeof value === 'number' || typeof value === 'boolean' || ArrayBuffer.isView(value)) return true
  let first = value
  while (Array.isArray(first) && first.length > 0) first = first[0]
  return Array.isArray(value) && (typeof first === 'number' || typeof first === 'boolean')
}
