/** The command line: finds the command, reads its options, tells what went wrong. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { nearest } from '../core/registry.js'
import { type Command, type Terminal, UsageError } from './command.js'
import { COMMANDS, COMMON } from './commands.js'

/** Something went wrong: bad arguments, a file that cannot be read. `diff` uses 1. */
export const FAILED = 2

/** Where a run of the command line writes. */
export interface Streams {
  out(text: string): void
  error(text: string): void
  readonly hasColours: boolean
}

/**
 * Runs a command; gives the exit code.
 *
 * @example
 * await run(['inspect', 'model.keras'], streams) // 0
 */
export async function run(args: readonly string[], streams: Streams): Promise<number> {
  const bold = (text: string): string => (streams.hasColours ? `\x1b[1m${text}\x1b[22m` : text)
  const [name, ...rest] = args
  try {
    if (name === '--version' || name === '-v') return say(streams, versionText())
    if (name === undefined) {
      streams.error(overview(bold))
      return FAILED
    }
    if (name === '--help' || name === '-h' || name === 'help') {
      const [asked] = rest
      return say(streams, asked === undefined ? overview(bold) : helpOf(commandOf(asked), bold))
    }
    return await runCommand(commandOf(name), rest, streams, bold)
  } catch (error) {
    streams.error(`ondol: ${messageOf(error)}\n`)
    if (error instanceof UsageError) streams.error(`Try 'ondol ${name === undefined || !(name in COMMANDS) ? '' : `${name} `}--help'.\n`)
    return FAILED
  }
}

async function runCommand(command: Command, rest: readonly string[], streams: Streams, bold: (text: string) => string): Promise<number> {
  const { values, positionals } = parse(command, rest)
  if (values.help === true) return say(streams, helpOf(command, bold))
  if (positionals.length !== command.files)
    throw new UsageError(
      `${command.files === 1 ? 'one file is' : `${command.files} files are`} wanted, ${positionals.length} given: ondol ${command.usage}`,
    )
  if (typeof values.import === 'string') await import(pathToFileURL(resolve(values.import)).href)
  const terminal: Terminal = { out: streams.out, bold }
  return command.run({ positionals, values: values as Readonly<Record<string, string | boolean | undefined>> }, terminal)
}

function parse(command: Command, args: readonly string[]): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args: [...args], options: { ...COMMON, ...command.options }, allowPositionals: true })
  } catch (error) {
    throw new UsageError(messageOf(error))
  }
}

function commandOf(name: string): Command {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command !== undefined) return command
  const [near] = nearest(name, Object.keys(COMMANDS))
  throw new UsageError(`there is no command '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}`)
}

function say(streams: Streams, text: string): number {
  streams.out(text)
  return 0
}

function overview(bold: (text: string) => string): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  return `${bold('Usage:')} ondol COMMAND …

Looks at, converts and runs models of Keras.

${bold('Commands:')}
${rows.join('\n')}

${bold('Options:')}
  --import FILE   of every command: first load a module of your own, that registers classes which models use
  --help          help on ondol or, after a command, on that command
  --version       the version of ondol

Files are recognised by how their names end: .keras, .h5, model.json (of TensorFlow.js),
.weights.h5, .safetensors, .npz, .onnx. ONDOL_BACKEND=native, wasm or host says what computes.
`
}

const helpOf = ({ usage, summary, help }: Command, bold: (text: string) => string): string =>
  `${bold('Usage:')} ondol ${usage}\n\n${summary}.\n\n${help}\n`

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function versionText(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return `ondol ${version}\n`
}
