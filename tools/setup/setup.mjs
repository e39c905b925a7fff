/**
 * Makes a fresh clone ready: npm packages, system packages, the native add-on, the TypeScript build.
 * Each phase looks first and does nothing when its result is there, so a second run is quick and needs
 * no network. Plain Node, no dependencies: it runs before anything is installed.
 *
 * ONDOL_SKIP_NATIVE=1 leaves the native backend out.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommandError, run } from './command.mjs'
import { fingerprint, whenChanged } from './fingerprint.mjs'
import { installNodePackages, missingNodePackages } from './node-packages.mjs'
import { note, phase } from './say.mjs'
import { adviceFor, canInstall, debianPackagesOf, hasNativeTools, installDebianPackages, unmetNeeds } from './system-packages.mjs'

const MINIMUM_NODE = 20
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const wantsNative = process.env.ONDOL_SKIP_NATIVE !== '1'

function checkNode() {
  if (Number.parseInt(process.versions.node, 10) >= MINIMUM_NODE) return
  note(
    `ondol needs Node.js ${MINIMUM_NODE} or newer; this is ${process.version}.`,
    'Get it from https://nodejs.org or with a version manager (nvm install 22).',
  )
  process.exit(1)
}

function ensureNodePackages() {
  const missing = missingNodePackages(root)
  if (missing.length > 0) phase(`installing npm packages (${missing.length} missing or changed)`, () => installNodePackages(root))
}

function ensureSystemPackages() {
  const needs = unmetNeeds({ native: wantsNative })
  if (needs.length === 0) return
  if (canInstall()) {
    const packages = debianPackagesOf(needs)
    try {
      phase(`installing ${packages.join(', ')} with apt-get`, () => installDebianPackages(packages))
    } catch (error) {
      note(lastLine(error))
    }
  }
  const left = unmetNeeds({ native: wantsNative })
  if (left.length > 0) note(...adviceFor(left))
}

/** Compiles the add-on when its sources or oneDNN have changed; a failure is told, and WASM takes over. */
function ensureNative() {
  const folder = join(root, 'packages/native')
  const script = join(folder, 'build.mjs')
  if (!wantsNative || !existsSync(script) || !hasNativeTools()) return
  const sources = [
    join(folder, 'src'),
    script,
    join(folder, 'package.json'),
    '/usr/include/dnnl_version.h',
    '/usr/include/oneapi/dnnl/dnnl_version.h',
  ]
  const print = fingerprint(sources, { skip: ['build', 'dist', 'node_modules'] })
  try {
    whenChanged(join(folder, 'build/setup.stamp'), print, () =>
      phase('compiling the native backend', () => run(process.execPath, [script], { cwd: folder })),
    )
  } catch (error) {
    note(error.message, ...outputOf(error), 'going on without the native backend: everything works on WASM, more slowly')
  }
}

function ensureTypeScript() {
  const folder = join(root, 'packages/ondol')
  const dist = join(folder, 'dist')
  const typescript = join(root, 'node_modules/typescript')
  const sources = [
    join(folder, 'src'),
    join(folder, 'tsconfig.json'),
    join(folder, 'package.json'),
    join(root, 'tsconfig.base.json'),
    join(root, 'tsconfig.json'),
    join(root, 'examples'),
    join(typescript, 'package.json'),
  ]
  whenChanged(join(dist, 'setup.stamp'), fingerprint(sources), () =>
    phase('building TypeScript', () => run(process.execPath, [join(typescript, 'bin/tsc'), '-b', root], { cwd: root })),
  )
}

const outputOf = (error) => (error instanceof CommandError ? error.output.split('\n') : [])
const lastLine = (error) => outputOf(error).at(-1) ?? error.message

try {
  checkNode()
  ensureNodePackages()
  ensureSystemPackages()
  ensureNative()
  ensureTypeScript()
} catch (error) {
  note(error.message, ...outputOf(error))
  if (!(error instanceof CommandError)) throw error
  process.exit(1)
}
