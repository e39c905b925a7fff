/** Constructors that take what Keras's take: some arguments by position, the rest in a trailing record. */
import { ValueError } from '../../core/errors.js'
import { isRecord } from '../convert.js'

/** Needed arguments, then any number of the optional ones, then a record of options. */
export type Arguments<Needed extends readonly unknown[], Optional extends readonly unknown[], Options> =
  | [...Needed, Options?]
  | (Optional extends readonly [...infer Rest, unknown] ? [...Needed, ...Optional, Options?] | Arguments<Needed, Rest, Options> : never)

/** All of them by name. */
export function readArguments<R extends object>(args: readonly unknown[], names: readonly string[]): R {
  const last = args.at(-1)
  const byPosition = isRecord(last) ? args.slice(0, -1) : args
  if (byPosition.length > names.length)
    throw new ValueError({ problem: 'too many arguments', expected: `at most (${names.join(', ')})`, received: `${byPosition.length}` })
  const given = byPosition.flatMap((value, i) => (value === undefined ? [] : [[names[i] as string, value] as const]))
  return { ...Object.fromEntries(given), ...(isRecord(last) ? last : {}) } as R
}
