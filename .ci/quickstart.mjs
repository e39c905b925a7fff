/** The first thing that people run must work, and learn: at least 90 % of the test pictures named rightly. */
import assert from 'node:assert/strict'
import { run } from '../tools/setup/command.mjs'

const output = run('npm', ['run', '--silent', 'quickstart'], { shell: process.platform === 'win32' })
console.log(output)
const [, tested = ''] = output.split('never seen:')
const accuracy = Number(/accuracy: ([\d.]+)/.exec(tested)?.[1])
assert.ok(accuracy >= 0.9, `test accuracy ${accuracy}`)
