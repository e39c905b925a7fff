/** Damaged files are refused, whatever the damage. For hours of it: node tools/fuzz/fuzz.mjs --seconds 3600 */
import { beforeAll, expect, it, vi } from 'vitest'
import { createHostBackend } from '../../packages/ondol/src/backends/host/index.js'
import { useBackend } from '../../packages/ondol/src/engine/index.js'
import { judge } from './cases.js'
import { KINDS, type KindName } from './kinds.js'

/** Cases of each kind, from this number on. */
const CASES = Number(process.env.ONDOL_FUZZ_CASES ?? 200)
const FIRST = Number(process.env.ONDOL_FUZZ_FIRST ?? 0)

beforeAll(() => {
  useBackend(createHostBackend())
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

it.each(Object.keys(KINDS) as KindName[])(`survives ${CASES} damaged files: %s`, { timeout: 60_000 + 200 * CASES }, async (name) => {
  const kind = await KINDS[name]()
  let refused = 0
  for (let number = FIRST; number < FIRST + CASES; number++) {
    const verdict = await judge(kind, number)
    expect(verdict.finding, `${name} case ${number}`).toBeUndefined()
    if (verdict.refused) refused++
  }
  // The damage is found in most files; else the fuzzer misses what it aims at.
  expect(refused / CASES).toBeGreaterThan(0.4)
})
