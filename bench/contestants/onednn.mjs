// oneDNN without a framework as a contestant in the probes; onednn/kernels.cc does the work.
import { execFileSync } from 'node:child_process'
import { rawOneDnn } from '../onednn/build.mjs'
import { median, serve } from './protocol.mjs'

const { program } = rawOneDnn()

await serve(
  { name: 'oneDNN raw', versions: {}, importMs: 0 },
  ({ probe, m, k, n, shape, filters, kernel, dtype = 'float32', repeats = 9 }) => {
    const numbers = probe === 'matmul' ? [m, k, n] : [...shape, filters, kernel]
    const printed = execFileSync(program, [probe, dtype, repeats, ...numbers].map(String), { encoding: 'utf8' })
    return { ms: [median(printed.trim().split(' ').map(Number))] }
  },
)
