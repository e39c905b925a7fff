/** Each command, on files of its own: what it prints, and how it ends. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Input, layers, Model, optimizers, Sequential, saving, setBackend, tensor } from '../index.js'
import { run } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'ondol-cli-'))
const at = (name: string): string => join(folder, name)

function small(units = 2): Sequential {
  const model = new Sequential(
    [
      Input({ shape: [3], name: 'features' }),
      layers.dense(units, { activation: 'relu', name: 'hidden' }),
      layers.dense(1, { name: 'answer' }),
    ],
    { name: 'small' },
  )
  model.compile({ optimizer: new optimizers.SGD({ name: 'sgd' }), loss: 'mse', metrics: ['mae'] })
  const count = (values: readonly number[], shape: readonly number[]) => tensor(values as never, shape as never)
  if (units === 2) model.setWeights([count([1, 2, 3, 4, 5, 6], [3, 2]), count([0, -1], [2]), count([0.5, 0.25], [2, 1]), count([1], [1])])
  return model
}

/** Runs a command in this process. */
async function ondol(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  let [out, error] = ['', '']
  const streams = { out: (text: string) => void (out += text), error: (text: string) => void (error += text), hasColours: false }
  const code = await run(args, streams)
  return { code, out: out.replaceAll(`${folder}/`, ''), error: error.replaceAll(`${folder}/`, '') }
}

beforeAll(async () => {
  await setBackend('host')
  const model = small()
  await model.save(at('model.keras'))
  await model.saveWeights(at('model.weights.h5'))
  const other = small()
  other.getLayer('answer').setWeights([tensor([[0.5], [0.5]]), tensor([1])])
  await other.save(at('other.keras'))
  await small(4).save(at('wide.keras'))
  await saving.writeNpz({ x: tensor([[1, 0, 0], [0, 1, 1]]), y: tensor([[2], [2]]) }, at('data.npz')) // biome-ignore format: rows
  await saving.writeNpz({ features: tensor([[1, 0, 0]]) }, at('x.npz'))
  writeFileSync(at('x.csv'), 'a,b,c\n1,0,0\n0,1,1\n')
  writeFileSync(at('x.json'), '[[1, 0, 0]]')
})

afterAll(() => rmSync(folder, { recursive: true }))

describe('ondol inspect', () => {
  it('shows layers, weights and how the model was compiled', async () => {
    const { code, out } = await ondol('inspect', at('model.keras'))
    expect(code).toBe(0)
    expect(out.replace(/, [\d.]+ kB/, ', SIZE')).toMatchSnapshot()
  })

  it('shows weights alone, whatever their format', async () => {
    const { out } = await ondol('inspect', at('model.weights.h5'))
    expect(out).toContain('model.weights.h5: weights')
    expect(out).toMatch(/layers\/dense\/vars\/0 +\(3, 2\) +float32 +1 +6 +3\.5/)
    await small().saveWeights(at('one.safetensors'))
    expect((await ondol('inspect', at('one.safetensors'))).out).toMatch(/\(3, 2\) +float32 +1 +6 +3\.5/)
  })

  it('speaks JSON', async () => {
    const { out } = await ondol('inspect', at('model.keras'), '--json')
    const facts = JSON.parse(out)
    expect(facts).toMatchObject({ class: 'Sequential', name: 'small', parameters: 11, optimizer: { class: 'SGD', iterations: 0 } })
    expect(facts.weights[0]).toEqual({
      path: 'hidden/kernel',
      shape: [3, 2],
      dtype: 'float32',
      count: 6,
      min: 1,
      max: 6,
      mean: 3.5,
      notFinite: 0,
    })
  })

  it('says what is wrong with a file, on standard error', async () => {
    expect(await ondol('inspect', at('missing.keras'))).toMatchObject({
      code: 2,
      out: '',
      error: expect.stringContaining('missing.keras: there is no such file'),
    })
  })
})

