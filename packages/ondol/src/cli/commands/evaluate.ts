/** `ondol evaluate`: loss and metrics of a compiled model. */
import type { Tensor } from '../../index.js'
import { type Arguments, type Terminal, UsageError } from '../command.js'
import { arraysFor, readArrays } from '../data.js'
import { openModel } from '../models.js'
import { short } from '../tables.js'
import { batchSizeOf, namesOf } from './predict.js'

export async function evaluate({ positionals, values }: Arguments, terminal: Terminal): Promise<number> {
  const { data } = values
  const [path] = positionals as [string]
  if (typeof data !== 'string') throw new UsageError('--data FILE is missing: an .npz file with x and y')
  const model = await openModel(path)
  if (model.optimizer === null) throw new UsageError(`${path} was saved without being compiled: it has no loss`)
  const arrays = await readArrays(data)
  const x = arraysFor(namesOf(model, 'input'), arrays, 'inputs', 'x')
  const y = arraysFor(namesOf(model, 'output'), arrays, 'outputs', 'y')
  const one = (list: Tensor[]): Tensor => (list.length === 1 ? list[0] : list) as Tensor
  const options = { batchSize: batchSizeOf(values), verbose: 0, returnDict: true } as const
  const results = (await model.evaluate(one(x), one(y), options)) as unknown as Readonly<Record<string, number>>
  if (values.json === true) terminal.out(`${JSON.stringify(results)}\n`)
  else for (const [name, value] of Object.entries(results)) terminal.out(`${name}: ${short(value)}\n`)
  return 0
}
