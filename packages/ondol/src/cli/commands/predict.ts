/** `ondol predict`: the outputs of a model for data in a file. */
import { flatten, type Tree } from '../../core/tree.js'
import { type Model, saving, type Tensor } from '../../index.js'
import { type Arguments, type Terminal, UsageError } from '../command.js'
import { type Arrays, arraysFor, jsonOf, readArrays, writeJson } from '../data.js'
import { openModel } from '../models.js'
import { shapeText } from '../tables.js'

export async function predict({ positionals, values }: Arguments, terminal: Terminal): Promise<number> {
  const { input, output } = values
  if (typeof input !== 'string') throw new UsageError('--input FILE is missing: the data to predict for')
  const model = await openModel(positionals[0] as string)
  const inputs = arraysFor(namesOf(model, 'input'), await readArrays(input), 'inputs')
  const batchSize = batchSizeOf(values)
  const result = await model.predict((inputs.length === 1 ? inputs[0] : inputs) as Tensor, { batchSize, verbose: 0 })
  const names = namesOf(model, 'output')
  const outputs: Arrays = Object.fromEntries(flatten(result as Tree<Tensor>).map((tensor, i) => [names[i] ?? `output_${i}`, tensor]))
  if (typeof output !== 'string') {
    terminal.out(`${await jsonOf(outputs)}\n`)
    return 0
  }
  if (output.endsWith('.npz')) await saving.writeNpz(outputs, output)
  else if (output.endsWith('.json')) await writeJson(outputs, output)
  else throw new UsageError(`the name '${output}' tells no format of data: it may end in .npz, .json`)
  for (const [name, { shape, dtype }] of Object.entries(outputs)) terminal.out(`${output}: ${name} ${shapeText(shape)} ${dtype}\n`)
  return 0
}

/** Names of inputs or outputs; a model with its own `call` has one of each as far as anybody knows. */
export const namesOf = (model: Model, which: 'input' | 'output'): readonly string[] =>
  (which === 'input' ? model.inputNames : model.outputNames) ?? [which]

export function batchSizeOf({ 'batch-size': given = '32' }: Arguments['values']): number {
  const size = Number(given)
  if (Number.isInteger(size) && size > 0) return size
  throw new UsageError(`--batch-size must be a whole number above 0, not '${given}'`)
}
