/** Describes the machine that was measured. */
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'

const INTERESTING = /^(avx2|fma|avx512f|avx512_bf16|avx512_vnni|amx_tile|amx_bf16|asimd|bf16)$/

/** The share of all cores that other programs use while the contestants idle for `ms`; undefined where the system does not tell. */
export async function strangersShare(ms = 200) {
  const ticks = () => cpus().map(({ times: { idle, ...used } }) => ({ idle, used: used.user + used.nice + used.sys + used.irq }))
  const before = ticks()
  await new Promise((resolve) => setTimeout(resolve, ms))
  const spent = ticks().map((after, i) => ({ idle: after.idle - before[i].idle, used: after.used - before[i].used }))
  const total = spent.reduce((sum, { idle, used }) => sum + idle + used, 0)
  return total > 0 ? spent.reduce((sum, { used }) => sum + used, 0) / total : undefined
}

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
