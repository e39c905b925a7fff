/** The committed vectors are what the real Keras says on this machine, today: every oracle script runs again. */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, it } from 'vitest'
import { run } from '../setup/command.mjs'
import { pythonPath } from './setup.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const vectors = join(here, '../../packages/ondol/src/testing/vectors')
const names = readdirSync(vectors, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))

/** Relative to 1 + |value|. Processors round differently, and training carries that on. */
const TOLERANCE = 1e-4

const largest = new Map<string, number>()
/** Scripts that need what is not installed: TensorFlow, PyTorch, Pillow. */
let leftOut: readonly string[] = []

beforeAll(() => {
  const python = pythonPath()
  if (python === undefined) throw new Error('there is no Python environment: node tools/oracle/setup.mjs makes it')
  const report = run(python, [join(here, 'agree.py'), 'jax'])
  leftOut = [...report.matchAll(/^left out (.*)$/gm)].map(([, what]) => what as string)
  for (const [, name = '', size] of report.matchAll(/^(\S+\.json): largest (\S+?),?(?: |$)/gm)) largest.set(name, Number(size))
}, 900_000)

it.for(names.sort())('%s', (name, { skip }) => {
  const difference = largest.get(name.replaceAll('\\', '/'))
  skip(difference === undefined && leftOut.length > 0, leftOut.join('; '))
  expect(difference).toBeLessThan(TOLERANCE)
})
