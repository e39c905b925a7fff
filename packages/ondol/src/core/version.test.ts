import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { version } from './version.js'

it('is that of the package', () => {
  const { version: wanted } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  expect(version).toBe(wanted)
})
