/**
 * Compares ondol with its peers on whole training steps, predictions and single kernels, and prints one table.
 *
 * Run: npm run bench -- [--models mlp,convnet] [--contestants ondol,torch] [--rounds 5] [--quick] [--no-probes]
 *                       [--threads 2] [--limit seconds] [--out folder]
 *
 * `--contestants` takes beginnings of names. Peers that cannot be installed are reported as missing. Fails if a training step of
 * ondol ran a primitive on the host backend, or could not run at all.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setUpPython } from '../tools/oracle/setup.mjs'
import { CommandError, run } from '../tools/setup/command.mjs'
import { note, phase } from '../tools/setup/say.mjs'
import { CONTESTANTS } from './contestants.mjs'
import { describeMachine } from './machine.mjs'
import { measureModel, measureProbes } from './measure.mjs'
import { MODELS, PROBES } from './models.mjs'
import { markdown } from './report.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: Object.keys(MODELS).join(',') },
    contestants: { type: 'string', default: '' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'no-probes': { type: 'boolean', default: false },
    threads: { type: 'string', default: '2' },
    limit: { type: 'string' },
    out: { type: 'string', default: join(here, 'build') },
  },
})

const names = options.models.split(',').filter(Boolean)
const unknown = names.filter((name) => !(name in MODELS))
if (unknown.length) {
  console.error(`There is no model ${unknown.join(', ')}; there are ${Object.keys(MODELS).join(', ')}.`)
  process.exit(2)
}
const wanted = options.contestants.split(',').filter(Boolean)
const chosen = Object.entries(CONTESTANTS).filter(([name]) => wanted.length === 0 || wanted.some((beginning) => name.startsWith(beginning)))

function setUpPeers() {
  if (chosen.some(([name]) => name.startsWith('torch') || name.startsWith('keras'))) setUpPython()
  if (chosen.some(([name]) => name.startsWith('tfjs')) && !existsSync(join(here, 'node_modules/@tensorflow/tfjs'))) {
    try {
      phase('installing TensorFlow.js for comparison', () =>
        run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: here }),
      )
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      note(`${error.message}; going on without it`)
    }
  }
}

const tell = process.stderr.isTTY ? (text) => process.stderr.write(`\r\x1b[K${text}`) : () => {}
const settings = {
  rounds: Number(options.rounds ?? (options.quick ? 3 : 7)),
  threads: Number(options.threads),
  quick: options.quick,
  limit: Number(options.limit ?? (options.quick ? 120 : 300)) * 1000,
  tell,
}

/** All contestants of a model in groups that fit in memory; the first one is in every group and ties them together. */
function groups(name) {
  const { together = Number.POSITIVE_INFINITY, skip = [] } = MODELS[name]
  const training = chosen.filter(([contestant, { probesOnly }]) => !probesOnly && !skip.includes(contestant))
  if (training.length <= together) return [new Map(training)]
  const [reference, ...others] = training
  const found = []
  for (let i = 0; i < others.length; i += together - 1) found.push(new Map([reference, ...others.slice(i, i + together - 1)]))
  return found
}

/** Puts groups together: times are scaled so that the reference is equally fast in each. */
function merge(measured) {
  const [first, ...rest] = measured.map((results) => Object.fromEntries(results))
  const [reference] = Object.keys(first)
  for (const results of rest) {
    const scale = first[reference].stepMs && results[reference].stepMs ? first[reference].stepMs / results[reference].stepMs : 1
    for (const [name, result] of Object.entries(results)) {
      if (name in first) continue
      first[name] = result.stepMs === undefined ? result : { ...result, stepMs: result.stepMs * scale, scaledBy: scale }
    }
  }
  return first
}

setUpPeers()
const machine = describeMachine(settings.threads)
const disturbance = []
const models = {}
for (const name of names) {
  const measured = []
  for (const group of groups(name)) measured.push(await measureModel(name, group, { ...settings, disturbance }))
  models[name] = merge(measured)
}
const probes = options['no-probes']
  ? undefined
  : await measureProbes(PROBES, new Map(chosen.filter(([, { noProbes }]) => !noProbes)), {
      ...settings,
      rounds: Math.min(3, settings.rounds),
    })
tell('')

const versions = {}
const failures = []
for (const [model, results] of Object.entries(models)) {
  for (const [name, result] of Object.entries(results)) {
    Object.assign(versions, result.versions)
    if (!CONTESTANTS[name].isOndol) continue
    for (const what of result.fallbacks ?? []) failures.push(`${name} ran on the host backend in a step of ${model}: ${what}`)
    if (result.failed) failures.push(`${name} could not train ${model}: ${result.failed}`)
  }
}
const report = { machine, versions, settings: { ...settings, tell: undefined }, disturbance, models, probes, failures }
const text = markdown(report, MODELS, CONTESTANTS)
mkdirSync(options.out, { recursive: true })
writeFileSync(join(options.out, 'report.json'), `${JSON.stringify(report, null, 1)}\n`)
writeFileSync(join(options.out, 'report.md'), text)
console.log(text)
process.exit(failures.length > 0 ? 1 : 0)
