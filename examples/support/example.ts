/** What the examples share: their options, and the line of numbers that each ends with. */
import { existsSync } from 'node:fs'

/** `-- --short`: less data and fewer steps, a matter of seconds. What is printed then shows the way, not the result. */
export const isShort = process.argv.includes('--short')

/** The text after `--name`, as in `-- --data FOLDER`. */
export function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}

/**
 * The folder given with `--data`, if any.
 *
 * @throws when there is no such folder, saying what belongs in it.
 */
export function dataFolder(whatBelongsThere: string): string | undefined {
  const folder = option('data')
  if (folder === undefined && !process.argv.includes('--data')) return undefined
  if (folder !== undefined && existsSync(folder)) return folder
  throw new Error(`--data ${folder ?? ''}: there is no such folder. Give one with ${whatBelongsThere}`)
}

/** A file that lies in `examples/data`. */
export const sampleFile = (name: string): URL => new URL(`../../../examples/data/${name}`, import.meta.url)

/** Ends an example: its numbers in one line, which its test reads. */
export function report(numbers: Readonly<Record<string, number | readonly number[]>>): void {
  const round = (_: string, value: unknown): unknown =>
    Number.isInteger(value) || typeof value !== 'number' ? value : Number(value.toPrecision(6))
  console.log(`\nresult ${JSON.stringify(numbers, round)}`)
}
