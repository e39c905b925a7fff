/** Describes the machine that was measured. */
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'

const INTERESTING = /^(avx2|fma|avx512f|avx512_bf16|avx512_vnni|amx_tile|amx_bf16|asimd|bf16)$/

export function describeMachine(threads) {
  let flags = []
  try {
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))
    flags = line[1].split(' ').filter((flag) => INTERESTING.test(flag))
  } catch {
    // Only Linux tells.
  }
  return {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    threads,
    flags,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.version,
    load: loadavg()[0].toFixed(1),
    date: new Date().toISOString(),
  }
}
