/** `cloneModel`: the same layers with new weights. Follows `keras/src/models/cloning.py`. */
import { ValueError } from '../core/errors.js'
import { flatten, mapTree, type Tree, unflatten } from '../core/tree.js'
import { Input, InputLayer } from '../layers/input-layer.js'
import { Layer } from '../layers/layer.js'
import { deserialize, serialize } from '../layers/serialization.js'
import type { OpNode } from '../ops/define.js'
import { isSymbolic, type KerasTensor, type Operation } from '../ops/operation.js'
import { isInputNode, type ModelGraph } from './graph.js'
import { Model } from './model.js'
import { Sequential } from './sequential.js'

export interface CloneOptions {
  /** Symbolic tensors to build the clone on, in the structure of the model's inputs. Default: new inputs of the same kind. */
  readonly inputTensors?: Tree<KerasTensor> | undefined
  /** Makes the new layer for each layer that is no input. Default: one of the same config, with new weights. */
  readonly cloneFunction?: ((layer: Layer) => Layer) | undefined
  /** Calls a new layer on its symbolic arguments, and gives what comes out. Only for graphs. */
  readonly callFunction?: ((layer: Layer, ...args: never[]) => Tree<KerasTensor>) | undefined
  /** Whether `cloneFunction` is for the layers of models inside too. Default false. */
  readonly recursive?: boolean | undefined
}

/**
 * A model of the same layers with newly made weights.
 *
 * @throws ValueError for options that a model with its own `call` cannot take.
 * @example
 * const wider = cloneModel(model, {
 *   cloneFunction: (layer) => layer instanceof layers.Dense ? layers.dense(layer.units * 2) : layers.deserialize(layers.serialize(layer)),
 * })
 */
export function cloneModel(model: Model, options: CloneOptions = {}): Model {
  return cloneWith(model, options, new Map())
}

function cloneWith(model: Model, options: CloneOptions, clones: Map<Operation, Operation>): Model {
  const { inputTensors, cloneFunction, callFunction, recursive = false } = options
  const cloneLayer = (layer: Layer): Layer => {
    const known = clones.get(layer)
    if (known !== undefined) return known as Layer
    const made =
      recursive && layer instanceof Model && layer.graph !== undefined
        ? cloneWith(layer, { cloneFunction, callFunction: layer instanceof Sequential ? undefined : callFunction, recursive }, clones)
        : (cloneFunction ?? copyOf)(layer)
    if (!(made instanceof Layer))
      throw new ValueError({ where: 'cloneModel', problem: `cloneFunction gave no layer for '${layer.name}'`, received: String(made) })
    clones.set(layer, made)
    return made
  }
  if (model instanceof Sequential) {
    if (callFunction !== undefined)
      throw new ValueError({
        where: 'cloneModel',
        problem: 'callFunction is for graphs; the layers of a Sequential are not called one by one',
      })
    return cloneSequential(model, inputTensors, cloneLayer)
  }
  if (model.graph !== undefined) return cloneGraph(model, model.graph, inputTensors, cloneLayer, callFunction)
  const refused = Object.entries({ inputTensors, cloneFunction, callFunction }).find(([, value]) => value !== undefined)
  if (refused === undefined) return copyOf(model) as Model
  throw new ValueError({
    where: 'cloneModel',
    problem: `${refused[0]} is only for graphs and Sequential models`,
    received: `${model.className} '${model.name}'`,
  })
}

/** A layer of the same class and config, not built. */
function copyOf(layer: Layer): Layer {
  const { build_config: _built, ...description } = serialize(layer)
  return deserialize(description, classesIn(layer))
}

/** The classes of a layer and of all layers in it, by name: they are at hand, whether a registry knows them or not. */
function classesIn(layer: Layer): Record<string, unknown> {
  const { constructor: Class, className, sublayers } = layer
  return Object.assign({}, ...sublayers.map(classesIn), { [Class.name]: Class, [className]: Class })
}

function cloneSequential(model: Sequential, inputTensors: Tree<KerasTensor> | undefined, cloneLayer: (layer: Layer) => Layer): Sequential {
  const copies = model.layers.map(cloneLayer)
  const options = { name: model.name, trainable: model.trainable }
  if (inputTensors === undefined) {
    const input = model.graph?.inputs[0]
    return new Sequential(input === undefined ? copies : [inputLike(input), ...copies], options)
  }
  const [tensor, ...others] = flatten(inputTensors)
  if (!isSymbolic(tensor) || others.length > 0)
    throw new ValueError({ where: 'cloneModel', problem: 'a Sequential has one input', received: `${1 + others.length} input tensors` })
  // A tensor that a layer made gives its shape to an Input of its own.
  const isInput = tensor.history?.operation instanceof InputLayer
  return new Sequential([isInput ? tensor : Input({ batchShape: tensor.shape, dtype: tensor.dtype }), ...copies], options)
}

function inputLike({ shape, dtype, name, history }: KerasTensor): KerasTensor {
  const layer = history?.operation
  return Input({ batchShape: shape, dtype, name: layer?.name ?? name, optional: layer instanceof InputLayer && layer.optional })
}

function cloneGraph(
  model: Model,
  graph: ModelGraph,
  inputTensors: Tree<KerasTensor> | undefined,
  cloneLayer: (layer: Layer) => Layer,
  callFunction: CloneOptions['callFunction'],
): Model {
  const given = inputTensors === undefined ? graph.inputs.map(inputLike) : flatten(inputTensors)
  if (given.length !== graph.inputs.length || !given.every(isSymbolic)) {
    throw new ValueError({
      where: 'cloneModel',
      problem: 'inputTensors must be symbolic tensors, as many as the model has inputs',
      expected: `${graph.inputs.length}`,
      received: given.map(String).join(', '),
    })
  }
  const copies = new Map(graph.inputs.map((input, index) => [input, given[index] as KerasTensor]))
  const copyOfLeaf = (leaf: unknown): unknown => (isSymbolic(leaf) ? copies.get(leaf) : leaf)
  for (const { operation, args, options, outputs } of graph.nodesByDepth.flat().filter((node) => !isInputNode(node))) {
    const newArgs = mapTree(args as Tree<unknown>, copyOfLeaf) as never[]
    const newOptions = mapTree(options as Tree<unknown>, copyOfLeaf) as Record<string, unknown>
    const hasOptions = Object.keys(newOptions).length > 0
    const call = (layer: Layer): Tree<KerasTensor> => {
      const all = hasOptions ? [...newArgs, newOptions as never] : newArgs
      return callFunction === undefined ? layer<Tree<KerasTensor>>(...(all as unknown as [KerasTensor])) : callFunction(layer, ...all)
    }
    const made =
      operation instanceof Layer ? call(cloneLayer(operation)) : (operation as OpNode).again().callSymbolically(newArgs, newOptions)
    flatten(made).forEach((tensor, index) => copies.set(outputs[index] as KerasTensor, tensor))
  }
  const Class = model.constructor as typeof Model
  const inputs = unflatten(graph.inputTree, given)
  const outputs = mapTree(graph.outputTree, (tensor) => copies.get(tensor) as KerasTensor)
  return new Class({ inputs, outputs, name: model.name, trainable: model.trainable })
}
