/** Measures contestants side by side: all alive at once, asked in turn, round after round. */
import { strangersShare } from './machine.mjs'
import { MODELS } from './models.mjs'
import { ContestantProcess } from './process.mjs'

/** The time that one turn of a contestant should take. */
const TURN_MS = { full: 800, quick: 250 }

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * The time of a step within one turn: the median; but the mean where the last step, which ends with the whole turn, is long:
 * then steps were only queued and the waiting is all at the end.
 */
export function stepTime(ms) {
  const middle = median(ms)
  const mean = ms.reduce((a, b) => a + b) / ms.length
  return ms.at(-1) > 3 * middle ? Math.max(middle, mean) : middle
}

/** Starts the contestants one after another; those that cannot start are in `results` with the reason. */
async function startAll(contestants, threads, results) {
  const processes = new Map()
  for (const [name, contestant] of contestants) {
    const missing = contestant.missing()
    if (missing) {
      results.set(name, { missing })
      continue
    }
    try {
      const started = await ContestantProcess.start(name, contestant, threads)
      processes.set(name, started)
      results.set(name, { importMs: started.greeting.importMs, versions: started.greeting.versions, turns: [] })
    } catch (error) {
      results.set(name, { failed: error.message })
    }
  }
  return processes
}

/**
 * Training steps or predictions of one model. Returns name → `{ importMs, firstMs, stepMs, bestMs, turns, peakMB, fallbacks }`, or `{ missing }`
 * or `{ failed }` with the reason. `stepMs` is the median over the rounds. What other programs take of the machine before each
 * round is added to `disturbance`.
 */
export async function measureModel(model, contestants, { rounds, threads, quick, limit, tell, disturbance }) {
  const results = new Map()
  const processes = await startAll(contestants, threads, results)
  const turn = quick ? TURN_MS.quick : TURN_MS.full
  const steps = new Map()

  const retire = (name) => {
    const process = processes.get(name)
    if (contestants.get(name).isOndol) results.get(name).fallbacks = process.fallbacks
    process.stop()
    processes.delete(name)
  }

  const ask = async (name, count) => {
    const result = results.get(name)
    try {
      const answer = await processes
        .get(name)
        .ask({ model: MODELS[model].model ?? model, predict: MODELS[model].predict, steps: count }, limit)
      result.peakMB = answer.peakMB
      return answer
    } catch (error) {
      result.failed = error.message
      retire(name)
    }
  }

  for (const name of [...processes.keys()]) {
    tell(`${model}: ${name}, first step`)
    const first = await ask(name, 1)
    if (!first) continue
    const result = results.get(name)
    result.firstMs = first.fitMs ?? first.ms[0] // from the call of fit, where there is one
    if (first.ms[0] > limit / 4) {
      result.turns.push(first.ms[0]) // too slow to be asked again
      retire(name)
      continue
    }
    const warm = await ask(name, 3)
    if (warm) steps.set(name, Math.min(MODELS[model].maxSteps ?? 100, Math.max(2, Math.round(turn / stepTime(warm.ms)))))
  }
  for (let round = 0; round < rounds; round++) {
    disturbance.push(await strangersShare())
    for (const name of rotate([...processes.keys()], round)) {
      tell(`${model}: round ${round + 1} of ${rounds}, ${name}`)
      const answer = await ask(name, steps.get(name))
      if (answer) results.get(name).turns.push(stepTime(answer.ms))
    }
  }
  for (const name of [...processes.keys()]) retire(name)
  for (const result of results.values()) {
    if (result.turns?.length) Object.assign(result, { stepMs: median(result.turns), bestMs: Math.min(...result.turns) })
  }
  return results
}

/** Single kernels: name of the probe → contestant → `{ ms, gflops }` of its best round, or `{ failed }`. */
export async function measureProbes(probes, contestants, { rounds, threads, limit, tell }) {
  const started = new Map()
  const processes = await startAll(contestants, threads, started)
  const table = {}
  for (const [title, { request, flop }] of Object.entries(probes)) {
    table[title] = {}
    for (let round = 0; round < rounds; round++) {
      for (const name of rotate([...processes.keys()], round)) {
        if (table[title][name]?.failed) continue
        tell(`${title}: ${name}`)
        const dtype = contestants.get(name).half ? 'bfloat16' : 'float32'
        try {
          const { ms } = await processes.get(name).ask({ ...request, dtype }, limit)
          const best = Math.min(ms[0], table[title][name]?.ms ?? Number.POSITIVE_INFINITY)
          table[title][name] = { ms: best, gflops: flop / best / 1e6 }
        } catch (error) {
          table[title][name] = { failed: error.message }
        }
      }
    }
  }
  for (const left of processes.values()) left.stop()
  const absent = [...started].map(([name, { missing, failed }]) => [name, missing ?? failed]).filter(([, reason]) => reason)
  return { missing: absent, table }
}

/** Another one begins each round. */
const rotate = (names, by) => names.map((_, i) => names[(i + by) % names.length])
