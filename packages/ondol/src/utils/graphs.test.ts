import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { Model, Sequential } from '../models/index.js'
import { Config, clearSession, getSourceInputs, isKerasTensor, modelToDot, plotModel } from './index.js'
import { drawModel } from './model-drawing.js'
import { toSvg } from './model-plots.js'

beforeAll(() => useBackend(createHostBackend()))

function makeModel(): Model {
  clearSession()
  const [a, b] = [layers.Input({ shape: [4], name: 'a' }), layers.Input({ shape: [4], name: 'b' })]
  const inner = new Sequential([layers.Input({ shape: [4] }), layers.dense(3, { activation: 'relu', name: 'inside' })], { name: 'inner' })
  const both = layers.concatenate([inner(a), layers.dense(2, { name: 'left', trainable: false })(b)])
  return new Model({ inputs: [a, b], outputs: layers.dense(1, { name: 'out<1>' })(both), name: 'net' })
}

describe('symbols', () => {
  it('know where they come from', () => {
    const model = makeModel()
    expect(getSourceInputs(model.outputs[0]!).map(({ name }) => name)).toEqual(['a', 'b'])
    expect(getSourceInputs(model.inputs[1]!)).toEqual([model.inputs[1]])
    expect([isKerasTensor(model.inputs[0]), isKerasTensor(tensor(1))]).toEqual([true, false])
  })
})

describe('drawings of models', () => {
  it('have a box a layer and an arrow a connection', () => {
    const drawing = drawModel(makeModel(), { showLayerNames: true, showShapes: true, showDtype: true, showTrainable: true })
    const byTitle = new Map(drawing.boxes.map((box) => [box.title, box]))
    expect([...byTitle.keys()].sort()).toEqual(['a', 'b', 'concatenate', 'inner', 'left', 'out<1>'].sort())
    const id = (title: string): string => byTitle.get(title)?.id as string
    expect(drawing.edges).toContainEqual([id('a'), id('inner')])
    expect(drawing.edges).toContainEqual([id('concatenate'), id('out<1>')])
    expect(drawing.edges).toHaveLength(5)
    expect(byTitle.get('left')?.cells).toEqual([
      { label: 'Input shape', value: '(None, 4)' },
      { label: 'Output shape', value: '(None, 2)' },
      { label: 'Output dtype', value: 'float32' },
      { label: '', value: 'Non-trainable', colour: 'firebrick' },
    ])
    expect(byTitle.get('concatenate')?.cells[0]?.value).toBe('[(None, 3), (None, 2)]')
  })

  it('go into models inside', () => {
    const drawing = drawModel(makeModel(), { expandNested: true, showLayerNames: true, showLayerActivations: true })
    const [inner] = drawing.clusters
    expect(inner?.boxes.map(({ title, activation }) => [title, activation])).toEqual([['inside', 'relu']])
    const target = inner?.boxes[0]?.id
    expect(drawing.edges.filter(([from, to]) => from === target || to === target)).toHaveLength(2)
  })

  it('are DOT and SVG', async () => {
    const model = makeModel()
    const dot = modelToDot(model, { showShapes: true, expandNested: true })
    expect(dot).toMatch(/^digraph G \{[\s\S]*subgraph "cluster_inner"[\s\S]*\}$/)
    expect(dot).toContain('out&#60;1&#62;')
    expect(dot.split('->')).toHaveLength(6)
    const svg = toSvg(drawModel(model, { showLayerNames: true, expandNested: true }))
    expect(svg.match(/<path d="M[^"]*C/g)).toHaveLength(5)
    expect(svg).toContain('out&#60;1&#62;')
    expect(svg).not.toContain('NaN')
    await expect(plotModel(model, { toFile: 'model.png' })).rejects.toThrow(/SVG or DOT/)
    expect(() => modelToDot(new Sequential([layers.dense(1)]))).toThrow(/not built/)
  })
})

describe('Config', () => {
  it('keeps settings like properties', () => {
    const config = new Config({ learningRate: 0.1 })
    config.batchSize = 32
    expect([config.learningRate, config.get('batchSize'), config.get('x', 7), config.length]).toEqual([0.1, 32, 7, 2])
    expect([...config]).toEqual(['batchSize', 'learningRate'])
    expect('batchSize' in config).toBe(true)
    expect(JSON.parse(config.toJson())).toEqual(config.asDict())
    expect(() => config.learningrate).toThrow(/did you mean 'learningRate'/)
    config.freeze()
    expect(config.frozen).toBe(true)
    expect(() => {
      config.batchSize = 64
    }).toThrow(/frozen/)
    expect(() => config.pop('batchSize')).toThrow(/frozen/)
    config.unfreeze()
    expect(config.pop('batchSize')).toBe(32)
    expect(config.keys()).toEqual(['learningRate'])
  })
})
