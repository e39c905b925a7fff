/** The summary of a model in Keras's table. Follows `keras/src/utils/summary_utils.py`. */
import { platform } from '#platform'
import { bytesOf } from '../core/dtype.js'
import { ValueError } from '../core/errors.js'
import { type PartialShape, sizeOf } from '../core/shape.js'
import type { Tree } from '../core/tree.js'
import type { Variable } from '../engine/index.js'
import { Layer } from '../layers/layer.js'
import type { KerasTensor, Operation, SymbolicNode } from '../ops/operation.js'
import type { Model } from './model.js'
import { type Column, drawTable, type StyledText, styled } from './text-table.js'

export interface SummaryOptions {
  /** Characters in a line. Default 88 for chains, 108 for other graphs, or what the terminal has. */
  readonly lineLength?: number
  /** Where each column ends, as parts of the line. */
  readonly positions?: readonly number[]
  /** Takes the whole text, without colours. Default: prints it, with colours on a terminal. */
  readonly printFn?: (text: string) => void
  /** Show the layers of models inside. Default false. */
  readonly expandNested?: boolean
  /** Show whether each layer is trained. Default false. */
  readonly showTrainable?: boolean
  /** First and last layer to show: names, or regular expressions that names begin with. */
  readonly layerRange?: readonly [first: string, last: string]
}

const CLASS = '38;5;33'
const NUMBER = '38;5;34'
const UNKNOWN = '38;5;45'
const FROZEN = '38;5;9'
const number = (text: string | number): StyledText[number] => ({ text: String(text), style: NUMBER })
const bold = (text: string, style = ''): StyledText[number] => ({ text, style: style === '' ? '1' : `1;${style}` })
const thousands = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

export function printSummary(model: Model, options: SummaryOptions = {}): void {
  const columns = platform.terminalColumns()
  const hasStyles = options.printFn === undefined && columns !== undefined && platform.environment('NO_COLOR') === undefined
  const print = options.printFn ?? ((text: string) => platform.print(text))
  print(`${summaryText(model, options, (columns ?? 80) - 4, hasStyles)}\n`)
}

function summaryText(model: Model, options: SummaryOptions, terminalWidth: number, hasStyles: boolean): string {
  const { expandNested = false, showTrainable = false } = options
  const graph = model.className === 'Sequential' || model.graph === undefined ? undefined : model.graph
  const isChain = graph === undefined || graph.isChain
  const lineLength = options.lineLength ?? Math.min((isChain ? 88 : 108) + (showTrainable ? 12 : 0), terminalWidth)
  const positions = options.positions ?? (isChain ? [0.45, 0.8, 1] : [0.3, 0.56, 0.74, 1])
  const columns = layOut(isChain, showTrainable, positions, lineLength)
  const nodes = new Set(graph?.nodesByDepth.flat())
  const rows: StyledText[][] = []
  const addRows = (operation: Operation, level: number): void => {
    rows.push([
      nameCell(operation, level),
      shapeCell(operation),
      paramsCell(operation),
      ...(isChain ? [] : [connectionsCell(operation, nodes)]),
      ...(showTrainable ? [trainableCell(operation)] : []),
    ])
    if (!expandNested || !hasLayers(operation)) return
    for (const layer of operation.layers) addRows(layer, level + 1)
  }
  for (const operation of inRange(graph?.operations ?? model.layers, options.layerRange)) addRows(operation, 0)
  const lines = [styled([bold(`Model: "${model.name}"`)], hasStyles), drawTable(columns, rows, lineLength, hasStyles)]
  return [...lines, ...totals(model).map((line) => styled(line, hasStyles))].join('\n')
}

function layOut(isChain: boolean, showTrainable: boolean, positions: readonly number[], lineLength: number): Column[] {
  const titles: Pick<Column, 'title' | 'align'>[] = [
    { title: 'Layer (type)', align: 'left' },
    { title: 'Output Shape', align: 'left' },
    { title: 'Param #', align: 'right' },
  ]
  if (!isChain) titles.push({ title: 'Connected to', align: 'left' })
  const ends = showTrainable ? [...positions.map((position) => position * 0.9), 1] : positions
  if (showTrainable) titles.push({ title: 'Trainable', align: 'center' })
  let current = 0
  return titles.map((title, i) => {
    const width = Math.trunc((ends[i] ?? 1) * lineLength) - current
    if (width < 4)
      throw new ValueError({
        where: 'summary',
        problem: 'the line is too short for a table',
        received: `${lineLength} characters`,
        hint: 'give a greater lineLength',
      })
    current += width
    return { ...title, width }
  })
}

const hasLayers = (operation: Operation): operation is Operation & { readonly layers: readonly Layer[] } =>
  operation instanceof Layer && Array.isArray((operation as { layers?: unknown }).layers)

function nameCell({ name, className }: Operation, level: number): StyledText {
  const prefix = level === 0 ? '' : `${'   '.repeat(level)}└ `
  return [`${prefix}${name} (`, { text: className, style: CLASS }, ')']
}

