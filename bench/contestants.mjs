/** Who takes part: how each is started, and what it needs to be there. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installedPeers, pythonPath } from '../tools/oracle/setup.mjs'
import { rawOneDnn } from './onednn/build.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const script = (name) => join(here, 'contestants', name)

const node = (file, ...rest) => [process.execPath, '--expose-gc', script(file), ...rest]
const python = (file, ...rest) => [pythonPath(), script(file), ...rest]

const built = {
  native: join(here, '../packages/native/build/ondol_native.node'),
  wasm: join(here, '../packages/ondol/dist/index.js'),
}

const ondol = (backend, policy) => ({
  command: () => node('ondol.mjs', backend, policy),
  missing: () => (existsSync(built[backend]) ? undefined : 'not built'),
  isOndol: true,
  environment: { ONDOL_DEBUG: 'fallback' },
})

const peer = (command, module) => ({
  command,
  missing: () => (installedPeers().get(module) === undefined ? `no Python ${module}` : undefined),
})

const tfjs = (mode) => ({
  command: () => node('tfjs_peer.mjs', mode),
  missing: () => (existsSync(join(here, 'node_modules/@tensorflow/tfjs')) ? undefined : 'not installed'),
})

/** `probesOnly` take no part in training, `noProbes` no part in single kernels; `half` computes in bfloat16 and is compared apart. */
export const CONTESTANTS = {
  'ondol native': ondol('native', 'float32'),
  'ondol native bf16': { ...ondol('native', 'mixed_bfloat16'), half: true },
  'ondol wasm': ondol('wasm', 'float32'),
  'torch eager': peer(() => python('torch_peer.py', 'eager'), 'torch'),
  'torch channels_last': peer(() => python('torch_peer.py', 'channels_last'), 'torch'),
  'torch compile': { ...peer(() => python('torch_peer.py', 'compile'), 'torch'), noProbes: true },
  'torch bf16': { ...peer(() => python('torch_peer.py', 'bf16'), 'torch'), half: true },
  'keras tensorflow': { ...peer(() => python('keras_peer.py', 'tensorflow'), 'tensorflow'), noProbes: true },
  'keras jax': { ...peer(() => python('keras_peer.py', 'jax'), 'jax'), noProbes: true },
  'tfjs wasm': tfjs('wasm'),
  'tfjs cpu': { ...tfjs('cpu'), noProbes: true },
  'oneDNN raw': { command: () => node('onednn.mjs'), missing: () => rawOneDnn().missing, probesOnly: true },
}
