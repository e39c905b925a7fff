/** Between the spellings of options: Keras's `label_smoothing` in configs and files, `labelSmoothing` here. */

export const toSnakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
export const toCamelCase = (name: string): string => name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const rename = (record: Readonly<Record<string, unknown>>, change: (name: string) => string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [change(name), value]))

/** Options as a Keras config. */
export const toKerasConfig = (options: Readonly<Record<string, unknown>>): Record<string, unknown> => rename(options, toSnakeCase)
/** A Keras config as options. */
export const fromKerasConfig = (config: Readonly<Record<string, unknown>>): Record<string, unknown> => rename(config, toCamelCase)

/** An object as Keras writes it to files: which class, and its config. */
export interface SerializedObject {
  readonly module: string | null
  readonly class_name: string
  readonly config: Readonly<Record<string, unknown>>
  readonly registered_name: string | null
}

export const isSerializedObject = (value: unknown): value is SerializedObject =>
  typeof value === 'object' && value !== null && 'class_name' in value && 'config' in value
