/**
 * `npm run test:consumer`: a project outside the repository that knows only the tarballs. It installs
 * them without a network, compiles against their types, trains on every backend, and bundles for the browser.
 */
import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { CommandError, run } from '../../setup/command.mjs'
import { note, phase } from '../../setup/say.mjs'
import { packFramework } from '../pack.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')
const tarballs = join(root, 'build/tarballs')
const wantsNative = process.env.ONDOL_SKIP_NATIVE !== '1' && existsSync(join(root, 'packages/native/pack.mjs'))

/**
 * Bytes of the minimal page, compressed: what a visitor waits for. Of these about 45 KB are the WebAssembly kernels,
 * fetched when the backend is chosen.
 */
const BUNDLE_LIMIT = 175 * 1024
/**
 * Layers that the minimal page does not use, and one that it does. Losses, metrics and optimizers are known by
 * name ('adam'), so all of them are there: they are small.
 */
const ABSENT = ['LSTM', 'Embedding', 'Conv2D', 'BatchNormalization', 'MaxPooling2D', 'Dropout']
const PRESENT = 'Dense'

/** The tarballs of this moment; the native one only if the add-on has been built. */
function pack() {
  rmSync(tarballs, { recursive: true, force: true })
  const framework = phase('packing ondol', () => packFramework(tarballs))
  if (!wantsNative) return [framework]
  phase('packing the native backend', () => run(process.execPath, [join(root, 'packages/native/pack.mjs')], { cwd: root }))
  return readdirSync(tarballs).map((name) => join(tarballs, name))
}

/** The README's first program: what it promises must at least compile. */
function readmeProgram() {
  const program = /```ts\n(.*?)```/s.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1]
  assert.ok(program !== undefined, 'README.md has a program')
  return program
}

/** An empty project with the tarballs installed and the repository's tools at hand. */
function install(folder, packages) {
  cpSync(join(here, 'project'), folder, { recursive: true })
  writeFileSync(join(folder, 'readme.ts'), readmeProgram())
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  const args = ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', ...packages]
  run('npm', args, { cwd: folder, shell: process.platform === 'win32' })
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  for (const name of ['@types/node', 'undici-types'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction')
}

function typeCheck(folder, resolution) {
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', `tsconfig.${resolution}.json`], { cwd: folder })
}

function train(folder, backend) {
  const output = run(process.execPath, ['out/train.js'], { cwd: folder, env: { ...process.env, ONDOL_BACKEND: backend } })
  const result = JSON.parse(output.trim().split('\n').at(-1))
  assert.equal(result.backend, backend)
  assert.deepEqual(result.shape, [256, 2])
  assert.ok(result.accuracy > 0.95, `accuracy ${result.accuracy} after training on ${backend}`)
  // Nothing of the repository or the system may be what makes it work.
  assert.deepEqual(
    result.libraries.filter((path) => !path.startsWith(folder)),
    [],
  )
  assert.equal(result.libraries.length > 0, backend === 'native')
}

/** The chunks of a page: those that come with it, and those that it asks for when it needs them. */
async function chunksOf(folder, minify) {
  const bundler = await rolldown({ input: join(folder, 'browser.ts'), cwd: folder, platform: 'browser', logLevel: 'silent' })
  const { output } = await bundler.generate({ format: 'esm', minify })
  await bundler.close()
  return new Map(output.map((chunk) => [chunk.fileName, chunk]))
}

/**
 * Size of the minimal page with its backend, and proof that what it does not use is not in it. Files and what reads
 * them are chunks of their own, which a page that does not load models never asks for.
 */
async function bundle(folder) {
  const closure = (chunks) => {
    const seen = new Set()
    const visit = (name) => {
      if (seen.has(name)) return
      seen.add(name)
      chunks
        .get(name)
        .imports.filter((other) => chunks.has(other))
        .forEach(visit)
    }
    for (const chunk of chunks.values()) if (chunk.isEntry || chunk.name === 'wasm') visit(chunk.fileName)
    return [...seen].map((name) => chunks.get(name))
  }
  const readable = closure(await chunksOf(folder, false))
  const text = readable.map(({ code }) => code).join('\n')
  const defines = (name) => new RegExp(`\\b(var ${name}\\d* = class|class ${name}\\d*)\\b`).test(text)
  assert.ok(defines(PRESENT), `${PRESENT} must be in the bundle`)
  assert.deepEqual(ABSENT.filter(defines), [], 'classes that nobody uses are in the bundle')
  assert.ok(!/from ["']node:|import\(["']node:/.test(text), 'the bundle names a Node built-in')

  const small = closure(await chunksOf(folder, true))
  const size = (chunks) => chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
  return { total: size(small), first: size(small.filter(({ name }) => name !== 'wasm')) }
}

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ondol-consumer-')))
try {
  const packages = pack()
  phase('installing in an empty folder', () => install(folder, packages))
  for (const resolution of ['nodenext', 'bundler'])
    phase(`type-checking with ${resolution} resolution`, () => typeCheck(folder, resolution))
  for (const backend of wantsNative ? ['wasm', 'native'] : ['wasm']) phase(`training on ${backend}`, () => train(folder, backend))
  const { total, first } = await bundle(folder)
  console.log(
    `bundle of a minimal MLP: ${(total / 1024).toFixed(1)} KB gzipped in all, ${(first / 1024).toFixed(1)} KB of it at once (limit ${BUNDLE_LIMIT / 1024} KB)`,
  )
  assert.ok(total <= BUNDLE_LIMIT, 'the bundle is too large')
} catch (error) {
  note(error.message, ...(error instanceof CommandError ? error.output.split('\n') : []))
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
