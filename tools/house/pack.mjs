/**
 * `npm run pack`: the framework as it would be published, in build/tarballs. Compiled afresh, so that
 * nothing of an older build gets in; package.json loses what only the repository needs and gains the
 * prebuilt native packages.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../setup/command.mjs'
import { phase } from '../setup/say.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Platforms with a prebuilt add-on (`npm run pack:native` makes the one of the machine it runs on). */
const NATIVE_PLATFORMS = ['linux-x64']

/** Without the `source` condition, which points into the repository. */
function published(map) {
  if (typeof map !== 'object') return map
  const entries = Object.entries(map).filter(([condition]) => condition !== 'source')
  return Object.fromEntries(entries.map(([condition, target]) => [condition, published(target)]))
}

/** Packs into `folder` and gives the tarball's path. */
export function packFramework(folder) {
  const source = join(root, 'packages/ondol')
  const staging = join(root, 'build/package/ondol')
  rmSync(staging, { recursive: true, force: true })
  mkdirSync(staging, { recursive: true })
  mkdirSync(folder, { recursive: true })
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const outputs = ['--outDir', join(staging, 'dist'), '--tsBuildInfoFile', join(staging, 'tsbuildinfo')]
  run(process.execPath, [tsc, '-p', source, ...outputs], { cwd: root })

  const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  const natives = NATIVE_PLATFORMS.map((platform) => [`@ondol/native-${platform}`, manifest.version])
  const finished = {
    ...manifest,
    files: ['dist'],
    imports: published(manifest.imports),
    exports: published(manifest.exports),
    optionalDependencies: Object.fromEntries(natives),
  }
  writeFileSync(join(staging, 'package.json'), `${JSON.stringify(finished, null, 2)}\n`)
  for (const name of ['README.md', 'LICENSE']) cpSync(join(root, name), join(staging, name))

  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const [{ filename }] = JSON.parse(run('npm', args, { cwd: staging, shell: process.platform === 'win32' }))
  return join(folder, filename)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const tarball = phase('packing ondol', () => packFramework(join(root, 'build/tarballs')))
  console.log(tarball)
}
