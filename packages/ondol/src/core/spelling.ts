/** Between the spellings of options: Keras's `label_smoothing` in configs and files, `labelSmoothing` here. */

export const toSnakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
export const toCamelCase = (name: string): string => name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const rename = (record: Readonly<Record<string, unknown>>, change: (name: string) => string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [change(name), value]))

/** Options as a Keras config. */
export const toKerasConfig = (options: Readonly<Record<string, unknown>>): Record<string, unknown> => rename(options, toSnakeCase)
/** A Keras config as options. */
export const fromKerasConfig = (config: Readonly<Record<string, unknown>>): Record<string, unknown> => rename(config, toCamelCase)

/** `categorical_crossentropy` as `categoricalCrossentropy`. */
export type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : S

/** Names in Keras's spelling and in camelCase, which editors offer; any other may be that of a registered object. */
export type NameOf<SnakeCase extends string> = SnakeCase | CamelCase<SnakeCase> | (string & {})

/** An object as Keras writes it to files: which class, and its config. */
export interface SerializedObject {
  readonly module: string | null
  readonly class_name: string
  readonly config: Readonly<Record<string, unknown>>
  readonly registered_name: string | null
}

export const isSerializedObject = (value: unknown): value is SerializedObject =>
  typeof value === 'object' && value !== null && 'class_name' in value && 'config' in value
