#!/usr/bin/env node
/** The program `ondol`. */
import { run } from './run.js'

const { stdout, stderr, env, argv } = process
// A reader that has seen enough, such as head, closes its end: that is no error.
stdout.on('error', (error: Error & { code?: string }) => process.exit(error.code === 'EPIPE' ? 0 : 2))
process.exitCode = await run(argv.slice(2), {
  out: (text) => void stdout.write(text),
  error: (text) => void stderr.write(text),
  hasColours: stdout.isTTY === true && env.NO_COLOR === undefined,
})
