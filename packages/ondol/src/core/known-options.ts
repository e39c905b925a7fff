/** What callers misspell is answered, not passed over. */
import { ValueError } from './errors.js'
import { byName } from './positional.js'
import { nearest } from './registry.js'

/**
 * @param offered - Those to offer: more than `known` where `options` are what is left after some were taken.
 * @throws ValueError for the first key of `options` that is not `known`, with the nearest one to take instead.
 */
export function refuseUnknownOptions(where: string, options: object, known: readonly string[], offered: readonly string[] = known): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const [near] = nearest(unknown, offered)
  throw new ValueError({
    where,
    problem: `there is no option '${unknown}'`,
    expected: `some of ${offered.join(', ')}`,
    received: `${unknown}: ${String((options as Readonly<Record<string, unknown>>)[unknown])}`,
    ...(near !== undefined && { hint: `did you mean '${near}'?` }),
  })
}

/**
 * The options of a class whose own ones are a table of defaults, in the order in which they may stand by position: its own,
 * and what is left for its base.
 */
export function ownOptions<P extends object>(defaults: P, args: readonly unknown[]): [own: P, rest: Record<string, unknown>] {
  const names = Object.keys(defaults)
  const given = Object.entries(byName<Record<string, unknown>>(names, args))
  const own = given.filter(([name, value]) => names.includes(name) && value !== undefined && value !== null)
  return [{ ...defaults, ...Object.fromEntries(own) }, Object.fromEntries(given.filter(([name]) => !names.includes(name)))]
}