function shapeCell(operation: Operation): StyledText {
  const shapes = outputShapes(operation)
  if (shapes === undefined) return ['?']
  return formatShapes(shapes)
}

/** Shapes of the last call's outputs, or what building tells. */
function outputShapes(operation: Operation): Tree<PartialShape> | undefined {
  const last = operation.inboundNodes.at(-1)
  if (last !== undefined) return last.outputs.map(mapShapes)
  if (!(operation instanceof Layer) || !operation.built) return undefined
  const { graph } = operation as { graph?: Model['graph'] }
  if (graph !== undefined) return mapShapes(graph.outputTree)
  const shape = operation.getBuildConfig()?.input_shape
  return shape === undefined ? undefined : (operation.computeOutputShape(shape as Tree<number | null>) as Tree<PartialShape>)
}

type Shapes = Tree<PartialShape>
const mapShapes = (tree: Tree<KerasTensor>): Shapes => {
  if (Array.isArray(tree)) return tree.map(mapShapes)
  if ('shape' in tree && 'dtype' in tree) return (tree as KerasTensor).shape as unknown as Shapes
  return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, mapShapes(item as Tree<KerasTensor>)]))
}

const isShape = (tree: Shapes): boolean => Array.isArray(tree) && tree.every((size) => size === null || typeof size === 'number')

function formatShapes(tree: Shapes): StyledText {
  if (isShape(tree)) {
    const sizes = (tree as unknown as PartialShape).map((size) => (size === null ? { text: 'None', style: UNKNOWN } : number(size)))
    return ['(', ...joined(sizes.map((size) => [size])), ')']
  }
  if (Array.isArray(tree))
    return tree.length === 1 ? formatShapes(tree[0] as Shapes) : ['[', ...joined(tree.map((item) => formatShapes(item as Shapes))), ']']
  const entries = Object.entries(tree)
  if (entries.length === 1) return formatShapes(entries[0]?.[1] as Shapes)
  return ['{', ...joined(entries.map(([key, item]) => [`${key}: `, ...formatShapes(item as Shapes)])), '}']
}

const joined = (items: readonly StyledText[]): StyledText => items.flatMap((item, i) => (i === 0 ? item : [', ', ...item]))

function paramsCell(operation: Operation): StyledText {
  if (!(operation instanceof Layer)) return [number(0)]
  return operation.built ? [number(thousands(operation.countParams()))] : [number(0), ' (unbuilt)']
}

function connectionsCell(operation: Operation, nodes: ReadonlySet<SymbolicNode>): StyledText {
  const sources = operation.inboundNodes.filter((node) => nodes.has(node)).flatMap(({ inputs }) => inputs)
  if (sources.length === 0) return ['-']
  return joined(
    sources.map(({ history }) => {
      const { operation: source, nodeIndex, tensorIndex } = history as NonNullable<KerasTensor['history']>
      return [`${source.name}[`, number(nodeIndex), '][', number(tensorIndex), ']']
    }),
  )
}

function trainableCell(operation: Operation): StyledText {
  if (!(operation instanceof Layer) || operation.weights.length === 0) return [bold('-')]
  return operation.trainable ? [bold('Y', NUMBER)] : [bold('N', FROZEN)]
}

function inRange(operations: readonly Operation[], range: SummaryOptions['layerRange']): readonly Operation[] {
  if (range === undefined) return operations
  const [first, last] = range.map((pattern) => new RegExp(`^(?:${pattern})`)) as [RegExp, RegExp]
  const from = operations.findIndex(({ name }) => first.test(name))
  const to = operations.findLastIndex(({ name }) => last.test(name))
  if (from < 0 || to < 0) {
    throw new ValueError({
      where: 'summary',
      problem: 'layerRange names no layers',
      expected: operations.map(({ name }) => name).join(', '),
      received: range.join(' to '),
    })
  }
  return operations.slice(Math.min(from, to), Math.max(from, to) + 1)
}

function totals(model: Model): StyledText[] {
  const optimizer = model.optimizer?.built === true ? model.optimizer.variables : undefined
  const groups = { trainable: model.trainableWeights, rest: model.nonTrainableWeights }
  const line = (title: string, variables: readonly Variable[]): StyledText => [
    bold(` ${title} params: `),
    number(thousands(variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0))),
    ` (${memorySize(variables)})`,
  ]
  return [
    line('Total', [...groups.trainable, ...groups.rest, ...(optimizer ?? [])]),
    line('Trainable', groups.trainable),
    line('Non-trainable', groups.rest),
    ...(optimizer === undefined ? [] : [line('Optimizer', optimizer)]),
  ]
}

function memorySize(variables: readonly Variable[]): string {
  let size = [...new Set(variables)].reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * bytesOf(dtype), 0)
  for (const unit of ['B', 'KB', 'MB', 'GB', 'TB']) {
    if (size < 1024) return `${size.toFixed(2)} ${unit}`
    size /= 1024
  }
  return `${size.toFixed(2)} PB`
}
