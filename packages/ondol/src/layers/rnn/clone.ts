/** A second layer like a given one, with weights of its own. */
import { toCamelCase } from '../../core/spelling.js'
import { Layer } from '../layer.js'

/** A new layer of the same class and config, entries of `changes` aside; layers in its config are new ones too. */
export function cloneLayer<L extends Layer>(layer: L, changes: Readonly<Record<string, unknown>> = {}): L {
  const fields = layer as unknown as Readonly<Record<string, unknown>>
  const config = Object.entries(layer.getConfig()).map(([key, value]) => [key, copied(fields[toCamelCase(key)]) ?? value])
  return (layer.constructor as typeof Layer).fromConfig({ ...Object.fromEntries(config), ...changes }) as L
}

/** Layers, or lists of layers, as new ones; nothing for anything else. */
function copied(field: unknown): unknown {
  if (field instanceof Layer) return cloneLayer(field)
  const isList = Array.isArray(field) && field.length > 0 && field.every((item) => item instanceof Layer)
  return isList ? field.map((item: Layer) => cloneLayer(item)) : undefined
}
