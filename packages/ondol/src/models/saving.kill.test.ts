/** Processes die while they save: what is there is the old model or the new one, whole. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { useBackend } from '../engine/index.js'
import { dense, Input } from '../layers/index.js'
import { loadModel, type Model, Sequential } from './index.js'

const here = (path: string): string => new URL(path, import.meta.url).pathname
const KILLS = 5

let folder: string
beforeAll(async () => {
  useBackend(createHostBackend())
  folder = await mkdtemp(join(tmpdir(), 'ondol-kill-'))
  await build({
    entryPoints: [here('./testing/endless-saving.ts')],
    outfile: `${folder}/run.mjs`,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    ignoreAnnotations: true,
    // The add-on is looked for beside the file that loads it.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(here('../backends/native/addon.ts')).href) },
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Saves for some milliseconds after the first time, and dies. */
function saveAndDie(path: string, zipped: boolean, milliseconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${folder}/run.mjs`, path, String(zipped)])
    let errors = ''
    child.stderr.on('data', (data) => {
      errors += data
    })
    child.stdout.once('data', () => sleep(milliseconds).then(() => child.kill('SIGKILL')))
    child.on('close', (_, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error(errors))))
  })
}

/** All weights of a model have one value, which is its own. */
async function valueOf(model: Model): Promise<number> {
  const values = new Set<number>()
  for (const weight of model.getWeights()) for (const value of await weight.data()) values.add(Number(value))
  expect(values.size).toBe(1)
  return [...values][0] as number
}

it.each([
  ['a file', 'model.keras', true],
  ['a folder', 'model', false],
  ['a file for Keras 2', 'model.h5', true],
])('leaves %s whole', { timeout: 120_000 }, async (_, name, zipped) => {
  const path = join(folder, name)
  for (let kill = 0; kill < KILLS; kill++) {
    await saveAndDie(path, zipped, 3 + kill * 7.3)
    const model = await loadModel(path)
    expect(await valueOf(model)).toBe(model.getWeights()[0]?.shape[1])
  }
  // What the dead have left is no more than each one's unfinished save, and the next save takes it away.
  const model = await loadModel(path)
  await model.save(path, { zipped })
  if (!zipped) expect((await readdir(path)).sort()).toEqual(['config.json', 'metadata.json', 'model.weights.h5'])
})

it.each(['w.weights.h5', 'w.safetensors', 'w.npz', 'w.h5', 'w.weights.json'])(
  'leaves weights whole: %s',
  { timeout: 120_000 },
  async (name) => {
    const inside = await mkdtemp(join(folder, 'weights-'))
    const path = join(inside, name)
    const model = new Sequential([Input({ shape: [200] }), ...[1, 2, 3].map(() => dense(5))])
    for (let kill = 0; kill < KILLS; kill++) {
      await saveAndDie(path, true, 3 + kill * 7.3)
      await model.loadWeights(path)
      await valueOf(model as unknown as Model)
    }
    if (!name.endsWith('.json')) return
    // The next save takes away what the dead have left: an index, and its shards.
    await model.saveWeights(path, { maxShardSize: 4200 / 2 ** 30 })
    const { weight_map: map } = JSON.parse(await readFile(path, 'utf8')) as { weight_map: Record<string, string | string[]> }
    const left = (await readdir(inside)).filter((file) => !/\.part$/.test(file)).sort()
    expect(left).toEqual([...new Set(Object.values(map).flat()), name].sort())
    await model.loadWeights(path)
  },
)
