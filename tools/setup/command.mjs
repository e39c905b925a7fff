/** Runs other programs for the set-up: output is kept back and shown only if they fail. */
import { spawnSync } from 'node:child_process'

export class CommandError extends Error {
  constructor(command, { status, error, stdout, stderr }) {
    const output = `${stdout ?? ''}${stderr ?? ''}`.trimEnd().split('\n').slice(-40).join('\n')
    super(`${command} ${error === undefined ? `ended with status ${status}` : `did not run: ${error.message}`}`)
    this.name = 'CommandError'
    this.output = output
  }
}

/** Standard output of a command that must succeed. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options })
  if (result.status !== 0) throw new CommandError([command, ...args].join(' '), result)
  return result.stdout
}

/** Standard output, or undefined if the command is missing or fails. */
export function tryRun(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', ...options })
  return result.status === 0 ? result.stdout : undefined
}
