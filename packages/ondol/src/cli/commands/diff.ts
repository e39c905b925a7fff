/** `ondol diff`: where two models, or two files of weights, differ. */
import type { Layer } from '../../layers/index.js'
import { type Arguments, type Terminal, UsageError } from '../command.js'
import { shapeText, short, table } from '../tables.js'
import { kindOf, type NamedWeight, type Opened, withFile } from '../weights.js'

interface ConfigDifference {
  readonly path: string
  readonly a: unknown
  readonly b: unknown
}

interface WeightDifference {
  readonly path: string
  readonly problem?: string
  /** Largest difference, and largest relative to the number in A. */
  readonly absolute?: number
  readonly relative?: number
}

/** `diff` has found something. */
const DIFFERENT = 1

export async function diff({ positionals, values }: Arguments, terminal: Terminal): Promise<number> {
  const [a, b] = positionals as [string, string]
  const tolerance = Number(values.tolerance ?? 0)
  if (!(tolerance >= 0)) throw new UsageError(`--tolerance must be a number, not '${values.tolerance}'`)
  const [isModelA, isModelB] = [(await kindOf(a)) === 'model', (await kindOf(b)) === 'model']
  const compare = async (left: Opened, right: Opened): Promise<number> => {
    const isBoth = left.model !== undefined && right.model !== undefined
    const config = isBoth ? compareConfigs(configOf(left.model), configOf(right.model)) : []
    const weights = await compareWeights(left.weights, right.weights, tolerance)
    if (values.json === true) terminal.out(`${JSON.stringify({ config, weights }, null, 2)}\n`)
    else terminal.out(`${asText(config, weights, terminal)}\n`)
    return config.length + weights.length === 0 ? 0 : DIFFERENT
  }
  // Weights alone are compared as those of the model, whatever their format calls them.
  const ownerOf = (path: string, isModel: boolean, other: string, isOtherModel: boolean): string | undefined =>
    isModel ? path : isOtherModel ? other : undefined
  return withFile(
    a,
    (left) => withFile(b, (right) => compare(left, right), ownerOf(b, isModelB, a, isModelA)),
    ownerOf(a, isModelA, b, isModelB),
  )
}

const configOf = (model: Layer): unknown => JSON.parse(JSON.stringify(model.serialize()))

/** Every place at which two trees of JSON differ. Layers in lists go by their names. */
export function compareConfigs(a: unknown, b: unknown, path = ''): ConfigDifference[] {
  if (isObject(a) && isObject(b)) {
    const [left, right] = [entriesOf(a), entriesOf(b)]
    const keys = [...left.keys(), ...[...right.keys()].filter((key) => !left.has(key))]
    return keys.flatMap((key) => compareConfigs(left.get(key), right.get(key), path === '' ? key : `${path}.${key}`))
  }
  return Object.is(a, b) ? [] : [{ path, a: a ?? null, b: b ?? null }]
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Lists by index, those of layers by name. */
function entriesOf(value: object): Map<string, unknown> {
  if (!Array.isArray(value)) return new Map(Object.entries(value))
  const names = value.map((item: { config?: { name?: unknown } } | null) => item?.config?.name)
  const areNames = names.every((name) => typeof name === 'string') && new Set(names).size === names.length
  return new Map(value.map((item, i) => [areNames ? (names[i] as string) : String(i), item]))
}

async function compareWeights(a: readonly NamedWeight[], b: readonly NamedWeight[], tolerance: number): Promise<WeightDifference[]> {
  const others = new Map(b.map((weight) => [weight.path, weight]))
  const names = new Set(a.map(({ path }) => path))
  const found: WeightDifference[] = []
  for (const weight of a) {
    const other = others.get(weight.path)
    if (other === undefined) found.push({ path: weight.path, problem: 'only in A' })
    else if (shapeText(weight.shape) !== shapeText(other.shape))
      found.push({ path: weight.path, problem: `shape ${shapeText(weight.shape)}, in B ${shapeText(other.shape)}` })
    else {
      const { absolute, relative } = largestDifferences(await weight.read(), await other.read())
      if (absolute > tolerance) found.push({ path: weight.path, absolute, relative })
    }
  }
  return [...found, ...b.filter(({ path }) => !names.has(path)).map(({ path }) => ({ path, problem: 'only in B' }))]
}

function largestDifferences(a: ArrayLike<number>, b: ArrayLike<number>): { absolute: number; relative: number } {
  let [absolute, relative] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number]
    if (Object.is(x, y) || x === y) continue
    const difference = Number.isNaN(x) !== Number.isNaN(y) ? Number.POSITIVE_INFINITY : Math.abs(x - y)
    absolute = Math.max(absolute, difference)
    relative = Math.max(relative, difference / Math.abs(x))
  }
  return { absolute, relative }
}

function asText(config: readonly ConfigDifference[], weights: readonly WeightDifference[], { bold }: Terminal): string {
  if (config.length + weights.length === 0) return 'No differences.'
  const json = (value: unknown): string => JSON.stringify(value)
  const ofConfig = config.map(({ path, a, b }) => `  ${path}: ${json(a)} -> ${json(b)}`)
  const columns = [{ title: 'Weight' }, { title: 'Largest difference', right: true }, { title: 'Relative', right: true }]
  const rows = weights.map(({ path, problem, absolute = 0, relative = 0 }) =>
    problem === undefined ? [path, number(absolute), number(relative)] : [path, problem, ''],
  )
  return [
    ...(config.length === 0 ? [] : [bold('Configuration'), ...ofConfig, ...(weights.length === 0 ? [] : [''])]),
    ...(weights.length === 0 ? [] : [table(columns, rows, bold)]),
  ].join('\n')
}

const number = (value: number): string => (value === Number.POSITIVE_INFINITY ? 'infinite' : short(value))
