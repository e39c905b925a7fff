/** Layers to and from the objects that Keras's files describe them with. Names resolve here, or nowhere. */
import { SavingError } from '../core/errors.js'
import { nearest } from '../core/registry.js'
import { isSerializedObject, type SerializedObject } from '../core/spelling.js'
import { Activation, LeakyReLU, ReLU, Softmax } from './activation-layers.js'
import { BatchNormalization } from './batch-normalization.js'
import { Conv1D, Conv2D } from './convolution.js'
import { Dense } from './dense.js'
import { Dropout } from './dropout.js'
import { Embedding } from './embedding.js'
import { GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalMaxPooling1D, GlobalMaxPooling2D } from './global-pooling.js'
import { InputLayer } from './input-layer.js'
import type { Layer } from './layer.js'
import { Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract } from './merging.js'
import { AveragePooling1D, AveragePooling2D, MaxPooling1D, MaxPooling2D } from './pooling.js'
import { Flatten, Permute, Reshape, ZeroPadding1D, ZeroPadding2D } from './reshaping.js'
import { LSTM, LSTMCell } from './rnn/lstm.js'
import { RNN } from './rnn/rnn.js'

/** A class with a static `fromConfig`. */
export interface LayerClass {
  readonly className: string
  readonly name: string
  fromConfig(config: Readonly<Record<string, unknown>>): Layer
}

/** Classes of your own, by the name in the file. */
export type CustomLayers = Readonly<Record<string, LayerClass>>

const CLASSES: readonly LayerClass[] = [
  Activation,
  Add,
  Average,
  AveragePooling1D,
  AveragePooling2D,
  BatchNormalization,
  Concatenate,
  Conv1D,
  Conv2D,
  Dense,
  Dot,
  Dropout,
  Embedding,
  Flatten,
  GlobalAveragePooling1D,
  GlobalAveragePooling2D,
  GlobalMaxPooling1D,
  GlobalMaxPooling2D,
  InputLayer,
  LSTM,
  LSTMCell,
  LeakyReLU,
  Maximum,
  MaxPooling1D,
  MaxPooling2D,
  Minimum,
  Multiply,
  Permute,
  RNN,
  ReLU,
  Reshape,
  Softmax,
  Subtract,
  ZeroPadding1D,
  ZeroPadding2D,
]

const byName: ReadonlyMap<string, LayerClass> = new Map(CLASSES.map((Class) => [Class.className, Class]))

export const serialize = (layer: Layer): SerializedObject => layer.serialize()

/**
 * The layer that `serialize` described, built if it was built.
 *
 * @throws SavingError when there is no such class.
 */
export function deserialize(description: SerializedObject & { readonly build_config?: unknown }, custom: CustomLayers = {}): Layer {
  const name = description.registered_name ?? description.class_name
  const Class = Object.hasOwn(custom, name)
    ? custom[name]
    : Object.hasOwn(custom, description.class_name)
      ? custom[description.class_name]
      : byName.get(description.class_name)
  if (Class === undefined) {
    const known = [...byName.keys(), ...Object.keys(custom)]
    const [near] = nearest(description.class_name, known)
    throw new SavingError({
      problem: `there is no layer class '${description.class_name}'`,
      received: name,
      hint:
        near === undefined
          ? 'pass classes of your own as custom objects'
          : `did you mean '${near}'? Classes of your own are passed as custom objects`,
    })
  }
  // Layers inside, such as the cell of an RNN.
  const isLayerConfig = (value: unknown): value is SerializedObject =>
    isSerializedObject(value) && (byName.has(value.class_name) || Object.hasOwn(custom, value.class_name))
  const config = Object.fromEntries(
    Object.entries(description.config).map(([key, value]) => [key, isLayerConfig(value) ? deserialize(value, custom) : value]),
  )
  const layer = Class.fromConfig(config)
  layer.buildFromConfig((description.build_config ?? null) as Record<string, unknown> | null)
  return layer
}
