/** Damaged files of models are refused, whatever the damage. For a longer run: ONDOL_FUZZ_CASES=100000 ONDOL_FUZZ_FIRST=5000 npx vitest run tools/fuzz */
import { beforeAll, expect, it, vi } from 'vitest'
import { createHostBackend } from '../../packages/ondol/src/backends/host/index.js'
import { useBackend } from '../../packages/ondol/src/engine/index.js'
import { fuzzFiles, KINDS } from './files.js'

const CASES = Number(process.env.ONDOL_FUZZ_CASES ?? 200)
const FIRST = Number(process.env.ONDOL_FUZZ_FIRST ?? 0)

beforeAll(() => {
  useBackend(createHostBackend())
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

it.each(Object.keys(KINDS))(`survives ${CASES} damaged files: %s`, { timeout: 60_000 + 200 * CASES }, async (kind) => {
  const { refused, slowest } = await fuzzFiles(kind, FIRST, CASES)
  if (CASES > 1000) console.info(`${kind}: slowest: case ${slowest.number}, ${Math.round(slowest.milliseconds)} ms`)
  // The damage is found in most files; else the fuzzer misses what it aims at.
  expect(refused / CASES).toBeGreaterThan(0.4)
})
