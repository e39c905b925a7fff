/**
 * Saving and loading a model of some gigabytes: time beside a plain copy of the file, throughput, and the highest resident size of
 * the process, in all and beyond the weights. `.weights.json` are shards of a gigabyte, `.h5` is a whole model.
 * Run: node bench/saving.mjs [GIGABYTES] [FORMAT...]
 */

import { fork } from 'node:child_process'
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync } from 'node:fs'
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
  const whole = /model\.(keras|h5)$/.test(path)
  const model = what === 'save' || !whole ? make() : undefined
  // Zeros may take no memory until they are written.
  for (const variable of model?.weights ?? []) variable.assign(ops.full(variable.shape, 0.5))
  const shards = path.endsWith('.weights.json') ? { maxShardSize: 1 } : {}
  const start = performance.now()
  if (what === 'save') await (whole ? model.save(path) : model.saveWeights(path, shards))
  else if (whole) await loadModel(path)
  else await model.loadWeights(path)
  const seconds = (performance.now() - start) / 1000
  process.send({ seconds, peak: highestMemory() })
}

/** The most memory that this process had in use. */
function highestMemory() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024
  return 1024 * Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'latin1'))[1])
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
    console.log(
      '| format | GB | read | copy | save | load | save GB/s | load GB/s | highest memory, GB: save | load | beyond the weights, MB: save | load |',
    )
    console.log('|---|---|---|---|---|---|---|---|---|---|---|---|')
    for (const format of formats) {
      const inside = join(folder, 'files')
      mkdirSync(inside)
      const path = join(inside, `model${format}`)
      const save = await run('save', path, gigabytes)
      const files = readdirSync(inside).map((name) => join(inside, name))
      const size = files.reduce((sum, file) => sum + statSync(file).size, 0)
      const read = best(() => files.forEach(readThrough))
      const copy = best(() => {
        for (const file of files) copyFileSync(file, join(folder, 'copy'))
      })
      rmSync(join(folder, 'copy'))
      const load = await run('load', path, gigabytes)
      const times = [read, copy, save.seconds, load.seconds].map((seconds) => `${seconds.toFixed(2)} s`)
      const rates = [save, load].map(({ seconds }) => (size / GIGA / seconds).toFixed(2))
      const beyond = [save, load].map(({ peak }) => Math.round((peak - size) / 2 ** 20))
      console.log(`| ${[format, gb(size), ...times, ...rates, gb(save.peak), gb(load.peak), ...beyond].join(' | ')} |`)
      rmSync(inside, { recursive: true })
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--step') await step(...rest)
else await measure(Number(first ?? 1), rest.length > 0 ? rest : ['.keras', '.weights.h5', '.weights.json', '.safetensors', '.npz', '.h5'])
