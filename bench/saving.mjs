/**
 * Saving and loading a model of some gigabytes: time beside a plain copy of the file, and the most memory that was used
 * beside the model. Run: node bench/saving.mjs [GIGABYTES] [FORMAT...]
 */

import { fork } from 'node:child_process'
import { closeSync, copyFileSync, mkdtempSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const GIGA = 2 ** 30
const SIDE = 4096
const LAYER_BYTES = SIDE * SIDE * 4

/** One step, alone in its process: what it took and its highest memory. */
async function step(what, path, gigabytes) {
  const { Input, layers, loadModel, ops, Sequential } = await import('ondol')
  const make = () =>
    new Sequential([
      Input({ shape: [SIDE] }),
      ...Array.from({ length: Math.round((gigabytes * GIGA) / LAYER_BYTES) }, () =>
        layers.dense(SIDE, { useBias: false, kernelInitializer: 'zeros' }),
      ),
    ])
  const whole = path.endsWith('.keras')
  const model = what === 'save' || !whole ? make() : undefined
  // Zeros may take no memory until they are written.
  for (const variable of model?.weights ?? []) variable.assign(ops.full(variable.shape, 0.5))
  const before = process.memoryUsage().rss
  const start = performance.now()
  if (what === 'save') await (whole ? model.save(path) : model.saveWeights(path))
  else if (whole) await loadModel(path)
  else await model.loadWeights(path)
  const seconds = (performance.now() - start) / 1000
  process.send({ seconds, before, peak: process.resourceUsage().maxRSS * 1024 })
}

const run = (...args) =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--step', ...args.map(String)])
    child.on('message', resolve)
    child.on('close', (code) => code !== 0 && reject(new Error(`${args.join(' ')}: ended with ${code}`)))
  })

/** The fastest of three, as for all of them: the file lies in the memory of the system. */
function best(action) {
  return Math.min(
    ...[0, 1, 2].map(() => {
      const start = performance.now()
      action()
      return (performance.now() - start) / 1000
    }),
  )
}

function readThrough(path) {
  const part = Buffer.allocUnsafe(2 ** 22)
  const file = openSync(path, 'r')
  while (readSync(file, part) > 0);
  closeSync(file)
}

async function measure(gigabytes, formats) {
  const folder = mkdtempSync(join(process.env.ONDOL_BENCH_FOLDER ?? tmpdir(), 'ondol-saving-'))
  const gb = (bytes) => (bytes / GIGA).toFixed(2)
  try {
    console.log('| format | GB | read | copy | save | load | load / copy | peak memory: save | load |')
    console.log('|---|---|---|---|---|---|---|---|---|')
    for (const format of formats) {
      const path = join(folder, `model${format}`)
      const save = await run('save', path, gigabytes)
      const { size } = statSync(path)
      const read = best(() => readThrough(path))
      const copy = best(() => copyFileSync(path, join(folder, 'copy')))
      const load = await run('load', path, gigabytes)
      const cells = [format, gb(size), ...[read, copy, save.seconds, load.seconds].map((seconds) => `${seconds.toFixed(2)} s`)]
      console.log(`| ${[...cells, (load.seconds / copy).toFixed(2), gb(save.peak), gb(load.peak)].join(' | ')} |`)
      rmSync(path)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--step') await step(...rest)
else await measure(Number(first ?? 1), rest.length > 0 ? rest : ['.keras', '.weights.h5', '.safetensors', '.npz', '.h5'])
