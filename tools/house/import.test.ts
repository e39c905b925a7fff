/** Importing the package loads the backend that will run, and no other. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('../../packages/ondol/', import.meta.url))

/** Files of the built package that an import loads, as Node's own module loader reports them. */
async function filesLoaded(backend: string): Promise<string[]> {
  const program = `
    import { register } from 'node:module'
    const hook = 'export async function load(url, context, next) { process._rawDebug(url); return next(url, context) }'
    register('data:text/javascript,' + encodeURIComponent(hook))
    const { getBackend } = await import('ondol')
    console.log(getBackend())`
  const environment = { ...process.env, ONDOL_BACKEND: backend }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: folder,
    env: environment,
  })
  expect(stdout.trim()).toBe(backend)
  return stderr.split('\n').filter((line) => line.includes('/dist/'))
}

describe('importing ondol', () => {
  it.each(['wasm', 'host'])('loads the %s backend alone', async (backend) => {
    const files = await filesLoaded(backend)
    expect(files.length).toBeGreaterThan(20)
    const backends = new Set(files.flatMap((file) => /\/backends\/(host|wasm|native|webgpu)\//.exec(file)?.[1] ?? []))
    expect([...backends]).toEqual([backend])
  })
})
