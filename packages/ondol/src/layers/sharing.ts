/**
 * Layers that stand in several places of one description: a layer used by an outer model and by a model in it
 * is written twice, and must come back as one. Keras marks such objects with `shared_object_id`.
 */
import type { SerializedObject } from '../core/spelling.js'
import type { Layer } from './layer.js'

/** A layer as it stands in a file, with everything that Keras may write beside the config. */
export interface SerializedLayer extends SerializedObject {
  readonly build_config?: Readonly<Record<string, unknown>> | null
  readonly compile_config?: Readonly<Record<string, unknown>> | null
  readonly shared_object_id?: number
}

interface Written {
  readonly description: SerializedLayer & { shared_object_id?: number }
  id?: number
}

let written: Map<Layer, Written> | undefined
let nextId = 1

/** Runs `body`, in which layers that are written more than once are marked as shared. */
export function whileWriting<R>(body: () => R): R {
  if (written !== undefined) return body()
  written = new Map()
  nextId = 1
  try {
    return body()
  } finally {
    written = undefined
  }
}

/** To be told of every layer that is written. */
export function markIfShared<D extends SerializedLayer>(layer: Layer, description: D): D {
  const earlier = written?.get(layer)
  if (earlier === undefined) {
    written?.set(layer, { description })
    return description
  }
  earlier.id ??= nextId++
  earlier.description.shared_object_id = earlier.id
  return Object.assign(description, { shared_object_id: earlier.id })
}

let read: { readonly byId: Map<number, Layer>; readonly all: [description: SerializedLayer, layer: Layer][] } | undefined

/** Runs `body`, in which descriptions that are marked as shared give one layer. */
export function whileReading<R>(body: () => R): R {
  if (read !== undefined) return body()
  read = { byId: new Map(), all: [] }
  try {
    return body()
  } finally {
    read = undefined
  }
}

/** The layer of this description, if it is shared and was made before; else `make` makes it. */
export function sharedOr(description: SerializedLayer, make: () => Layer): Layer {
  const id = description.shared_object_id
  const known = id === undefined ? undefined : (read?.byId.get(id) ?? earlierTwin(description))
  const layer = known ?? make()
  if (id !== undefined) read?.byId.set(id, layer)
  if (known === undefined) read?.all.push([description, layer])
  return layer
}

/** Keras often leaves the id off where an object stands for the first time; it is known by having the same name and config. */
function earlierTwin({ class_name, config }: SerializedLayer): Layer | undefined {
  const own = JSON.stringify([class_name, config])
  return read?.all.find(([earlier]) => JSON.stringify([earlier.class_name, earlier.config]) === own)?.[1]
}
