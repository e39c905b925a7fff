/** `npm run example NAME`: runs an example, or says which there are. */
import { readdirSync, readFileSync } from 'node:fs'

const sources = new URL('../../../examples/', import.meta.url)
const names = readdirSync(sources)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -'.ts'.length))

/** The first sentence of the comment that the example opens with. */
function subjectOf(name: string): string {
  const source = readFileSync(new URL(`${name}.ts`, sources), 'utf8')
  const comment = source.slice(source.indexOf('/**') + 3, source.indexOf('*/')).replace(/\s*\n \*\s?/g, ' ')
  return comment.trim().split(/(?<=[.?])\s/, 1)[0] ?? ''
}

const [name] = process.argv.slice(2)
if (name !== undefined && names.includes(name)) await import(`../${name}.js`)
else {
  if (name !== undefined) console.log(`There is no example '${name}'.\n`)
  console.log('npm run example NAME, with -- --short for a run of seconds:\n')
  const width = Math.max(...names.map(({ length }) => length))
  for (const each of names) console.log(`  ${each.padEnd(width)}  ${subjectOf(each)}`)
  process.exitCode = name === undefined ? 0 : 1
}
