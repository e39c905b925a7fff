/** `ondol convert`: the formats of saving, by names. */
import { stat } from 'node:fs/promises'
import type { Model } from '../../index.js'
import { type Arguments, type Terminal, UsageError } from '../command.js'
import { openModel } from '../models.js'
import { bytesText } from '../tables.js'
import { kindOf } from '../weights.js'

type Write = (model: Model, out: string, options: Arguments['values']) => Promise<void>

/** By the end of the name; the first that fits counts. */
const WRITERS: Readonly<Record<string, Write>> = {
  '.keras': (model, out) => model.save(out),
  '.weights.h5': (model, out) => model.saveWeights(out),
  '.safetensors': (model, out) => model.saveWeights(out),
  '.npz': (model, out) => model.saveWeights(out),
  '.h5': (model, out) => model.save(out),
  '.onnx': (model, out, options) =>
    model.export(out, {
      format: 'onnx',
      ...(typeof options.opset === 'string' && { opsetVersion: Number(options.opset) }),
      ...(options['external-data'] === true && { externalData: true }),
    }),
}

export async function convert({ positionals, values }: Arguments, terminal: Terminal): Promise<number> {
  const [from, out] = positionals as [string, string]
  const write = Object.entries(WRITERS).find(([ending]) => out.endsWith(ending))?.[1]
  if (write === undefined) throw new UsageError(`the name '${out}' tells no format: it may end in ${Object.keys(WRITERS).join(', ')}`)
  const model = await opened(from, values.model)
  await write(model, out, values)
  terminal.out(`${out}: ${bytesText((await stat(out)).size)}\n`)
  return 0
}

async function opened(path: string, architecture: string | boolean | undefined): Promise<Model> {
  if ((await kindOf(path)) === 'model') return openModel(path)
  if (typeof architecture !== 'string') throw new UsageError(`${path} holds weights alone: --model MODEL says what they belong to`)
  const model = await openModel(architecture)
  await model.loadWeights(path)
  return model
}
