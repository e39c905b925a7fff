/** Arrays in files: .npz, .npy, .json, .csv. */
import { readFile, writeFile } from 'node:fs/promises'
import { type NestedArray, saving, type Tensor, tensor } from '../index.js'
import { UsageError } from './command.js'

/** Arrays by name; one without a name is called ''. */
export type Arrays = Readonly<Record<string, Tensor>>

export async function readArrays(path: string): Promise<Arrays> {
  if (/\.np[yz]$/.test(path)) return saving.readNpz(path)
  if (path.endsWith('.json')) return fromJson(JSON.parse(await readFile(path, 'utf8')), path)
  if (path.endsWith('.csv')) return { '': tensor(rowsOf(await readFile(path, 'utf8'), path)) }
  throw new UsageError(`the name '${path}' tells no format of data: it may end in .npz, .npy, .json, .csv`)
}

function fromJson(value: unknown, path: string): Arrays {
  if (Array.isArray(value)) return { '': tensor(value as NestedArray) }
  if (typeof value !== 'object' || value === null) throw new UsageError(`${path} holds no list of numbers, nor a record of lists`)
  return Object.fromEntries(Object.entries(value).map(([name, list]) => [name, tensor(list as NestedArray)]))
}

function rowsOf(text: string, path: string): number[][] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const rows = lines.map((line) => line.split(',').map((cell) => (cell.trim() === '' ? Number.NaN : Number(cell))))
  // A first line that is no numbers has the titles.
  const hasTitles = rows[0]?.every(Number.isNaN) ?? false
  const body = hasTitles ? rows.slice(1) : rows
  body.forEach((row, i) => {
    const wrong = row.findIndex(Number.isNaN)
    const place = `${path}, line ${i + (hasTitles ? 2 : 1)}`
    if (wrong >= 0) throw new UsageError(`${place}: column ${wrong + 1} is no number`)
    if (row.length !== body[0]?.length) throw new UsageError(`${place}: ${row.length} columns, not ${body[0]?.length}`)
  })
  return body
}

/** The arrays that belong to these names: by name, or one for one. */
export function arraysFor(names: readonly string[], arrays: Arrays, what: string, alias?: string): Tensor[] {
  const given = Object.keys(arrays)
  const listed = given.map((name) => (name === '' ? '(one without a name)' : name)).join(', ')
  if (names.every((name) => name in arrays)) return names.map((name) => arrays[name] as Tensor)
  const only = alias !== undefined && alias in arrays ? arrays[alias] : given.length === 1 ? arrays[given[0] as string] : undefined
  if (names.length === 1 && only !== undefined) return [only]
  throw new UsageError(`the data does not fit the ${what} of the model: ${names.join(', ')} wanted, ${listed} found`)
}

export async function writeJson(arrays: Arrays, path: string): Promise<void> {
  await writeFile(path, `${await jsonOf(arrays)}\n`)
}

export async function jsonOf(arrays: Arrays): Promise<string> {
  const lists = await Promise.all(Object.entries(arrays).map(async ([name, value]) => [name, await value.array()] as const))
  return JSON.stringify(Object.fromEntries(lists))
}