describe('ondol convert', () => {
  it.each(['out.h5', 'out.weights.h5', 'out.safetensors', 'out.npz', 'out.onnx', 'again.keras'])('writes %s', async (name) => {
    const { code, out, error } = await ondol('convert', at('model.keras'), at(name))
    expect(error).toBe('')
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^${name}: [\\d.]+ k?B\n$`))
    const isWeights = name !== 'out.onnx'
    if (isWeights) expect(await ondol('diff', at('model.keras'), at(name))).toMatchObject({ out: 'No differences.\n', code: 0 })
  })

  it('gives weights to a model', async () => {
    expect(await ondol('convert', at('model.weights.h5'), at('joined.keras'))).toMatchObject({
      code: 2,
      error: expect.stringContaining('--model MODEL'),
    })
    expect((await ondol('convert', at('model.weights.h5'), at('joined.keras'), '--model', at('other.keras'))).code).toBe(0)
    expect((await ondol('diff', at('joined.keras'), at('model.keras'))).out).toBe('No differences.\n')
  })

  it('refuses names that tell no format', async () => {
    expect(await ondol('convert', at('model.keras'), at('model.pt'))).toMatchObject({
      code: 2,
      error: expect.stringContaining('tells no format'),
    })
  })
})

describe('ondol predict', () => {
  it('prints outputs as JSON', async () => {
    // relu([1, 2] + [0, -1]) · [0.5, 0.25] + 1 = 1.75; relu([8, 10] + [0, -1]) gives 7.25.
    expect(await ondol('predict', at('model.keras'), '--input', at('x.csv'))).toMatchObject({
      code: 0,
      out: '{"answer":[[1.75],[7.25]]}\n',
    })
    expect((await ondol('predict', at('model.keras'), '--input', at('x.json'))).out).toBe('{"answer":[[1.75]]}\n')
  })

  it('writes them to a file', async () => {
    const { out } = await ondol('predict', at('model.keras'), '--input', at('x.npz'), '--output', at('y.npz'))
    expect(out).toBe('y.npz: answer (1, 1) float32\n')
    expect(await (await saving.readNpz(at('y.npz'))).answer?.array()).toEqual([[1.75]])
    await ondol('predict', at('model.keras'), '--input', at('x.npz'), '--output', at('y.json'))
    expect(readFileSync(at('y.json'), 'utf8')).toBe('{"answer":[[1.75]]}\n')
  })

  it('takes inputs by name', async () => {
    const [a, b] = [Input({ shape: [1], name: 'a' }), Input({ shape: [1], name: 'b' })]
    await new Model({ inputs: [a, b], outputs: layers.subtract([a, b]) }).save(at('two.keras'))
    writeFileSync(at('two.json'), '{"b": [[1]], "a": [[5]]}')
    expect((await ondol('predict', at('two.keras'), '--input', at('two.json'))).out).toBe('{"subtract":[[4]]}\n')
    expect((await ondol('predict', at('two.keras'), '--input', at('x.json'))).error).toContain('a, b wanted')
  })

  it('says which cell of a .csv file is wrong', async () => {
    writeFileSync(at('bad.csv'), '1,2,3\n4,x,6\n')
    expect((await ondol('predict', at('model.keras'), '--input', at('bad.csv'))).error).toContain('bad.csv, line 2: column 2 is no number')
  })
})

describe('ondol evaluate', () => {
  it('prints loss and metrics', async () => {
    // Errors 1.75 - 2 and 7.25 - 2.
    const { code, out } = await ondol('evaluate', at('model.keras'), '--data', at('data.npz'))
    expect(code).toBe(0)
    expect(out).toBe('loss: 13.81\nmae: 2.75\n')
    expect(JSON.parse((await ondol('evaluate', at('model.keras'), '--data', at('data.npz'), '--json')).out)).toEqual({
      loss: 13.8125,
      mae: 2.75,
    })
  })
})

describe('ondol diff', () => {
  it('shows what changed', async () => {
    expect(await ondol('diff', at('model.keras'), at('other.keras'))).toMatchObject({
      code: 1,
      out: 'Weight         Largest difference  Relative\nanswer/kernel                0.25         1\n',
    })
    expect((await ondol('diff', at('model.keras'), at('other.keras'), '--tolerance', '0.3')).code).toBe(0)
  })

  it('shows configurations by their places', async () => {
    const { out, code } = await ondol('diff', at('model.keras'), at('wide.keras'))
    expect(code).toBe(1)
    expect(out).toContain('config.layers.hidden.config.units: 2 -> 4')
    expect(out).toContain('hidden/kernel  shape (3, 2), in B (3, 4)')
  })
})

describe('ondol', () => {
  it.each([['--help'], ['inspect', '--help'], ['convert', '--help'], ['predict', '--help'], ['evaluate', '--help'], ['diff', '--help']])(
    'helps: %s %s',
    async (...args) => {
      const { code, out } = await ondol(...args.filter((arg) => arg !== undefined))
      expect(code).toBe(0)
      expect(out.split('\n').every((line) => line.length <= 120)).toBe(true)
      expect(out).toMatchSnapshot()
    },
  )

  it.each([
    [['inspekt', 'x'], "there is no command 'inspekt'; did you mean 'inspect'?"],
    [['inspect'], 'one file is wanted, 0 given'],
    [['diff', 'a'], '2 files are wanted, 1 given'],
    [['inspect', 'a', '--nonsense'], '--nonsense'],
    [['predict', 'a'], '--input FILE is missing'],
    [['evaluate', 'a'], '--data FILE is missing'],
    [['toString'], "there is no command 'toString'"],
  ])('refuses %j', async (args, message) => {
    const { code, out, error } = await ondol(...args)
    expect([code, out]).toEqual([2, ''])
    expect(error).toContain(message)
    expect(error).toMatch(/Try 'ondol .*--help'\.\n$/)
  })

  it('is a program: exit code, both streams, no colours into a pipe', async () => {
    const here = fileURLToPath(new URL('.', import.meta.url))
    await build({
      entryPoints: [join(here, 'main.ts')],
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      conditions: ['source'],
      external: ['*.node'],
      outdir: at('program/dist/cli'),
      outExtension: { '.js': '.mjs' },
      logLevel: 'error',
    })
    const program = (...args: string[]) =>
      new Promise<{ code: number; out: string; error: string }>((resolve) => {
        const env = { ...process.env, ONDOL_BACKEND: 'host' }
        const child = execFile(process.execPath, [at('program/dist/cli/main.mjs'), ...args], { env }, (_failure, out, error) => {
          resolve({ code: child.exitCode as number, out, error })
        })
      })
    expect(await program('diff', at('model.keras'), at('other.keras'))).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^Weight/),
      error: '',
    })
    expect(await program('inspect', at('missing.keras'))).toMatchObject({ code: 2, out: '', error: expect.stringMatching(/^ondol: /) })
  })
})
