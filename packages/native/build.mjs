// Builds build/ondol_native.node with the system's C++ compiler: `node build.mjs [--debug]`.
// Compiles what changed (sources, headers, flags) in parallel and links; a second run does nothing.
// CXX chooses the compiler; ONEDNN_ROOT a oneDNN other than the system's.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const source = join(root, 'src')
const output = join(root, 'build')
const compiler = process.env.CXX ?? 'g++'
const oneDnn = process.env.ONEDNN_ROOT
const headers = createRequire(import.meta.url)('node-api-headers').include_dir

const flags = [
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-fopenmp',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  `-I${headers}`,
  ...(oneDnn === undefined ? [] : [`-I${join(oneDnn, 'include')}`]),
  ...(process.argv.includes('--debug') ? ['-g'] : []),
]

/** The vector code is compiled once for each of these. The baseline comes first: shared inline functions are taken from the first object. */
const SIMD = [
  { table: 'kSimdBaseline', name: process.arch === 'arm64' ? 'NEON' : 'SSE2', flags: [] },
  ...(process.arch === 'x64'
    ? [
        { table: 'kSimdAvx2', name: 'AVX2', flags: ['-mavx2', '-mfma', '-mf16c'] },
        {
          table: 'kSimdAvx512',
          name: 'AVX-512',
          flags: ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx2', '-mfma', '-mf16c', '-mprefer-vector-width=512'],
        },
      ]
    : []),
]

const files = readdirSync(source, { recursive: true }).map(String)
const shared = hash(
  files
    .filter((file) => file.endsWith('.h'))
    .sort()
    .map((file) => readFileSync(join(source, file), 'utf8'))
    .join('\0'),
)
const plain = files.filter((file) => file.endsWith('.cc') && !file.includes('simd_unit')).sort()
const units = [
  ...plain.map((file) => ({ file, object: `${file.replaceAll(/[\\/]/g, '_')}.o`, flags: [] })),
  ...SIMD.map(({ table, name, flags }) => ({
    file: join('simd', 'simd_unit.cc'),
    object: `${table}.o`,
    flags: [...flags, `-DONDOL_SIMD_TABLE=${table}`, `-DONDOL_SIMD_NAME="${name}"`],
  })),
]

mkdirSync(output, { recursive: true })
const stampFile = join(output, 'stamps.json')
const stamps = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {}
const target = join(output, 'ondol_native.node')

const stale = units.flatMap((unit) => {
  const stamp = hash([compiler, ...flags, ...unit.flags, shared, readFileSync(join(source, unit.file), 'utf8')].join('\0'))
  const fresh = stamps[unit.object] === stamp && existsSync(join(output, unit.object))
  return fresh ? [] : [{ ...unit, stamp }]
})

if (stale.length > 0 || !existsSync(target)) {
  // Longest first, so that the last one to end is short.
  const queue = stale.sort((a, b) => Number(b.file.includes('simd_unit')) - Number(a.file.includes('simd_unit')))
  const worker = async () => {
    for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) {
      await run([...flags, ...unit.flags, '-c', join(source, unit.file), '-o', join(output, unit.object)])
      stamps[unit.object] = unit.stamp
      writeFileSync(stampFile, JSON.stringify(stamps))
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  const libraries = oneDnn === undefined ? ['-ldnnl'] : [`-L${join(oneDnn, 'lib')}`, '-ldnnl']
  // An RPATH (not RUNPATH) also serves the libraries that libdnnl itself needs, see pack.mjs.
  const linker =
    process.platform === 'darwin'
      ? ['-undefined', 'dynamic_lookup', '-Wl,-rpath,@loader_path']
      : ['-Wl,--disable-new-dtags,-rpath,$ORIGIN', '-Wl,--gc-sections']
  await run(['-shared', '-fopenmp', '-o', target, ...units.map(({ object }) => join(output, object)), ...libraries, ...linker])
  console.log(`built ${target}`)
}

function hash(text) {
  return createHash('sha256').update(text).digest('hex')
}

function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, args, { stdio: 'inherit' })
    child.on('error', () =>
      reject(
        new Error(`the C++ compiler '${compiler}' cannot be started: install it (Debian: apt-get install g++ libdnnl-dev), or set CXX`),
      ),
    )
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${compiler} failed on ${args.find((arg) => /\.cc$/.test(arg)) ?? 'linking'}`)),
    )
  })
}
