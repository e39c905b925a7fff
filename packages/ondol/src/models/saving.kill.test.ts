/** Processes die while they save: what is there is the old model or the new one, whole. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { useBackend } from '../engine/index.js'
import { loadModel } from './index.js'

const here = (path: string): string => new URL(path, import.meta.url).pathname
const KILLS = 8

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

it.each([
  ['a file', 'model.keras', true],
  ['a folder', 'model', false],
])('leaves %s whole', { timeout: 120_000 }, async (_, name, zipped) => {
  const path = join(folder, name)
  for (let kill = 0; kill < KILLS; kill++) {
    await saveAndDie(path, zipped, 3 + kill * 7.3)
    const model = await loadModel(path)
    const [kernel] = model.getWeights()
    const units = kernel?.shape[1]
    for (const weight of model.getWeights()) expect(new Set(Array.from(await weight.data(), Number))).toEqual(new Set([units]))
  }
  // What the dead have left is no more than each one's unfinished save, and the next save takes it away.
  const model = await loadModel(path)
  await model.save(path, { zipped })
  if (!zipped) expect((await readdir(path)).sort()).toEqual(['config.json', 'metadata.json', 'model.weights.h5'])
})
