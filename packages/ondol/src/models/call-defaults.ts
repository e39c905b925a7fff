/**
 * What Keras writes down of a layer's call in a graph though nobody gave it: the defaults of `training` and `mask` in the
 * signature of the class's `call`. Written here too, so that configs are equal; not taken for given when they are read,
 * as Keras lets the model's own `training` win over them.
 */
import { mapTree, type Tree } from '../core/tree.js'
import type { Layer } from '../layers/layer.js'
import type { SymbolicNode } from '../ops/operation.js'

const RECURRENT = ['ConvLSTM1D', 'ConvLSTM2D', 'ConvLSTM3D', 'GRU', 'LSTM', 'RNN', 'SimpleRNN']
const NOISE = ['AlphaDropout', 'Dropout', 'GaussianDropout', 'GaussianNoise', 'SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D']

/** `training=None`: what stands in a file was given. */
const WITHOUT_DEFAULT = [
  'BatchNormalization',
  'Bidirectional',
  'Functional',
  'Lambda',
  'MultiHeadAttention',
  'Sequential',
  'TimeDistributed',
]
const FALSE_BY_DEFAULT = new Set([...RECURRENT, ...NOISE, 'SpectralNormalization'])
const WITH_MASK = new Set([
  ...RECURRENT,
  ...WITHOUT_DEFAULT.filter((name) => name !== 'MultiHeadAttention'),
  'GlobalAveragePooling1D',
  'Softmax',
])

type ByDefault = Readonly<Record<string, unknown>>

const trainsByDefault = ({ constructor }: Layer): boolean => (constructor as typeof Layer).trainsByDefault

/** What Keras writes of a call that was given no more than a tensor, or a list of tensors. */
export function defaultsOf(layer: Layer, { args, options, inputs }: SymbolicNode): ByDefault {
  const { className, module } = layer
  const isPlain = args.length === 1 && Object.keys(options).every((name) => name === 'mask')
  if (!module.startsWith('keras') || !isPlain) return {}
  // A mask comes with its tensor, there as here.
  const hasMask = inputs.some(({ mask }) => mask !== undefined)
  return {
    ...(trainsByDefault(layer) ? { training: true } : FALSE_BY_DEFAULT.has(className) && { training: false }),
    ...(WITH_MASK.has(className) && !hasMask && { mask: mapTree(args[0] as Tree<unknown>, () => null) }),
  }
}

/** The named arguments of a call in a file without those that are defaults. */
export function withoutDefaults(layer: Layer, kwargs: ByDefault): ByDefault {
  const { training, ...others } = kwargs
  const isDefault = training === trainsByDefault(layer) && !WITHOUT_DEFAULT.includes(layer.className)
  return isDefault ? others : kwargs
}
