/**
 * Damages files for as long as it is told, each kind in turn in processes of its own, which are ended when they hang.
 * Prints what it began with, so that any case can be had again, and counts by kind; ends with 1 after findings.
 * Run: node tools/fuzz/fuzz.mjs [--seconds 60] [--first NUMBER] [--kinds zip,json]
 */
import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

/** Seconds for one process, and seconds of computing in one case before it is ended. */
const TURN = 60
const HANGS = 20

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** Every file finds what lies beside it, also in a bundle. */
const ownUrls = {
  name: 'own-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
      loader: 'ts',
    }))
  },
}

async function bundle(outdir) {
  const options = {
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    plugins: [ownUrls],
    ignoreAnnotations: true,
  }
  await build({
    ...options,
    entryPoints: { program: here('program.ts'), kinds: here('kinds.ts') },
    outdir,
    outExtension: { '.js': '.mjs' },
  })
  return join(outdir, 'program.mjs')
}

/** Seconds that a process has computed, on Linux; 0 elsewhere. */
function computed(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return 0
  }
}

/** One turn of a kind: its total, and what was found. */
function turn(program, kind, first, seconds, report) {
  return new Promise((resolve) => {
    let [number, since, total] = [first, 0, undefined]
    const child = fork(program, [kind, first, seconds].map(String), {
      execArgv: ['--max-old-space-size=1024', '--max-semi-space-size=4'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let errors = ''
    child.stderr.on('data', (data) => {
      errors = (errors + data).slice(-4000)
    })
    child.on('message', (message) => {
      if (message.finding !== undefined) report(kind, message.number, message.finding)
      else if (message.total !== undefined) total = message.total
      else [number, since] = [message.number, computed(child.pid)]
    })
    const watch = setInterval(() => {
      if (computed(child.pid) - since > HANGS) {
        report(kind, number, `hangs: no end after ${HANGS} s of computing`)
        child.kill('SIGKILL')
      }
    }, 1000)
    child.on('close', (code, signal) => {
      clearInterval(watch)
      // V8 ends a process that has no memory left with a signal.
      if (total === undefined && signal !== 'SIGKILL') report(kind, number, `the process ended with ${code ?? signal}: ${errors}`)
      resolve(total ?? { cases: number - first + 1, refused: 0, slowest: 0, memory: 0 })
    })
  })
}

const { values } = parseArgs({ options: { seconds: { type: 'string' }, first: { type: 'string' }, kinds: { type: 'string' } } })
const seconds = Number(values.seconds ?? 60)
const first = Number(values.first ?? Math.floor(Math.random() * 2 ** 30))
const folder = mkdtempSync(join(tmpdir(), 'ondol-fuzz-'))
const findings = new Map()

function report(kind, number, text) {
  const key = `${kind}: ${text.split('\n').slice(0, 2).join(' ').replace(/\d+/g, '#')}`
  const known = findings.get(key)
  findings.set(key, { count: (known?.count ?? 0) + 1 })
  if (known === undefined) console.log(`FINDING ${kind} case ${number}: ${text.split('\n').slice(0, 12).join('\n')}`)
}

try {
  const program = await bundle(folder)
  const all = values.kinds?.split(',') ?? Object.keys((await import(pathToFileURL(join(folder, 'kinds.mjs')).href)).KINDS)
  console.log(`${new Date().toISOString()}: ${seconds} s of ${all.join(', ')}, from case ${first}`)
  const sums = new Map(all.map((kind) => [kind, { cases: 0, refused: 0, slowest: 0, memory: 0 }]))
  const start = performance.now()
  const rounds = Math.max(1, Math.round(seconds / (TURN * all.length)))
  for (let round = 0; round < rounds; round++) {
    for (const kind of all) {
      const sum = sums.get(kind)
      const { cases, refused, slowest, memory } = await turn(program, kind, first + sum.cases, seconds / (rounds * all.length), report)
      sum.cases += cases
      sum.refused += refused
      sum.slowest = Math.max(sum.slowest, slowest)
      sum.memory = Math.max(sum.memory, memory)
    }
  }
  console.log('| kind | cases | refused | slowest | most memory |\n|---|---|---|---|---|')
  for (const [kind, { cases, refused, slowest, memory }] of sums) {
    const share = `${Math.round((100 * refused) / Math.max(1, cases))} %`
    console.log(`| ${kind} | ${cases} | ${share} | ${Math.round(slowest)} ms | ${Math.round(memory / 2 ** 20)} MiB |`)
  }
  console.log(`${Math.round((performance.now() - start) / 1000)} s, ${findings.size} findings`)
  for (const [key, { count }] of findings) console.log(`${count} × ${key}`)
} finally {
  rmSync(folder, { recursive: true })
}
process.exitCode = findings.size > 0 ? 1 : 0
