/**
 * Every layer and op, by name. Whoever reads descriptions of models asks for it; a program that makes its models
 * itself does without, and its bundle keeps only the layers that it names.
 */
import * as ops from '../ops/index.js'
import * as applicationLayers from './application-layers.js'
import * as catalogue from './catalogue.js'
import { registerLayerClasses, registerOps } from './serialization.js'

let isDone = false

/** Makes all of Keras's layers and ops known to `deserialize`. */
export function knowAllLayers(): void {
  if (isDone) return
  isDone = true
  registerLayerClasses(catalogue)
  registerLayerClasses(applicationLayers)
  registerOps(ops)
  registerOps(ops.image)
}

knowAllLayers()
