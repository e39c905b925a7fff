import { afterEach, describe, expect, it } from 'vitest'
import { Input, layers, Model, type Tensor, tensor, utils } from '../index.js'
import { Progbar } from './progbar.js'
import { ProgbarLogger } from './progbar-logger.js'
import type { ProgressReporter } from './progress-reporter.js'

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours and the way back begin with one
const plain = (text: string): string => text.replace(/\x1b\[\d+m/g, '').replace(/\x08+/g, '')
const bar = (done: number): string => '━'.repeat(done)

/** Calls the hooks as a run does, with a clock that goes on by half a second a step. */
interface Drive {
  readonly epochs?: number
  readonly steps?: number | null
  readonly verbose?: number
  /** What `steps` turns out to be. */
  readonly knownSteps?: number
}

function drive(logger: ProgbarLogger, { epochs = 1, steps = 2, verbose = 1, knownSteps }: Drive) {
  logger.setParams({ epochs, steps, verbose })
  return async (kind: 'fit' | 'evaluate' | 'predict', tick: () => void): Promise<void> => {
    if (kind === 'fit') await logger.onTrainBegin()
    for (let epoch = 0; epoch < epochs; epoch++) {
      if (kind === 'fit') await logger.onEpochBegin(epoch)
      if (kind === 'evaluate') await logger.onTestBegin()
      if (kind === 'predict') await logger.onPredictBegin()
      for (let batch = 0; batch < 2; batch++) {
        tick()
        if (kind === 'fit') await logger.onTrainBatchEnd(batch, { loss: 4 - batch })
        if (kind === 'evaluate') await logger.onTestBatchEnd(batch, { loss: 4 - batch })
        if (kind === 'predict') await logger.onPredictBatchEnd(batch)
      }
      if (knownSteps !== undefined) logger.setParams({ epochs, steps: knownSteps, verbose })
      if (kind === 'fit') {
        await logger.onTestBegin()
        await logger.onTestBatchEnd(0, { loss: 9 })
        await logger.onTestEnd({ loss: 9 })
        await logger.onEpochEnd(epoch, { loss: 3, val_loss: 9 })
      }
      if (kind === 'evaluate') await logger.onTestEnd({ loss: 3 })
      if (kind === 'predict') await logger.onPredictEnd()
    }
    if (kind === 'fit') await logger.onTrainEnd()
  }
}

async function shown(kind: 'fit' | 'evaluate' | 'predict', options: Drive): Promise<string> {
  let [now, text] = [0, '']
  const logger = new ProgbarLogger({ isDynamic: true, clock: () => now, print: (part) => void (text += part) })
  await drive(logger, options)(kind, () => (now += 0.5))
  return plain(text)
}

describe('what a run shows', () => {
  it('fit: an epoch on each line, validation only in the last update', async () => {
    expect(await shown('fit', { epochs: 2 })).toBe(
      [1, 2]
        .map(
          (epoch) =>
            `Epoch ${epoch}/2\n` +
            `\r1/2 ${bar(20)} 0s 500ms/step - loss: 4.0000` +
            `\r2/2 ${bar(20)} 0s 500ms/step - loss: 3.0000` +
            `\r2/2 ${bar(20)} 1s 500ms/step - loss: 3.0000 - val_loss: 9.0000\n`,
        )
        .join(''),
    )
  })

  it('evaluate and predict: a line without an epoch, predict without values', async () => {
    const lines = (values: (loss: string) => string): string =>
      `\r1/2 ${bar(20)} 0s 500ms/step${values('4.0000')}\r2/2 ${bar(20)} 0s 500ms/step${values('3.0000')}` +
      `\r2/2 ${bar(20)} 1s 500ms/step${values('3.0000')}\n`
    expect(await shown('evaluate', {})).toBe(lines((loss) => ` - loss: ${loss}`))
    expect(await shown('predict', {})).toBe(lines(() => ''))
  })

  it('an unknown number of steps, known from the end of the first epoch on', async () => {
    expect(await shown('evaluate', { steps: null, knownSteps: 2 })).toBe(
      '\r      1/Unknown 0s 500ms/step - loss: 4.0000' +
        '\r      2/Unknown 1s 500ms/step - loss: 3.0000' +
        // The colours are no characters, the blanks cover what was longer before.
        `\r2/2 ${bar(20)} 1s 500ms/step - loss: 3.0000\n`,
    )
  })

  it('verbose 2: a line at the end of each epoch; 0: nothing', async () => {
    expect(await shown('fit', { epochs: 2, verbose: 2 })).toBe(
      [1, 2].map((epoch) => `Epoch ${epoch}/2\n2/2 - 1s - 500ms/step - loss: 3.0000 - val_loss: 9.0000\n`).join(''),
    )
    expect(await shown('predict', { verbose: 0 })).toBe('')
    expect(await shown('fit', { epochs: 2, verbose: 0 })).toBe('')
  })
})

describe('a terminal', () => {
  it('that is narrow gets lines that fit, until the last one', () => {
    const [lines, columns]: [string[], number[]] = [[], [30]]
    const progress = new Progbar(4, {
      isDynamic: true,
      interval: 0,
      clock: () => 0,
      columns: () => columns[0],
      print: (text) => void lines.push(text),
    })
    progress.update(1, { loss: 1, accuracy: 0.5 })
    columns[0] = 20
    progress.update(2, { loss: 1, accuracy: 0.5 })
    progress.update(4, { loss: 1, accuracy: 0.5 })
    expect(lines.map(plain)).toEqual([
      `\r1/4 ${bar(20)} 0s 0`,
      `\r2/4 ${bar(15)}`,
      `\r4/4 ${bar(20)} 0s 0s/step - loss: 1.0000 - accuracy: 0.5000\n`,
    ])
    // Colours are ended also where the text is cut.
    expect(lines[1]?.endsWith('\x1b[0m')).toBe(true)
  })

  it('that is slow skips refreshes and never the last line', async () => {
    const lines: string[] = []
    let finish: (() => void)[] = []
    let now = 0
    const print = (text: string): Promise<void> => {
      lines.push(plain(text))
      return new Promise((resolve) => finish.push(resolve))
    }
    const progress = new Progbar(5, { isDynamic: true, clock: () => now, print })
    const update = (step: number): void => {
      now += 1
      progress.update(step)
    }
    for (const step of [1, 2, 3]) update(step)
    expect(lines).toHaveLength(1)
    finish.forEach((resolve) => void resolve())
    finish = []
    await progress.flush()
    update(4)
    update(5)
    expect(lines.map((line) => line.slice(1, 4))).toEqual(['1/5', '4/5', '5/5'])
  })

  it('that is stuck holds training up once, for a moment', async () => {
    const [x, y] = [tensor(new Float32Array(64), [32, 2]), tensor(new Float32Array(32), [32, 1])]
    const input = Input({ shape: [2] })
    const model = new Model({ inputs: input, outputs: layers.dense(1)(input) })
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    let printed = 0
    const print = (): Promise<void> => {
      printed++
      return new Promise(() => undefined)
    }
    const started = performance.now()
    const { history } = await model.fit(x, y, { epochs: 40, callbacks: [new ProgbarLogger({ print, isDynamic: true })] })
    expect(history.loss).toHaveLength(40)
    expect(printed).toBeGreaterThanOrEqual(80)
    // Forty times the patience would be four seconds.
    expect(performance.now() - started).toBeLessThan(3000)
  })
})

describe('a reporter of your own', () => {
  afterEach(() => utils.setProgressReporter(null))

  const recorder = (): { events: string[]; reporter: ProgressReporter } => {
    const events: string[] = []
    return {
      events,
      reporter: {
        begin: ({ kind, epochs, steps }) => void events.push(`begin ${kind} ${epochs}x${steps}`),
        epochBegin: (epoch) => void events.push(`epoch ${epoch}`),
        batchEnd: (step) => void events.push(`step ${step}`),
        epochEnd: (epoch, logs, { steps }) => void events.push(`end of ${epoch} after ${steps}: ${Object.keys(logs)}`),
        end: ({ kind }) => void events.push(`end ${kind}`),
      },
    }
  }

  it('hears of every run, on a terminal or not', async () => {
    const { events, reporter } = recorder()
    utils.setProgressReporter(reporter)
    const input = Input({ shape: [2] })
    const model = new Model({ inputs: input, outputs: layers.dense(1)(input) })
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    const [x, y] = [tensor(new Float32Array(16), [8, 2]), tensor(new Float32Array(8), [8, 1])]
    await model.fit(x, y, { epochs: 2, batchSize: 4, validationData: [x, y] })
    await model.evaluate(x, y, { batchSize: 8 })
    const outputs = (await model.predict(x, { batchSize: 4 })) as Tensor
    expect(outputs.shape).toEqual([8, 1])
    await model.predict(x, { verbose: 0 })
    const steps = /^step \d$/
    expect(events.filter((event) => !steps.test(event))).toEqual([
      'begin fit 2x2',
      'epoch 0',
      'end of 0 after 2: loss,val_loss',
      'epoch 1',
      'end of 1 after 2: loss,val_loss',
      'end fit',
      'begin evaluate 1x1',
      'epoch 0',
      'end of 0 after 1: loss',
      'end evaluate',
      'begin predict 1x2',
      'epoch 0',
      'end of 0 after 2: ',
      'end predict',
    ])
    expect(events.filter((event) => steps.test(event)).length).toBeGreaterThan(0)
  })

  it('may be given to one run, and may keep one line for all epochs', async () => {
    let line = ''
    let done = 0
    const reporter: ProgressReporter = {
      batchEnd: (step, { loss }, { epochs, steps }) => void (line += `\r${done + step}/${epochs * (steps as number)} ${loss}`),
      epochEnd: (epoch, _logs, { steps }) => void (done = (epoch + 1) * (steps as number)),
      end: () => void (line += '\n'),
    }
    const logger = new ProgbarLogger({ reporter })
    await drive(logger, { epochs: 2 })('fit', () => undefined)
    expect(line).toBe('\r1/4 4\r2/4 3\r3/4 4\r4/4 3\n')
  })

  it('asks for values of batches only if it shows them', () => {
    const wish = (verbose: number, reporter?: ProgressReporter): string => {
      const logger = new ProgbarLogger(reporter && { reporter })
      logger.setParams({ verbose, epochs: 1, steps: 1 })
      return logger.batchLogs
    }
    expect(wish(1, { epochEnd: () => undefined })).toBe('never')
    expect(wish(2, { batchEnd: () => undefined })).toBe('sampled')
    expect([wish(1), wish(2)]).toEqual(['sampled', 'never'])
  })
})

it('the bar refuses to average and not to average', () => {
  expect(() => new Progbar(1, { statefulMetrics: ['a'], statelessMetrics: ['b'] })).toThrow(/both statefulMetrics and statelessMetrics/)
})
