/** Damaged HDF5 files are refused, whatever the damage. For a longer run: ONDOL_FUZZ_CASES=100000 ONDOL_FUZZ_FIRST=5000 npx vitest run tools/fuzz */
import { expect, it } from 'vitest'
import { fuzzHdf5 } from './hdf5.js'

const CASES = Number(process.env.ONDOL_FUZZ_CASES ?? 500)
const FIRST = Number(process.env.ONDOL_FUZZ_FIRST ?? 0)

it(`survives ${CASES} damaged files`, { timeout: 60_000 + 60 * CASES }, async () => {
  const { refused, slowest } = await fuzzHdf5(FIRST, CASES)
  if (CASES > 1000) console.info(`slowest: case ${slowest.number}, ${Math.round(slowest.milliseconds)} ms`)
  // The damage is found in most files; else the fuzzer misses what it aims at.
  expect(refused / CASES).toBeGreaterThan(0.5)
})
