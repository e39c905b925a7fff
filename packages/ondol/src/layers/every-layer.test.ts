/** The harness on every layer: who adds a layer adds a line to a table in `testing/cases`. */
import { describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { useBackend } from '../engine/index.js'
import { readVectors } from '../testing/vectors.js'
import * as layers from './index.js'
import { attention } from './testing/cases/attention.js'
import { convolution } from './testing/cases/convolution.js'
import { activations, core } from './testing/cases/core.js'
import { images } from './testing/cases/image.js'
import { merging } from './testing/cases/merging.js'
import { noise, normalization } from './testing/cases/normalization.js'
import { pooling } from './testing/cases/pooling.js'
import { preprocessing } from './testing/cases/preprocessing.js'
import { cells, recurrent } from './testing/cases/recurrent.js'
import { reshaping } from './testing/cases/reshaping.js'
import { runLayerTest } from './testing/run-layer-test.js'

useBackend(createHostBackend())

const FAMILIES = {
  activations,
  attention,
  cells,
  convolution,
  core,
  images,
  merging,
  noise,
  normalization,
  pooling,
  preprocessing,
  recurrent,
  reshaping,
}

/** Classes that are not run, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  Layer: 'the base of all layers: layer.test.ts',
  Wrapper: 'the base of wrappers, without a call: a wrapper of one’s own is run',
  InputLayer: 'is not called: layers.test.ts',
  RNNCell: 'the abstract base of cells',
  DropoutRNNCell: 'the abstract base of cells with dropout',
  ConvLSTMCell: 'runs inside ConvLSTM1D, 2D and 3D',
}

/** Names of Keras that are no layers of ondol, and why. */
const NOT_LAYERS: Readonly<Record<string, string>> = {
  InputSpec: 'describes inputs',
  FlaxLayer: 'wraps a module of Flax',
  JaxLayer: 'wraps a function of JAX',
  TFSMLayer: 'wraps a SavedModel of TensorFlow',
  TorchModuleWrapper: 'wraps a module of PyTorch',
  TernaryDense: 'is quantized',
}

for (const [family, cases] of Object.entries(FAMILIES))
  describe(family, () => {
    for (const [title, layerCase] of Object.entries(cases)) runLayerTest(title, layerCase)
  })

describe('the tables', () => {
  const isLayer = (value: unknown): value is typeof layers.Layer =>
    value === layers.Layer || (typeof value === 'function' && value.prototype instanceof layers.Layer)
  const exported = new Map(
    Object.values(layers as Readonly<Record<string, unknown>>).flatMap((value) =>
      isLayer(value) ? [[value, value.className] as const] : [],
    ),
  )
  const made = new Set<unknown>(Object.values(FAMILIES).flatMap((cases) => Object.values(cases).map(({ make }) => make({}).constructor)))
  const nameOf = (Class: typeof layers.Layer): string => (Object.hasOwn(Class, 'className') ? Class.className : Class.name)

  it('run every layer that is exported', () => {
    const forgotten = [...exported.keys()].filter((Class) => !made.has(Class)).map(nameOf)
    expect(forgotten.sort()).toEqual(Object.keys(NOT_RUN).sort())
  })

  it('run every layer of Keras', () => {
    const { layers: named } = readVectors<{ layers: Record<string, { kind: string }> }>('inventory')
    const classes = Object.entries(named).flatMap(([name, { kind }]) => (kind === 'class' ? [name] : []))
    const byName = layers as Readonly<Record<string, unknown>>
    const forgotten = classes.filter((name) => !made.has(byName[name]))
    const excused = Object.keys({ ...NOT_RUN, ...NOT_LAYERS }).filter((name) => classes.includes(name))
    expect(forgotten.sort()).toEqual(excused.sort())
  })
})
