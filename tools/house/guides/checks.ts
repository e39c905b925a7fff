/** What a page's checks compare: results as Node shows them, errors as they print, with what the page says. */
import { inspect } from 'node:util'

/** A value as Node shows it. */
export const shown = (value: unknown): string => inspect(value, { depth: 8, breakLength: Number.POSITIVE_INFINITY })

/** White space and the kind of quotes do not count, `…` stands for anything. */
export function agrees(actual: string, expected: string): boolean {
  const plain = (text: string): string => text.replace(/\s+/g, '').replaceAll('"', "'")
  const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${plain(expected).split('…').map(literal).join('.*')}$`).test(plain(actual))
}

function require(isSo: boolean, line: number, said: string, actual: string): void {
  if (!isSo) throw new Error(`line ${line}: the page says\n  ${said}\nbut it is\n  ${actual}`)
}

/** What the checks in a program call; `printed` gives everything that was printed so far. */
export function makeGuide(printed: () => string) {
  return {
    async shows(line: number, expected: string, run: () => Promise<{ readonly value: unknown }>): Promise<void> {
      const before = printed().length
      const { value } = await run()
      const text = printed().slice(before)
      const actual = text === '' ? shown(value) : text
      require(agrees(actual, expected), line, expected, actual)
    },
    async throws(line: number, expected: string, run: () => Promise<void>): Promise<void> {
      const error: unknown = await run().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      const actual = error instanceof Error ? `${error.name}: ${error.message}` : 'no error'
      require(error instanceof Error && agrees(actual, expected), line, expected, actual)
    },
  }
}
