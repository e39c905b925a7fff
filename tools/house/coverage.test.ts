// Keras's public names against ours: docs/keras-coverage.md says what is there and what is not, and why.
// `npx vitest run --project house tools/house/coverage.test.ts -u` writes the page anew.
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readVectors } from '../../packages/ondol/src/testing/vectors.js'
import { compare, exportsOf, type Inventory } from './coverage.js'
import { coveragePage, goldenNames, isChecked, NUMERIC } from './coverage-page.js'

const source = new URL('../../packages/ondol/src/', import.meta.url)
const rows = compare(readVectors<Inventory>('inventory'), exportsOf(fileURLToPath(new URL('index.ts', source))))
const golden = goldenNames(new URL('testing/vectors/', source))
const paths = (wanted: typeof rows): string[] => wanted.map(({ space, name, note }) => `${space}.${name}${note === '' ? '' : `: ${note}`}`)

describe("Keras's names", () => {
  it('are as docs/keras-coverage.md says', async () => {
    await expect(coveragePage(rows, golden)).toMatchFileSnapshot('../../docs/keras-coverage.md')
  })

  it('are there with all their parameters', () => {
    expect(paths(rows.filter(({ state }) => state === 'partial'))).toEqual([])
  })

  it('that compute numbers are there, and compared with the real Keras', () => {
    const numeric = rows.filter(({ space }) => NUMERIC.includes(space))
    expect(paths(numeric.filter(({ state }) => state === 'missing'))).toEqual([])
    expect(paths(numeric.filter((row) => row.state === 'present' && !isChecked(row, golden)))).toEqual([])
  })
})
