/** What an outer layer's call tells the calls inside it, and where in the model we are. */
import type { Layer } from './layer.js'

export interface CallContext {
  /** Whether this is training, if anybody said; inner calls inherit it. */
  readonly training: boolean | undefined
  /** The batch size seen inside is made up: the model is being described with symbolic tensors. */
  readonly batchIsUnknown: boolean
}

let context: CallContext | undefined
let path: readonly Layer[] = []

/** The innermost call that is running, if any. */
export const currentCall = (): CallContext | undefined => context

export function withCall<R>(next: CallContext | undefined, body: () => R): R {
  const outer = context
  context = next
  try {
    return body()
  } finally {
    context = outer
  }
}

/** Runs `body` inside `layer`, as far as the paths of Variables are concerned. */
export function insideLayer<R>(layer: Layer, body: () => R): R {
  const outer = path
  if (path.at(-1) !== layer) path = [...path, layer]
  try {
    return body()
  } finally {
    path = outer
  }
}

/** The layers inside which we are, the outermost first. */
export const currentLayers = (): readonly Layer[] => path

/** `model/block/dense`: the path of the layer at hand. */
export const currentPath = (): string => path.map(({ name }) => name).join('/')
