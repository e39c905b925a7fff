/** Models as boxes and arrows: what `modelToDot` and `plotModel` draw. Follows `keras/src/utils/model_visualization.py`. */
import * as activations from '../activations/index.js'
import { GraphError } from '../core/errors.js'
import { mapTree, type Tree } from '../core/tree.js'
import { Layer } from '../layers/layer.js'
import { Model } from '../models/index.js'
import type { KerasTensor, Operation } from '../ops/operation.js'

export interface DrawingOptions {
  /** Shapes of inputs and outputs. Default false. */
  readonly showShapes?: boolean
  /** Dtypes of outputs. Default false. */
  readonly showDtype?: boolean
  /** Names beside classes. Default true in DOT, false in plots. */
  readonly showLayerNames?: boolean
  /** `'TB'` (default) from the top down, `'LR'` from the left. */
  readonly rankdir?: string
  /** Draw what is in models inside. Default false. */
  readonly expandNested?: boolean
  /** Dots per inch. Default 200. */
  readonly dpi?: number
  readonly showLayerActivations?: boolean
  readonly showTrainable?: boolean
  /** How edges run, for Graphviz. Default `'ortho'`. */
  readonly splines?: string
}

/** A cell under the title of a box. */
export interface Cell {
  readonly label: string
  readonly value: string
  readonly colour?: 'forestgreen' | 'firebrick'
}

export interface Box {
  readonly id: string
  readonly title: string
  readonly note: string | null
  readonly activation: string | null
  readonly cells: readonly Cell[]
}

/** Boxes, arrows between them, and models inside as drawings of their own. */
export interface Drawing {
  readonly name: string
  readonly boxes: readonly Box[]
  readonly clusters: readonly Drawing[]
  readonly edges: readonly (readonly [from: string, to: string])[]
}

/** @throws GraphError when the model is not built. */
export function drawModel(model: Layer, options: DrawingOptions): Drawing {
  if (!model.built)
    throw new GraphError({
      where: model.name,
      problem: 'the model is not built, so there is nothing to draw',
      hint: 'build(shape) it, or call it on data',
    })
  return new Drawer(options).draw(model)
}

const graphOf = (operation: Operation): Model['graph'] => (operation instanceof Model ? operation.graph : undefined)

class Drawer {
  readonly #options: DrawingOptions
  readonly #ids = new Map<Operation, string>()

  constructor(options: DrawingOptions) {
    this.#options = options
  }

  #idOf(operation: Operation): string {
    const known = this.#ids.get(operation)
    if (known !== undefined) return known
    const id = `n${this.#ids.size}`
    this.#ids.set(operation, id)
    return id
  }

  draw(model: Layer): Drawing {
    const graph = graphOf(model)
    if (graph === undefined) return { name: model.name, boxes: [this.#box(model)], clusters: [], edges: [] }
    const operations = this.#shown(model)
    const isExpanded = (operation: Operation): boolean => this.#options.expandNested === true && graphOf(operation) !== undefined
    const inside = new Set(operations)
    const edges = new Set<string>()
    for (const node of graph.nodesByDepth.flat()) {
      if (!inside.has(node.operation)) continue
      node.inputs.forEach((input, i) => {
        const source = input.history?.operation
        if (source === undefined || !inside.has(source) || input.history === undefined) return
        edges.add(`${this.#idOf(this.#lastOf(source, input.history.tensorIndex))} ${this.#idOf(this.#firstOf(node.operation, i))}`)
      })
    }
    return {
      name: model.name,
      boxes: operations.filter((operation) => !isExpanded(operation)).map((operation) => this.#box(operation)),
      clusters: operations.filter(isExpanded).map((operation) => this.draw(operation as unknown as Layer)),
      edges: [...edges].map((edge) => edge.split(' ') as [string, string]),
    }
  }

  /** A chain of layers is drawn without its input, as in Keras. */
  #shown(model: Layer): readonly Operation[] {
    const operations = graphOf(model as Model)?.operations ?? []
    const isChain = model.className === 'Sequential'
    return isChain ? operations.filter((operation) => (operation as Partial<Layer>).className !== 'InputLayer') : operations
  }

  /** Where arrows into a model inside end. */
  #firstOf(operation: Operation, index: number): Operation {
    const graph = graphOf(operation)
    if (this.#options.expandNested !== true || graph === undefined) return operation
    const shown = this.#shown(operation as unknown as Layer)
    const input = graph.inputs[index]?.history?.operation
    if (input !== undefined && shown.includes(input)) return this.#firstOf(input, 0)
    return this.#firstOf(shown[0] as Operation, 0)
  }

  /** Where arrows out of a model inside begin. */
  #lastOf(operation: Operation, index: number): Operation {
    const graph = graphOf(operation)
    if (this.#options.expandNested !== true || graph === undefined) return operation
    const history = graph.outputs[index]?.history
    return history === undefined ? operation : this.#lastOf(history.operation, history.tensorIndex)
  }

  #box(operation: Operation): Box {
    const { showShapes, showDtype, showLayerNames, showLayerActivations, showTrainable } = this.#options
    const layer = operation as unknown as Layer & { readonly activation?: activations.Activation | null }
    const className = operation instanceof Layer ? operation.className : operation.constructor.name
    const cells: Cell[] = []
    const read = (what: 'input' | 'output', part: (tensor: KerasTensor) => unknown): string => {
      const node = operation.inboundNodes[0]
      if (node === undefined) return '?'
      const tensors: Tree<KerasTensor> =
        what === 'output' ? node.output : node.inputs.length === 1 ? (node.inputs[0] as KerasTensor) : node.inputs
      return written(mapTree(tensors, (tensor) => String(part(tensor))))
    }
    if (showShapes === true) {
      const shape = ({ shape: sizes }: KerasTensor): string =>
        `(${sizes.map((size) => size ?? 'None').join(', ')}${sizes.length === 1 ? ',' : ''})`
      if (className !== 'InputLayer') cells.push({ label: 'Input shape', value: read('input', shape) })
      cells.push({ label: 'Output shape', value: read('output', shape) })
    }
    if (showDtype === true) cells.push({ label: 'Output dtype', value: read('output', ({ dtype }) => dtype) })
    if (showTrainable === true && operation instanceof Layer && operation.weights.length > 0)
      cells.push(
        operation.trainable
          ? { label: '', value: 'Trainable', colour: 'forestgreen' }
          : { label: '', value: 'Non-trainable', colour: 'firebrick' },
      )
    const activation = showLayerActivations === true && operation instanceof Layer ? (layer.activation ?? null) : null
    return {
      id: this.#idOf(operation),
      title: showLayerNames === true ? operation.name : className,
      note: showLayerNames === true ? className : null,
      activation: activation === null ? null : nameOf(activation),
      cells,
    }
  }
}

function nameOf(activation: activations.Activation): string {
  const serialized = activations.serialize(activation)
  return typeof serialized === 'string' ? serialized : serialized.class_name
}

/** A structure as Python shows it. */
function written(value: Tree<string>): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.length === 1 ? written(value[0] as Tree<string>) : `[${value.map(written).join(', ')}]`
  return Object.entries(value)
    .map(([key, item]) => `${key}: ${written(item)}`)
    .join(', ')
}
