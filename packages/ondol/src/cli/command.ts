/** What a command of `ondol` is, and where it writes. */
import type { ParseArgsConfig } from 'node:util'

/** Where text goes. */
export interface Terminal {
  out(text: string): void
  /** Bold, where colours are wanted. */
  bold(text: string): string
}

export interface Arguments {
  readonly positionals: readonly string[]
  readonly values: Readonly<Record<string, string | boolean | undefined>>
}

export interface Command {
  /** How it is called, without `ondol`. */
  readonly usage: string
  /** One line for the list of commands. */
  readonly summary: string
  /** The rest of its help. */
  readonly help: string
  readonly options: NonNullable<ParseArgsConfig['options']>
  /** How many files it takes. */
  readonly files: number
  /** What it does, loaded when it is needed; gives the exit code. */
  run(given: Arguments, terminal: Terminal): Promise<number>
}

/** Something that was asked for wrongly: told with a hint at the help. */
export class UsageError extends Error {}
