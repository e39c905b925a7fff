/**
 * `npm run pack:native`: the prebuilt package of this machine's platform, in build/tarballs. Beside the add-on lie
 * oneDNN, OpenMP and what they need, so that it runs where neither a compiler nor oneDNN is installed.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = dirname(fileURLToPath(import.meta.url))
const root = dirname(dirname(folder))
const addon = join(folder, 'build/ondol_native.node')
const platform = `${process.platform}-${process.arch}`

/** Libraries that no system can be expected to have. */
const BUNDLED = /^(libdnnl|libgomp|libOpenCL)\./
/** Debian's packages of them, for their licences. */
const DEBIAN_PACKAGES = { libdnnl: 'libdnnl2', libgomp: 'libgomp1', libOpenCL: 'ocl-icd-libopencl1' }

if (process.platform !== 'linux') throw new Error(`packing is made for Linux; this is ${platform}`)
execFileSync(process.execPath, [join(folder, 'build.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] })

const staging = join(root, 'build/package', `native-${platform}`)
const tarballs = join(root, 'build/tarballs')
rmSync(staging, { recursive: true, force: true })
mkdirSync(staging, { recursive: true })
mkdirSync(tarballs, { recursive: true })

copyFileSync(addon, join(staging, basename(addon)))
execFileSync('strip', ['--strip-unneeded', join(staging, basename(addon))])
const libraries = [
  ...execFileSync('ldd', [addon])
    .toString()
    .matchAll(/^\s*(\S+) => (\S+)/gm),
].filter(([, name]) => BUNDLED.test(name))
for (const [, name, path] of libraries) copyFileSync(path, join(staging, name))

const { version, license } = JSON.parse(readFileSync(join(root, 'packages/ondol/package.json'), 'utf8'))
const manifest = {
  name: `@ondol/native-${platform}`,
  version,
  description: `The native backend of ondol, prebuilt for ${platform}`,
  license,
  os: [process.platform],
  cpu: [process.arch],
  libc: ['glibc'],
  main: basename(addon),
}
writeFileSync(join(staging, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
const contents = libraries.map(([, name]) => `- ${name}`).join('\n')
writeFileSync(
  join(staging, 'README.md'),
  `# ${manifest.name}\n\n${manifest.description}. Installed by \`npm install ondol\`; holds\n\n- ${manifest.main}\n${contents}\n`,
)
copyFileSync(join(root, 'LICENSE'), join(staging, 'LICENSE'))
for (const [, name] of libraries) {
  const notice = `/usr/share/doc/${DEBIAN_PACKAGES[name.split('.')[0]]}/copyright`
  if (existsSync(notice)) copyFileSync(notice, join(staging, `LICENSE.${name.split('.')[0]}`))
}

const [{ filename }] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', tarballs], { cwd: staging }).toString(),
)
console.log(join(tarballs, filename))
