/** docs/keras-coverage.md: what the comparison with Keras found, as a page that people read. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Row } from './coverage.js'
import { ABSENT_PARAMETERS, CHECKED_BY } from './coverage-rules.js'

/** Namespaces whose names compute numbers: each of theirs that is there needs a vector of the real Keras. */
export const NUMERIC: readonly string[] = [
  'layers',
  'losses',
  'metrics',
  'optimizers',
  'optimizers.schedules',
  'initializers',
  'regularizers',
  'constraints',
  'activations',
  'ops',
  'ops.image',
]

/** All names that vectors of the real Keras mention as what they are made by. */
export function goldenNames(vectors: URL): ReadonlySet<string> {
  const names = new Set<string>()
  const visit = (folder: URL): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) visit(new URL(`${entry.name}/`, folder))
      else if (entry.name.endsWith('.json') && entry.name !== 'inventory.json') {
        const text = readFileSync(new URL(entry.name, folder), 'utf8')
        for (const [, name] of text.matchAll(/"(?:class|class_name|op|name|function)": ?"([\w.]+)"/g)) names.add(name as string)
      }
    }
  }
  visit(vectors)
  return names
}

/** What computes no numbers itself: bases, inputs, and functions that find, write and read the others. */
const FORMS =
  /^(get|serialize|deserialize|Layer|Input|InputSpec|Loss|Metric|Optimizer|LearningRateSchedule|Initializer|Regularizer|Constraint)$/

/** Whether something that computes numbers is compared with the real Keras: by a vector, or by a test that is named. */
export const isChecked = ({ space, name }: Row, golden: ReadonlySet<string>): boolean =>
  FORMS.test(name) || golden.has(name) || golden.has(space === 'ops.image' ? `image.${name}` : name) || `${space}.${name}` in CHECKED_BY

const count = (rows: readonly Row[], ...states: readonly Row['state'][]): number =>
  rows.filter(({ state }) => states.includes(state)).length

const MARKS: Readonly<Record<Row['state'], string>> = { present: 'yes', partial: 'partly', absent: 'no', missing: 'not yet' }

function section(space: string, rows: readonly Row[], golden: ReadonlySet<string>): string {
  const isNumeric = NUMERIC.includes(space)
  const title = space === 'keras' ? 'keras' : `keras.${space}`
  const there = rows.filter(({ state }) => state === 'present')
  const others = rows.filter(({ state }) => state !== 'present')
  const mark = (row: Row): string => `\`${row.ondol}\`${isNumeric && isChecked(row, golden) ? '✓' : ''}`
  const table = [
    '| Keras | ondol | |',
    '| --- | --- | --- |',
    ...others.map((row) => `| \`${row.name}\` | ${MARKS[row.state]} | ${row.state === 'partial' ? `without ${row.note}` : row.note} |`),
  ]
  const parts = [`## ${title}: ${there.length} of ${rows.length}`]
  if (there.length > 0) parts.push(there.map(mark).join(', '))
  if (others.length > 0) parts.push(table.join('\n'))
  return parts.join('\n\n')
}

export function coveragePage(rows: readonly Row[], golden: ReadonlySet<string>): string {
  const spaces = [...new Set(rows.map(({ space }) => space))]
  const ignored = Object.entries(ABSENT_PARAMETERS).map(([name, reason]) => `| \`${name}\` | ${reason} |`)
  return `${[
    '# Keras, name by name',
    'Made by `tools/house/coverage.test.ts` from the public names of Keras 3 with their parameters (`inventory.json`) and the types of ' +
      'the package: a name counts as there when it is exported and its type knows every parameter. ✓: compared with numbers of the ' +
      'real Keras. Do not edit; run `npx vitest run --project house tools/house/coverage.test.ts -u`.',
    `**${count(rows, 'present')} of ${rows.length} names are there**, ${count(rows, 'partial')} without some parameter, ` +
      `${count(rows, 'absent')} are left out for a reason, ${count(rows, 'missing')} are still to come.`,
    ...spaces.map((space) =>
      section(
        space,
        rows.filter((row) => row.space === space),
        golden,
      ),
    ),
    '## Parameters that are left out everywhere',
    ['| parameter | |', '| --- | --- |', ...ignored].join('\n'),
  ].join('\n\n')}\n`
}
