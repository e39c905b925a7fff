/** `ondol inspect`: what a file holds. */
import { stat } from 'node:fs/promises'
import type { Model } from '../../index.js'
import type { Arguments, Terminal } from '../command.js'
import { bytesText, shapeText, short, table } from '../tables.js'
import { type Statistics, statisticsOf, withFile } from '../weights.js'

interface WeightFacts extends Statistics {
  readonly path: string
  readonly shape: readonly number[]
  readonly dtype: string
  readonly count: number
}

export async function inspect({ positionals, values }: Arguments, terminal: Terminal): Promise<number> {
  const [path] = positionals as [string]
  await withFile(path, async ({ model: opened, weights }) => {
    const model = opened as Model | undefined
    if (values.config === true) {
      terminal.out(`${JSON.stringify(model === undefined ? null : model.serialize(), null, 2)}\n`)
      return
    }
    const facts: WeightFacts[] = []
    for (const { path: name, shape, dtype, read } of weights) {
      const count = shape.reduce((product, size) => product * size, 1)
      facts.push({ path: name, shape, dtype, count, ...statisticsOf(await read()) })
    }
    const size = (await stat(path)).size
    const show = values.json === true ? asJson : asText
    terminal.out(`${show(path, size, model, facts, terminal)}\n`)
  })
  return 0
}

function asJson(file: string, bytes: number, model: Model | undefined, weights: readonly WeightFacts[]): string {
  const { optimizer = null } = model ?? {}
  return JSON.stringify(
    {
      file,
      bytes,
      ...(model !== undefined && {
        class: model.className,
        name: model.name,
        parameters: model.countParams(),
        config: model.serialize(),
        optimizer: optimizer === null ? null : { class: optimizer.className, iterations: Number(optimizer.iterations.dataSync()[0]) },
      }),
      weights,
    },
    null,
    2,
  )
}

function asText(file: string, bytes: number, model: Model | undefined, weights: readonly WeightFacts[], { bold }: Terminal): string {
  const rows = weights.map(({ path, shape, dtype, min, max, mean, notFinite }) => [
    path,
    shapeText(shape),
    dtype,
    short(min),
    short(max),
    short(mean),
    notFinite === 0 ? '' : `${notFinite} not finite`,
  ])
  const columns = [
    { title: 'Weight' },
    { title: 'Shape' },
    { title: 'Dtype' },
    ...['Min', 'Max', 'Mean'].map((title) => ({ title, right: true })),
    { title: '' },
  ]
  const total = weights.reduce((sum, { count }) => sum + count, 0)
  return [
    `${bold(file)}: ${model === undefined ? 'weights' : `${model.className} model '${model.name}'`}, ${bytesText(bytes)}`,
    '',
    ...(model === undefined ? [] : [summaryOf(model), trainingOf(model), '']),
    table(columns, rows, bold),
    `${weights.length} weights, ${total.toLocaleString('en')} numbers`,
  ].join('\n')
}

function summaryOf(model: Model): string {
  let text = ''
  model.summary({
    lineLength: 88,
    printFn: (part) => {
      text += part
    },
  })
  return text
}

function trainingOf(model: Model): string {
  const { optimizer } = model
  if (optimizer === null) return 'Not compiled.'
  const { loss, metrics } = model.getCompileConfig()
  const given = { loss, ...(metrics != null && { metrics }) }
  const details = Object.entries(given).map(([key, value]) => `${key} ${briefly(value)}`)
  return `Compiled: ${optimizer.className} after ${optimizer.iterations.dataSync()[0]} steps, ${details.join(', ')}`
}

/** Names as they are, objects by their classes. */
function briefly(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(briefly).join(', ')
  if (typeof value !== 'object' || value === null) return String(value)
  if ('class_name' in value && 'config' in value) return value.class_name === 'function' ? String(value.config) : String(value.class_name)
  return Object.entries(value)
    .map(([key, item]) => `${key}: ${briefly(item)}`)
    .join(', ')
}
