/** Runs every example's short mode, as people run it, and looks at the numbers that it ends with. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
type Result = Readonly<Record<string, number> & Record<string, number | readonly number[]>>

const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, ['build/examples/support/run.js', ...args], { cwd: root, encoding: 'utf8', timeout: 280_000 })

/** The example's last line of numbers. */
function resultOf(name: string): Result {
  const { status, stdout, stderr } = run(name, '--short')
  expect(status, `${stdout.slice(-2000)}\n${stderr}`).toBe(0)
  return JSON.parse(/^result (.*)$/m.exec(stdout)?.[1] as string) as Result
}

const falls = ({ firstLoss, lastLoss }: Result): void => expect(lastLoss).toBeLessThan(firstLoss as number)

/** What must be true of each example's numbers. Parameter counts are those of the papers and tutorials. */
const CHECKS: Readonly<Record<string, (result: Result) => void>> = {
  alexnet: (result) => {
    expect(result.parameters).toBe(24_737_034)
    falls(result)
  },
  'author-profile': (result) => {
    expect(result.parameters).toBe(14_146_316)
    expect(result.differenceInLists).toBe(0)
    falls(result)
  },
  'custom-conv-layer': (result) => {
    expect([result.refused, result.parameters]).toEqual([5, 16_586])
    expect(result.difference).toBeLessThan(1e-5)
    expect(result.loadedAccuracy).toBe(result.testAccuracy)
    falls(result)
  },
  'densenet-cifar10': (result) => {
    expect([result.parameters, result.savedSteps]).toEqual([769_162, 30])
    expect(result.savedAccuracy).toBe(result.testAccuracy)
    falls(result)
  },
  'embedding-classifier': (result) => {
    expect(result.parameters).toBe(80_161)
    falls(result)
  },
  ensemble: ({ weights, validationLosses, accuracies, together }) => {
    expect((weights as unknown as number[]).reduce((a, b) => a + b)).toBeCloseTo(1, 4)
    const [equal, learnt] = validationLosses as unknown as [number, number]
    expect(learnt).toBeLessThan(equal)
    expect(together).toBeGreaterThan(Math.max(...(accuracies as unknown as number[])) - 0.05)
  },
  'functional-basics': (result) => {
    expect([result.parameters, result.refused, result.featureWidth]).toEqual([3466, 1, 32])
    expect(result.testAccuracy).toBeGreaterThan(0.2)
    falls(result)
  },
  googlenet: (result) => {
    expect([result.parameters, result.modules]).toEqual([6_998_552, 9])
    falls(result)
  },
  'histology-bhcnet': (result) => {
    expect([result.parameters, result.explained, result.movedFromZero, result.moved]).toEqual([65_199, 1, 0, 12])
    expect(result.difference).toBeLessThan(1e-5)
    falls(result)
  },
  'inception-module': (result) => {
    expect([result.parameters, result.outputShape, result.branches]).toEqual([447_872, [112, 112, 512], 4])
    falls(result)
  },
  'keyword-protonet': (result) => {
    expect(result.parameters).toEqual([142_104, 277_576])
    expect(result.ownVoice).toBeGreaterThan(0.4)
    falls(result)
  },
  'learning-rate': (result) => {
    expect(result.batches).toBe((result.epochs as number) * 8)
    expect(result.lastRate).toBeLessThan(result.firstRate as number)
    expect(result.savedAccuracy).toBe(result.testAccuracy)
    expect(result.testAccuracy).toBeGreaterThan(0.3)
  },
  'question-answering': (result) => {
    expect([result.parameters, result.differenceByName]).toEqual([1_337_332, 0])
    falls(result)
  },
  resnet50: (result) => {
    expect([result.parameters, result.blocks]).toEqual([25_636_712, 16])
    falls(result)
  },
  'separable-convnet': (result) => {
    expect([result.parameters, result.plainParameters]).toEqual([38_949, 282_282])
    expect(result.byLayer).toEqual([155, 2400, 4736, 8896, 9408, 8896, 4128, 330])
    falls(result)
  },
  'siamese-lstm': (result) => {
    expect([result.parameters, result.calls]).toEqual([20_673, 2])
    falls(result)
  },
  'text-sequential': (result) => {
    expect(result.parameters).toBe(160_305)
    expect(result.testAccuracy).toBeGreaterThan(0.65)
    falls(result)
  },
}

/** Has a check of its own in CI, with a full run. */
const ELSEWHERE = ['quickstart']

describe('npm run example', () => {
  const names = readdirSync(new URL('.', import.meta.url))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.slice(0, -'.ts'.length))

  it('lists what there is', () => {
    const { status, stdout } = run()
    expect(status).toBe(0)
    expect(names.filter((name) => !new RegExp(`^  ${name} +\\S`, 'm').test(stdout))).toEqual([])
    const unknown = run('no-such-example')
    expect([unknown.status, unknown.stdout.startsWith("There is no example 'no-such-example'.\n")]).toEqual([1, true])
  })

  it('has a check for each', () => {
    expect([...Object.keys(CHECKS), ...ELSEWHERE].sort()).toEqual(names.sort())
  })

  it.each(Object.keys(CHECKS))('%s', (name) => CHECKS[name]?.(resultOf(name)))
})
