/** Models from Keras's JSON. */
import type { CustomObjects } from '../core/custom-objects.js'
import { SavingError } from '../core/errors.js'
import { isSerializedObject } from '../core/spelling.js'
import { knowAllLayers } from '../layers/known.js'
import { deserialize } from '../layers/serialization.js'
import type { SerializedLayer } from '../layers/sharing.js'
import { Model } from './model.js'

export interface FromJsonOptions {
  /** Classes of your own, by the name in the text. */
  readonly customObjects?: CustomObjects | undefined
}

/**
 * The model that `toJson` (here or in Keras) described, with new weights. Nothing but known and given classes is made.
 *
 * @throws SavingError when the text describes no model, or a class is unknown.
 * @example
 * const model = modelFromJson(text, { customObjects: { Block } })
 */
export function modelFromJson(json: string | SerializedLayer, { customObjects = {} }: FromJsonOptions = {}): Model {
  knowAllLayers()
  const description = typeof json === 'string' ? parse(json) : json
  if (!isSerializedObject(description))
    throw new SavingError({ where: 'modelFromJson', problem: 'the JSON describes no model', expected: 'class_name and config' })
  const model = deserialize(description, customObjects)
  if (model instanceof Model) return model
  throw new SavingError({ where: 'modelFromJson', problem: 'the JSON describes a layer, not a model', received: description.class_name })
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new SavingError({ where: 'modelFromJson', problem: 'the text is no JSON', received: json.slice(0, 40), cause })
  }
}
