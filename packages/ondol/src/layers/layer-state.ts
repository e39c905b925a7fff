/**
 * The state of a layer: its weights, the layers in it, whether they are trained, and the losses of its last
 * call. The calling is in layer.ts.
 */
import * as constraints from '../constraints/index.js'
import { Callable } from '../core/callable.js'
import { type DType, isFloat } from '../core/dtype.js'
import { GraphError, ShapeError, ValueError } from '../core/errors.js'
import { formatShape, type Shape, sameShape, sizeOf } from '../core/shape.js'
import { flatten, type Tree } from '../core/tree.js'
import { lax, type Tensor, Variable, withoutTapes } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import type { SeedGenerator } from '../ops/random.js'
import * as regularizers from '../regularizers/index.js'
import { currentLayers, currentPath, insideLayer } from './call-context.js'
import type { DTypePolicy } from './dtype-policy.js'
import type { Layer } from './layer.js'
import { distinct, findState } from './state.js'
import { chargeWeight } from './weight-budget.js'

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

export abstract class LayerState extends Callable {
  readonly name: string

  // Private state is not enumerable, so it is not taken for sub-layers.
  #dtypePolicy: DTypePolicy
  #trainable: boolean
  #built = false
  /** Set when state may no longer be added: the sub-layers known by then. */
  #locked: ReadonlySet<Layer> | undefined
  #isBuilding = false
  /** Layers that no field leads to, because it is a `#private` one: known since they were built inside this one. */
  readonly #adopted = new Set<Layer>()
  /** The layer whose call, not its build, made this one. */
  readonly #madeInCallOf: LayerState | undefined
  readonly #weights: Variable[] = []
  /** Weights that were made trainable: they are listed first, whatever is frozen later. */
  readonly #madeTrainable = new Set<Variable>()
  #losses: Tensor[] = []

  constructor(name: string, policy: DTypePolicy, trainable: boolean) {
    super()
    this.name = name
    this.#dtypePolicy = policy
    this.#trainable = trainable
    const around: LayerState | undefined = currentLayers().at(-1)
    this.#madeInCallOf = around === undefined || around.#isBuilding ? undefined : around
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
  /** Runs `body`, in which state may be added; after it, the layer is built and no more may. */
  protected building(body: () => void): void {
    if (this.#isBuilding) {
      body()
      return
    }
    this.#isBuilding = true
    try {
      body()
    } finally {
      this.#isBuilding = false
    }
    this.#built = true
    this.#locked = new Set(findState(this, isLayer).layers)
  }

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
    if (this.#weights.length === 0) this.#joinOwners()
    if (shape.some((size) => !Number.isInteger(size))) {
      throw new ShapeError({
        where: this.name,
        problem: `the shape of weight '${name}' is not known`,
        received: formatShape(shape),
        hint: 'give the sizes in Input, or build the layer with them',
      })
    }
    chargeWeight(name, shape, dtype)
    const initialize = initializers.get(initializer ?? (isFloat(dtype) ? 'glorot_uniform' : 'zeros'))
    initialize.check(shape)
    const make = (): Tensor => withoutTapes(() => initialize(shape, dtype))
    const variable = new Variable(initialize.canWait ? { shape: [...shape], dtype, make } : make, {
      name,
      trainable: trainable && this.#trainable,
      autocast,
    })
    variable.path = insideLayer(this as unknown as Layer, () => `${currentPath()}/${name}`)
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
    return [...layers, ...this.hiddenLayers]
  }

  /** Engine only: those of the layers in it that no field leads to. */
  get hiddenLayers(): Layer[] {
    if (this.#adopted.size === 0) return []
    const inFields = new Set(findState(this, isLayer).layers.flatMap((layer) => layer.#withSublayers()))
    return [...this.#adopted].filter((layer) => !inFields.has(layer))
  }

  /** Sees to it that each layer inside which this one is being built knows of the next: a layer belongs where it is built. */
  #joinOwners(): void {
    const owners: readonly Layer[] = currentLayers()
    const chain = owners.at(-1) === (this as unknown as Layer) ? owners : [...owners, this as unknown as Layer]
    const known = new Set<LayerState>((chain[0] as Layer).#withSublayers())
    for (let i = 1; i < chain.length; i++) {
      const [owner, layer] = [chain[i - 1] as Layer, chain[i] as Layer]
      if (!known.has(layer)) owner.#adopt(layer)
      for (const inner of layer.#withSublayers()) known.add(inner)
    }
  }

  #adopt(layer: Layer): void {
    if (layer.#madeInCallOf === this) {
      throw new GraphError({
        where: this.name,
        problem: `layer '${layer.name}' is made anew in each call, and so would be its weights`,
        hint: 'make it in the constructor or in build(), and keep it in a field',
      })
    }
    this.#adopted.add(layer)
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

  /** Adds scalars to the loss of the model. Belongs in `call`. */
  addLoss(loss: Tree<Tensor>): void {
    this.#losses.push(...flatten(loss))
  }

  /** From `addLoss` and activity regularizers in the last call, and from weight regularizers. */
  get losses(): Tensor[] {
    const added = this.#withSublayers().flatMap((layer) => layer.#ownLosses())
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

  /** Forgets the losses of earlier calls. */
  protected clearLosses(): void {
    for (const layer of this.#withSublayers()) layer.#losses = []
  }

  /** This layer and all layers in it, each once. */
  #withSublayers(): LayerState[] {
    const found = new Set<LayerState>()
    const visit = (layer: LayerState): void => {
      if (found.has(layer)) return
      found.add(layer)
      layer.sublayers.forEach(visit)
    }
    visit(this)
    return [...found]
  }
}

/** Layers are the only heirs. */
const isLayer = (value: unknown): value is Layer => value instanceof LayerState
