/** The kinds of files that are damaged, by name. */
import { hdf5Kind } from './hdf5.js'
import { jsonKind } from './json.js'
import type { Kind } from './kind.js'
import { npzKind } from './npz.js'
import { safetensorsKind } from './safetensors.js'
import { tensorFlowJsKind } from './tensorflow-js.js'
import { legacyKind, shardsKind, weightsKind } from './weights.js'
import { zipKind } from './zip.js'

export const KINDS = {
  zip: zipKind,
  json: jsonKind,
  hdf5: hdf5Kind,
  weights: weightsKind,
  legacy: legacyKind,
  safetensors: safetensorsKind,
  npz: npzKind,
  'tensorflow-js': tensorFlowJsKind,
  shards: shardsKind,
} as const satisfies Readonly<Record<string, () => Promise<Kind>>>

export type KindName = keyof typeof KINDS
