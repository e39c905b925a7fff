/** Turns results into one Markdown document: what was measured where, and ratios. */

const shown = (ms) => (ms === undefined ? '' : ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(ms >= 1 ? 2 : 3))

function table(header, rows) {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => String(row[i]).length)))
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join(' | ')} |`
  return [
    line(header),
    `|${widths.map((w, i) => (i === 0 ? '-'.repeat(w + 2) : `${'-'.repeat(w + 1)}:`)).join('|')}|`,
    ...rows.map(line),
  ].join('\n')
}

/** The fastest contestant that is not ondol and computes in the same precision. */
export function fastestPeer(results, contestants, half = false) {
  return Object.entries(results)
    .filter(([name, r]) => r.stepMs !== undefined && !contestants[name].isOndol && (contestants[name].half ?? false) === half)
    .sort(([, a], [, b]) => a.stepMs - b.stepMs)[0]
}

function modelSection(title, results, contestants) {
  const rows = Object.entries(results).map(([name, r]) => {
    if (r.stepMs === undefined) return [name, r.missing ? `missing: ${r.missing}` : `failed: ${r.failed}`, '', '', '', '', '']
    const peer = fastestPeer(results, contestants, contestants[name].half)
    const ratio = peer ? `${(peer[1].stepMs / r.stepMs).toFixed(2)}x` : ''
    return [name, shown(r.stepMs), shown(r.bestMs), ratio, shown(r.firstMs), r.peakMB?.toFixed(0) ?? '', shown(r.importMs)]
  })
  return `### ${title}\n\n${table(['', 'ms a step', 'best', 'speed*', 'first step ms', 'peak MB', 'import ms'], rows)}`
}

function probeSection({ table: probes, missing }) {
  const names = [...new Set(Object.values(probes).flatMap((row) => Object.keys(row)))]
  const rows = names.map((name) => [
    name,
    ...Object.values(probes).map((row) => {
      const cell = row[name]
      return cell?.gflops ? `${cell.gflops.toFixed(0)} (${shown(cell.ms)} ms)` : (cell?.failed?.slice(0, 40) ?? '')
    }),
  ])
  const absent = missing.map(([name, reason]) => `${name} is missing: ${reason}.`).join(' ')
  return `### Single kernels, GFLOP/s of the best round\n\n${table(['', ...Object.keys(probes)], rows)}${absent ? `\n\n${absent}` : ''}`
}

/** How far to trust the times: contestants wait for all their threads, so one busy core slows some of them tenfold. */
function trust(disturbance) {
  const known = disturbance.filter((share) => share !== undefined)
  if (known.length === 0) return 'It is not known what else ran on the machine.'
  const percent = (share) => `${Math.round(share * 100)} %`
  const mean = known.reduce((a, b) => a + b) / known.length
  const verdict = mean > 0.05 ? ' The machine was BUSY: compare the best rounds at most.' : ''
  return `Other programs took ${percent(mean)} of the machine between rounds, ${percent(Math.max(...known))} at most.${verdict}`
}

export function markdown({ machine, versions, disturbance, models, probes, failures }, titles, contestants) {
  const { cpu, cores, threads, flags, memoryGB, system, node, load, date } = machine
  const parts = [
    '# ondol and its peers: whole training steps and predictions',
    `${cpu}, ${cores} cores (${threads} threads for each contestant), ${flags.join(' ')}, ${memoryGB} GB; ${system}, Node ${node}; load at the start ${load}; ${date}`,
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    trust(disturbance),
    '*speed: the time of the fastest peer of the same precision divided by this one; above 1 is faster. Times are medians over rounds in which all contestants took turns; "best" is the fastest round.',
    ...Object.entries(models).map(([name, results]) => modelSection(titles[name].title, results, contestants)),
  ]
  if (probes) parts.push(probeSection(probes))
  if (failures.length) parts.push(`### Failed\n\n${failures.map((failure) => `- ${failure}`).join('\n')}`)
  return `${parts.join('\n\n')}\n`
}
