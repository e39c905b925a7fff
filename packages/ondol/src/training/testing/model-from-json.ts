// A model as Keras's `to_json` describes it.
import { isSerializedObject, type SerializedObject } from '../../core/spelling.js'
import type { Tree } from '../../core/tree.js'
import type { Layer } from '../../layers/layer.js'
import { type CustomLayers, deserialize } from '../../layers/serialization.js'
import { Model, type ModelOptions, Sequential } from '../../models/index.js'
import type { KerasTensor } from '../../ops/operation.js'

type Place = readonly [layer: string, node: number, tensor: number]
type Call = { readonly args: readonly unknown[] }
type Classes = Readonly<Record<string, (new (options: ModelOptions) => Model) | CustomLayers[string]>>
const isPlace = (value: unknown): value is Place => Array.isArray(value) && value.length === 3 && typeof value[0] === 'string'

export function modelFromJson({ class_name, config }: SerializedObject, classes: Classes): Model {
  const described = config.layers as readonly (SerializedObject & { readonly name: string; readonly inbound_nodes: readonly Call[] })[]
  const made = described.map((layer) =>
    'layers' in layer.config ? modelFromJson(layer, classes) : deserialize(layer, classes as CustomLayers),
  )
  const options = { name: config.name as string }
  const model = class_name === 'Sequential' ? new Sequential(made, options) : connect()
  if (config.trainable === false) model.trainable = false
  return model

  function connect(): Model {
    const layers = new Map<string, Layer>(described.map(({ name }, i) => [name, made[i] as Layer]))
    const outputs = new Map<string, Tree<KerasTensor>[]>()
    const at = ([name, node, index]: Place): KerasTensor | undefined => {
      const found = outputs.get(name)?.[node]
      return (Array.isArray(found) ? found[index] : found) as KerasTensor | undefined
    }
    const resolve = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(resolve)
      return isSerializedObject(value) ? at(value.config.keras_history as Place) : value
    }
    const waiting = described.flatMap(({ name, inbound_nodes: calls }, i) => {
      outputs.set(name, calls.length === 0 ? [made[i]?.output as Tree<KerasTensor>] : [])
      return calls.map((call, index) => ({ name, call, index }))
    })
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const args = next.call.args.map(resolve)
      const calls = outputs.get(next.name) as Tree<KerasTensor>[]
      if (calls.length < next.index || args.flat().includes(undefined)) waiting.push(next)
      else calls.push((layers.get(next.name) as Layer)<Tree<KerasTensor>>(...(args as [KerasTensor])))
    }
    const tensors = (tree: unknown): Tree<KerasTensor> => {
      if (isPlace(tree)) return at(tree) as KerasTensor
      if (Array.isArray(tree)) return tree.map(tensors)
      return Object.fromEntries(Object.entries(tree as object).map(([key, item]) => [key, tensors(item)]))
    }
    const Class = (classes[class_name] ?? Model) as new (options: ModelOptions) => Model
    return new Class({ inputs: tensors(config.input_layers), outputs: tensors(config.output_layers), ...options })
  }
}
