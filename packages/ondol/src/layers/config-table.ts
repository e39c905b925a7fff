/**
 * Options to and from Keras's configs. A layer lists its options once, with what kind of thing each is;
 * `getConfig` and `fromConfig` follow from the list.
 */
import * as activations from '../activations/index.js'
import * as constraints from '../constraints/index.js'
import { toCamelCase, toSnakeCase } from '../core/spelling.js'
import * as initializers from '../initializers/index.js'
import * as regularizers from '../regularizers/index.js'

interface Codec {
  readonly encode: (value: never) => unknown
  readonly decode: (value: unknown) => unknown
}

const same = (value: unknown): unknown => value

/** How the values of an option are written and read. */
const CODECS = {
  value: { encode: same, decode: same },
  activation: { encode: activations.serialize, decode: activations.get },
  initializer: { encode: initializers.serialize, decode: initializers.get },
  regularizer: { encode: regularizers.serialize, decode: regularizers.get },
  constraint: { encode: constraints.serialize, decode: constraints.get },
} as const satisfies Record<string, Codec>

export type OptionKind = keyof typeof CODECS
/** Names of options, in Keras's order, and their kinds. */
export type ConfigTable = Readonly<Record<string, OptionKind>>

const codecOf = (kind: OptionKind): Codec => CODECS[kind]

/** Fields of `source` as entries of a Keras config. */
export function encodeConfig(table: ConfigTable, source: object): Record<string, unknown> {
  const fields = source as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.entries(table).map(([name, kind]) => [toSnakeCase(name), codecOf(kind).encode((fields[name] ?? null) as never)]),
  )
}

/** A Keras config as options. What `table` does not know is passed on, unless it is null (newer Kerases write such). */
export function decodeConfig(table: ConfigTable, config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(config)) {
    const name = toCamelCase(key)
    const kind = Object.hasOwn(table, name) ? table[name] : undefined
    if (kind !== undefined) options[name] = codecOf(kind).decode(value)
    else if (value !== null && value !== undefined) options[name] = value
  }
  return options
}
