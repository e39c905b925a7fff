/** What the set-up prints: one line a phase with its time, and notes. Quiet when nothing has to be done. */

/** Runs `work` under a line `• label … 3.2 s`; a thrown error ends the line with `failed`. */
export function phase(label, work) {
  const start = performance.now()
  process.stdout.write(`• ${label} … `)
  try {
    const result = work()
    process.stdout.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`)
    return result
  } catch (error) {
    process.stdout.write('failed\n')
    throw error
  }
}

/** A paragraph for people, each line after the first indented. */
export function note(...lines) {
  process.stdout.write(`  ${lines.join('\n    ')}\n`)
}
