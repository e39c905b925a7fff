/**
 * Prints "passed failed" of a vitest JSON report; a command without one counts as a single check.
 * A command that failed for another reason than its tests (a file that does not load, an error after
 * the last test) adds one failure.
 */
import { existsSync, readFileSync } from 'node:fs'

const [path, status] = process.argv.slice(2)
const hasFailed = status !== '0'
if (existsSync(path)) {
  const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(readFileSync(path, 'utf8'))
  console.log(`${passed} ${failed === 0 && hasFailed ? 1 : failed}`)
} else console.log(hasFailed ? '0 1' : '1 0')
