/**
 * A chain of layers. With an `Input` first (or a first layer that knows its input's shape) it is built as it
 * grows; without, it is built when the first data, or `build(shape)`, tells the shape.
 */
import { GraphError, ValueError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import type { Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import { insideLayer } from '../layers/call-context.js'
import { Input, InputLayer } from '../layers/input-layer.js'
import { Layer } from '../layers/layer.js'
import { isSymbolic, type KerasTensor } from '../ops/operation.js'
import { ModelGraph } from './graph.js'
import { Model, type ModelOptions, runGraph } from './model.js'

/** A layer, or the tensor of an `Input` at the beginning. */
export type SequentialItem = Layer | KerasTensor

/**
 * @example
 * const model = new Sequential([Input({ shape: [4] }), layers.dense(8, { activation: 'relu' }), layers.dense(3, { activation: 'softmax' })])
 */
export class Sequential extends Model {
  static override readonly className = 'Sequential'
  readonly #layers: Layer[] = []
  #input: KerasTensor | undefined
  /** Outputs of the layers, as far as they are connected. */
  #outputs: KerasTensor[] = []
  #chain: ModelGraph | undefined

  constructor(items: readonly SequentialItem[] = [], options: Omit<ModelOptions, 'inputs' | 'outputs'> = {}) {
    super(options)
    for (const item of items) this.add(item)
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
    return #layers in this ? [...this.#layers] : []
  }

  /** Adds a layer at the end. */
  add(item: SequentialItem): void {
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
    if (this.#layers.some(({ name }) => name === operation.name)) {
      throw new ValueError({
        where: this.name,
        problem: `there is a layer called '${operation.name}' already`,
        hint: 'give each layer a name of its own',
      })
    }
    if (this.#layers.length === 0 && this.#input === undefined) {
      if (operation.inputShape !== undefined) this.#setInput(Input({ shape: operation.inputShape, dtype: operation.computeDtype }))
      else if (operation instanceof Model && operation.graph !== undefined)
        this.#setInput(
          Input({ shape: operation.graph.inputs[0]?.shape.slice(1) ?? [], dtype: operation.graph.inputs[0]?.dtype ?? 'float32' }),
        )
    }
    this.#layers.push(operation)
    this.#connect()
  }

  /** Removes the last layer, and gives it. */
  pop(): Layer {
    const layer = this.#layers.pop()
    if (layer === undefined) throw new GraphError({ where: this.name, problem: 'there are no layers to remove' })
    this.#outputs.length = Math.min(this.#outputs.length, this.#layers.length)
    this.#chain = undefined
    this.built = this.#outputs.length > 0
    return layer
  }

  #setInput(input: KerasTensor): void {
    if (this.#input !== undefined || this.#layers.length > 0) {
      throw new GraphError({
        where: this.name,
        problem: 'an Input can only come first',
        hint: 'a model with several inputs is made with new Model({ inputs, outputs })',
      })
    }
    this.#input = input
  }

  /** Calls the layers that have not been called yet on the output of the one before. */
  #connect(): void {
    if (this.#input === undefined) return
    for (let index = this.#outputs.length; index < this.#layers.length; index++) {
      const layer = this.#layers[index] as Layer
      const input = (this.#outputs.at(-1) ?? this.#input) as KerasTensor
      // Weights are found under the model's name, as in Keras.
      const output = insideLayer(this, () => layer<Tree<KerasTensor>>(input))
      if (!isSymbolic(output))
        throw new GraphError({
          where: this.name,
          problem: `layer '${layer.name}' has several outputs`,
          hint: 'a Sequential is a chain; use new Model({ inputs, outputs })',
        })
      this.#outputs.push(output)
    }
    this.#chain = undefined
    this.built = this.#outputs.length > 0
  }

  /** Builds every layer for inputs of this shape, batch first; any batch size will do afterwards. */
  override build(shape: PartialShape | unknown): void {
    if (this.#input !== undefined || this.#layers.length === 0) return
    if (!Array.isArray(shape))
      throw new ValueError({ where: this.name, problem: 'a Sequential has one input', received: JSON.stringify(shape) })
    this.#input = Input({ shape: shape.slice(1), dtype: this.computeDtype })
    this.#connect()
  }

  override call(...args: readonly unknown[]): Tree<Tensor> {
    const { graph } = this
    if (graph !== undefined) return runGraph(graph, args[0] as Tree<Tensor>)
    return args[0] as Tree<Tensor>
  }
}
