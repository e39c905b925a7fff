// Kills training at random moments, also while a checkpoint is written, and starts it again until it is done.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../training/testing/backends.js'

const here = (path: string): string => new URL(path, import.meta.url).pathname

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ondol-kill-'))
  await build({
    entryPoints: [here('./testing/interrupted-run.ts')],
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

interface Life {
  readonly lines: readonly string[]
  readonly errors: string
  /** What training came to, if it lived to its end. */
  readonly result: Record<string, unknown> | undefined
}

/** Runs the program, and kills it when it has said so many lines. */
function live(settings: readonly string[], killAfter = Number.POSITIVE_INFINITY): Promise<Life> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [`${folder}/run.mjs`, ...settings])
    let [text, errors] = ['', '']
    child.stderr.on('data', (data) => {
      errors += data
    })
    child.stdout.on('data', (data) => {
      text += data
      if (text.split('\n').length > killAfter) child.kill('SIGKILL')
    })
    child.on('close', () => {
      const lines = text.split('\n').filter((line) => line !== '')
      const last = lines.find((line) => line.startsWith('result '))
      resolve({ lines, errors, result: last === undefined ? undefined : JSON.parse(last.slice('result '.length)) })
    })
  })
}

const runs = (['native', 'wasm'] as const)
  .filter((name) => backends.includes(name))
  .flatMap((backend) => [
    { backend, saveFreq: '3', copies: 'double' },
    { backend, saveFreq: 'epoch', copies: 'single' },
  ])

describe.each(runs)('BackupAndRestore on $backend, saveFreq $saveFreq', ({ backend, saveFreq, copies }) => {
  it('ends with the same bits, however often it was killed', async () => {
    const settings = (name: string): string[] => [backend, `${folder}/${backend}-${saveFreq}-${name}`, saveFreq, copies]
    const whole = await live(settings('whole'))
    expect(whole.errors).toBe('')
    expect(whole.result).toBeDefined()
    const writings = whole.lines.flatMap((line, i) => (line === 'writing' ? [i + 1] : []))
    const half = writings[Math.floor(writings.length * 0.4)] as number
    const anywhere = (): number => 1 + Math.floor(Math.random() * whole.lines.length * 0.7)
    const kills = [half, anywhere(), anywhere()]
    let life = await live(settings('killed'), kills[0])
    let deaths = 0
    while (life.result === undefined && deaths < 10) {
      expect(life.errors).toBe('')
      life = await live(settings('killed'), kills[++deaths])
    }
    expect(deaths).toBeGreaterThan(0)
    expect(life.result).toEqual(whole.result)
    // Nothing is left behind: no checkpoint, nor parts of one.
    expect(life.result?.left).toEqual([])
  }, 120_000)
})
