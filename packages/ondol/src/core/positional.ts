/**
 * Arguments as Keras's users write them: required ones by position, the rest by name in a trailing record; or all
 * by name, as configs have them.
 */

const isOptions = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/**
 * The arguments as one record: those by position under `names`, and those of a trailing record.
 *
 * @example
 * byName<IoUOptions>(['numClasses'], [3, { name: 'iou' }]) // { numClasses: 3, name: 'iou' }
 */
export function byName<O extends object>(names: readonly (keyof O & string)[], args: readonly unknown[]): O {
  const last = args.at(-1)
  const options = isOptions(last) ? last : {}
  const positional = isOptions(last) ? args.slice(0, -1) : args
  const given = positional.flatMap((value, i) => (value === undefined ? [] : [[names[i] as string, value] as const]))
  return { ...options, ...Object.fromEntries(given) } as O
}
