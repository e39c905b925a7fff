/**
 * A chain of layers. With an `Input` first (or a first layer that knows its input's shape) it is built as it
 * grows; without, it is built when the first data, or `build(shape)`, tells the shape.
 * Follows `keras/src/models/sequential.py`.
 */
import type { CustomObjects } from '../core/custom-objects.js'
import { GraphError, ValueError } from '../core/errors.js'
import { formatShape, type PartialShape } from '../core/shape.js'
import type { Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import { insideLayer } from '../layers/call-context.js'
import { getDtypePolicy } from '../layers/dtype-policy.js'
import { Input, InputLayer } from '../layers/input-layer.js'
import { Layer } from '../layers/layer.js'
import { deserialize, registerLayerClass } from '../layers/serialization.js'
import { type SerializedLayer, whileReading } from '../layers/sharing.js'
import { autoName } from '../ops/naming.js'
import { isSymbolic, type KerasTensor } from '../ops/operation.js'
import { ModelGraph } from './graph.js'
import { Model, type ModelOptions, runGraph } from './model.js'

/** A layer, or the tensor of an `Input` at the beginning. */
export type SequentialItem = Layer | KerasTensor

/**
 * @example
 * const model = new Sequential([Input({ shape: [4] }), layers.dense(8, { activation: 'relu' }), layers.dense(3, { activation: 'softmax' })])
 */
export class Sequential extends Model<KerasTensor, KerasTensor> {
  static override readonly className: string = 'Sequential'
  readonly #layers: Layer[] = []
  #input: KerasTensor | undefined
  /** Outputs of the layers, as far as they are connected. */
  #outputs: Tree<KerasTensor>[] = []
  #chain: ModelGraph | undefined

  constructor(items: readonly SequentialItem[] = [], options: Omit<ModelOptions, 'inputs' | 'outputs'> = {}) {
    super(options)
    for (const item of items) this.#append(item)
    this.#connect()
  }

  override get module(): string {
    return this.constructor === Sequential ? 'keras' : ''
  }

  override get graph(): ModelGraph | undefined {
    const output = this.#outputs.at(-1)
    if (this.#input === undefined || output === undefined) return undefined
    this.#chain ??= new ModelGraph(this.#input, output, this.name)
    return this.#chain
  }

  /** Its layers, without the input. */
  override get layers(): Layer[] {
    return [...this.#layers]
  }

  override get sublayers(): Layer[] {
    // While Layer's constructor runs there are no fields yet.
    return #layers in this ? [...new Set(this.#layers)] : []
  }

  /** Adds a layer at the end. */
  add(item: SequentialItem): void {
    this.#append(item)
    this.#connect()
  }

  #append(item: SequentialItem): void {
    const operation = isSymbolic(item) ? item.history?.operation : item
    if (operation instanceof InputLayer) {
      this.#setInput(operation.output as KerasTensor)
      return
    }
    if (!(operation instanceof Layer) || isSymbolic(item)) {
      throw new ValueError({
        where: this.name,
        problem: 'only layers can be added',
        expected: 'an object of layers.Layer, or Input(...) as the first',
        received: String(item),
      })
    }
    if (this.#layers.some((layer) => layer.name === operation.name && layer !== operation)) {
      throw new ValueError({
        where: this.name,
        problem: `there is a layer called '${operation.name}' already`,
        hint: 'give each layer a name of its own',
      })
    }
    if (this.#layers.length === 0 && this.#input === undefined) this.#input = inputOf(operation)
    this.#layers.push(operation)
  }

  /** Removes the last layer, and gives it. */
  pop(): Layer {
    const layer = this.#layers.pop()
    if (layer === undefined) throw new GraphError({ where: this.name, problem: 'there are no layers to remove' })
    this.#outputs.length = Math.min(this.#outputs.length, this.#layers.length)
    this.#connect()
    return layer
  }

  #setInput(input: KerasTensor): void {
    if (this.#input !== undefined || this.#layers.length > 0) {
      throw new GraphError({
        where: this.name,
        problem:
          this.#input === undefined
            ? 'an Input can only come first'
            : `an Input can only come first, and there is one already, of shape ${formatShape(this.#input.shape)}`,
        hint: 'a model with several inputs is made with new Model({ inputs, outputs })',
      })
    }
    this.#input = input
  }

  /** Calls the layers that have not been called yet on the output of the one before. */
  #connect(): void {
    this.#chain = undefined
    this.built = false
    if (this.#input === undefined || this.#layers.length === 0) return
    for (let index = this.#outputs.length; index < this.#layers.length; index++) {
      const layer = this.#layers[index] as Layer
      const input = this.#outputs.at(-1) ?? this.#input
      // Weights are found under the model's name, as in Keras.
      this.#outputs.push(insideLayer(this, () => layer<Tree<KerasTensor>>(input)))
    }
    this.built = true
    // Keras makes a Functional inside, which takes a name.
    autoName('Functional')
  }

  /**
   * Builds every layer for inputs of this shape, batch first; any batch size will do afterwards when it is `null`.
   *
   * @throws GraphError without layers, or when it is built for another shape.
   */
  override build(shape: PartialShape | unknown): void {
    if (this.#layers.length === 0)
      throw new GraphError({ where: this.name, problem: 'there are no layers to build', hint: 'call model.add(layer)' })
    // Inputs in a list or record: the layers are built when they are called.
    if (!isShape(shape)) return
    if (this.#input !== undefined) {
      if (formatShape(this.#input.shape) === formatShape(shape)) return
      throw new GraphError({
        where: this.name,
        problem: 'it is built for another input shape already',
        expected: formatShape(this.#input.shape),
        received: formatShape(shape),
      })
    }
    this.#input = Input({ batchShape: shape, dtype: (this.#layers[0] as Layer).computeDtype })
    this.#connect()
  }

  /** Unlike Keras's, it does not remember the batch size of the first data; only stateful layers need one. */
  protected override get buildsForAnyBatch(): boolean {
    return super.buildsForAnyBatch || !this.#layers.some((layer) => (layer as { readonly stateful?: boolean }).stateful === true)
  }

  override call(...args: readonly unknown[]): Tensor {
    const { graph } = this
    // A last layer that gives several tensors is typed as one that gives one.
    if (graph !== undefined) return runGraph(graph, args) as Tensor
    return this.#layers.reduce<Tree<Tensor>>((x, layer) => layer<Tree<Tensor>>(x), args[0] as Tree<Tensor>) as Tensor
  }

  override getConfig(): Record<string, unknown> {
    const input = this.#input?.history?.operation as InputLayer | undefined
    const layers = [...(input === undefined ? [] : [input]), ...this.#layers].map((layer) => layer.serialize())
    return { ...super.getConfig(), layers, ...(this.built && this.#input !== undefined && { build_input_shape: [...this.#input.shape] }) }
  }

  override getBuildConfig(): Record<string, unknown> | null {
    return this.built && this.#input !== undefined ? { input_shape: [...this.#input.shape] } : null
  }

  static override fromConfig(config: Readonly<Record<string, unknown>>, customObjects: CustomObjects = {}): Layer {
    const { name, trainable, dtype, layers, build_input_shape: shape } = config as unknown as SequentialConfig
    const items = whileReading(() => layers.map((layer) => deserialize(layer, customObjects)))
    const model = new this(items, { name, trainable: trainable ?? true, ...(dtype !== undefined && { dtype: getDtypePolicy(dtype) }) })
    if (!model.built && isShape(shape)) model.build(shape)
    return model
  }
}

registerLayerClass(Sequential)

interface SequentialConfig {
  readonly name: string
  readonly trainable?: boolean
  readonly dtype?: unknown
  readonly layers: readonly SerializedLayer[]
  readonly build_input_shape?: unknown
}

const isShape = (shape: unknown): shape is PartialShape =>
  Array.isArray(shape) && shape.every((size) => size === null || typeof size === 'number')

/** What a first layer tells of the input: by its option `inputShape`, or as a model with one input. */
function inputOf(layer: Layer): KerasTensor | undefined {
  if (layer.givenInputShape !== undefined) return Input({ shape: layer.givenInputShape, dtype: layer.computeDtype })
  const tree = layer instanceof Model ? layer.graph?.inputTree : undefined
  return isSymbolic(tree) ? Input({ batchShape: tree.shape, dtype: tree.dtype }) : undefined
}
