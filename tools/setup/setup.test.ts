import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CommandError, run, tryRun } from './command.mjs'
import { fingerprint, whenChanged } from './fingerprint.mjs'
import { missingNodePackages } from './node-packages.mjs'
import { adviceFor, debianPackagesOf } from './system-packages.mjs'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ondol-setup-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('missingNodePackages', () => {
  const lock = (packages: Record<string, object>): string => JSON.stringify({ packages })
  const wanted = {
    '': { name: 'root' },
    'node_modules/vitest': { version: '4.1.12' },
    'node_modules/ondol': { resolved: 'packages/ondol', link: true },
    'node_modules/@esbuild/aix-ppc64': { version: '1.0.0', optional: true },
    'packages/ondol': { version: '0.1.0' },
  }

  it('names what is absent or of another version, and no optional package of another platform', async () => {
    await writeFile(join(folder, 'package-lock.json'), lock(wanted))
    expect(missingNodePackages(folder)).toEqual(['vitest', 'ondol'])

    await mkdir(join(folder, 'node_modules/ondol'), { recursive: true })
    await writeFile(join(folder, 'node_modules/.package-lock.json'), lock({ 'node_modules/vitest': { version: '4.0.0' } }))
    expect(missingNodePackages(folder)).toEqual(['vitest'])

    await writeFile(join(folder, 'node_modules/.package-lock.json'), lock({ 'node_modules/vitest': { version: '4.1.12' } }))
    expect(missingNodePackages(folder)).toEqual([])
  })
})

describe('whenChanged', () => {
  it('builds once for the same files, again after a change, and again after a failure', async () => {
    const source = join(folder, 'source.cc')
    const stamp = join(folder, 'build/stamp')
    const build = vi.fn()
    const visit = (): void => whenChanged(stamp, fingerprint([folder], { skip: ['build'] }), build)
    await writeFile(source, 'int main() {}')
    visit()
    visit()
    expect(build).toHaveBeenCalledTimes(1)
    await utimes(source, 1, 1)
    build.mockImplementationOnce(() => {
      throw new Error('does not compile')
    })
    expect(visit).toThrow('does not compile')
    visit()
    visit()
    expect(build).toHaveBeenCalledTimes(3)
  })

  it('sees a file that appears or goes', async () => {
    const path = join(folder, 'header.h')
    const before = fingerprint([path])
    await writeFile(path, '')
    expect(fingerprint([path])).not.toBe(before)
  })
})

describe('commands', () => {
  it('give their output, and show it when they fail', () => {
    expect(run(process.execPath, ['-e', 'console.log(42)'])).toBe('42\n')
    expect(tryRun('no-such-program-anywhere', [])).toBeUndefined()
    const fail = (): string => run(process.execPath, ['-e', 'console.log("out"); console.error("err"); process.exit(3)'])
    expect(fail).toThrow(/ended with status 3$/)
    try {
      fail()
    } catch (error) {
      expect((error as CommandError).output).toBe('out\nerr')
    }
    expect(() => run('no-such-program-anywhere', [])).toThrow(CommandError)
  })
})

describe('adviceFor', () => {
  it('names what is missing and says what happens without it', () => {
    const advice = adviceFor(['oneDNN', 'fashionMnist'])
    expect(advice[0]).toMatch(/^missing: oneDNN 2\.6 or newer/)
    expect(advice).toContain('going on without the native backend: everything works on WASM, more slowly')
    expect(advice).toContain('Fashion-MNIST will be downloaded when first asked for (30 MB)')
    expect(adviceFor(['fashionMnist']).join()).not.toContain('WASM')
  })

  it('knows the Debian packages', () => {
    expect(debianPackagesOf(['compiler', 'oneDNN', 'fashionMnist'])).toEqual(['g++', 'libdnnl-dev', 'dataset-fashion-mnist'])
  })
})
