import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { useBackend } from '../engine/index.js'
import { setMaxEpochs, setMaxStepsPerEpoch } from '../layers/config.js'
import * as layers from '../layers/index.js'
import { Sequential } from '../models/index.js'

beforeAll(() => useBackend(createHostBackend()))
afterEach(() => {
  setMaxEpochs(null)
  setMaxStepsPerEpoch(null)
  vi.restoreAllMocks()
})

describe('limits', () => {
  const makeModel = (): Sequential => {
    const model = new Sequential([layers.Input({ shape: [1] }), layers.dense(1)])
    model.compile({ loss: 'mse' })
    return model
  }
  const x = Array.from({ length: 8 }, (_, i) => [i])

  it('bound epochs and steps of every run', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    setMaxEpochs(2)
    setMaxStepsPerEpoch(3)
    const model = makeModel()
    const { history } = await model.fit(x, x, { epochs: 9, batchSize: 2, verbose: 0 })
    expect(history.loss).toHaveLength(2)
    // Like Keras: the second epoch goes on with the one batch that the first left.
    expect(model.optimizer?.iterations.dataSync()[0]).toBe(4)
    const predicted = (await model.predict(x, { batchSize: 2, verbose: 0 })) as { shape: readonly number[] }
    expect(predicted.shape).toEqual([6, 1])
    expect(warn.mock.calls.flat().join()).toContain('limiting epochs to 2')
  })

  it('leave shorter runs as they are', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    setMaxEpochs(5)
    setMaxStepsPerEpoch(4)
    const { history } = await makeModel().fit(x, x, { epochs: 1, batchSize: 2, verbose: 0 })
    expect(history.loss).toHaveLength(1)
    expect(warn).not.toHaveBeenCalled()
  })
})
