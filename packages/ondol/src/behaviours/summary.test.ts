// What summary() prints in Keras; whole tables of many models are in models/summary.test.ts.
import { beforeEach, describe, expect, it } from 'vitest'
import { Input, layers, Model, Sequential, type Tensor, tensor, utils } from '../index.js'

beforeEach(() => utils.clearSession())

type Options = NonNullable<Parameters<Model['summary']>[0]>

function summaryOf(model: Model, options: Options = {}): string {
  const calls: string[] = []
  expect(model.summary({ lineLength: 60, ...options, printFn: (text) => calls.push(text) })).toBeUndefined()
  expect(calls).toHaveLength(1)
  return calls[0] as string
}

/** Rows of the table: cells without the box, lines of a cell joined. */
function rowsOf(text: string): string[][] {
  const blocks = text.split(/\n[┡├└].*\n/).slice(1, -1)
  return blocks.map((block) => {
    const lines = block.split('\n').map((line) => line.split('│').slice(1, -1))
    return lines[0]!.map((_, i) =>
      lines
        .map((line) => line[i]!.trim())
        .filter(Boolean)
        .join(' '),
    )
  })
}

class Two extends Model {
  readonly first = layers.dense(3)
  readonly second = layers.dense(2)
  override call(x: Tensor): Tensor {
    return this.second(this.first(x))
  }
}

describe('summary', () => {
  it('goes to printFn in one call, without colours, with Keras’s box', () => {
    const text = summaryOf(new Sequential([Input({ shape: [2] }), layers.dense(1)]))
    expect(text.trimEnd()).toBe(`Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━┓
┃ Layer (type)             ┃ Output Shape      ┃   Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━┩
│ dense (Dense)            │ (None, 1)         │         3 │
└──────────────────────────┴───────────────────┴───────────┘
 Total params: 3 (12.00 B)
 Trainable params: 3 (12.00 B)
 Non-trainable params: 0 (0.00 B)`)
  })

  it('says ? and unbuilt of what was never called, and what came out of what was', () => {
    const model = new Two()
    expect(rowsOf(summaryOf(model))).toEqual([
      ['dense (Dense)', '?', '0 (unbuilt)'],
      ['dense_1 (Dense)', '?', '0 (unbuilt)'],
    ])
    model(
      tensor([
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ]),
    )
    const [first, second] = rowsOf(summaryOf(model))
    expect([first![2], second![2]]).toEqual(['15', '8'])
  })

  it('lists inputs of graphs, and all shapes of a layer with several outputs', () => {
    const input = Input({ shape: [5, 3] })
    const [sequence, state] = layers.lstm(4, { returnState: true })(input) as never as [typeof input, typeof input]
    const rows = rowsOf(summaryOf(new Model({ inputs: input, outputs: [sequence, state] }), { lineLength: 76 }))
    expect(rows).toEqual([
      ['input_layer (InputLayer)', '(None, 5, 3)', '0'],
      ['lstm (LSTM)', '[(None, 4), (None, 4), (None, 4)]', '128'],
    ])
  })

  it('tells what is connected to what where the graph is no chain', () => {
    const [a, b] = [Input({ shape: [8], name: 'a' }), Input({ shape: [8], name: 'b' })]
    const shared = layers.dense(4, { name: 'shared' })
    const rows = rowsOf(summaryOf(new Model({ inputs: [a, b], outputs: layers.concatenate([shared(a), shared(b)]) }), { lineLength: 108 }))
    expect(rows).toEqual([
      ['a (InputLayer)', '(None, 8)', '0', '-'],
      ['b (InputLayer)', '(None, 8)', '0', '-'],
      ['shared (Dense)', '(None, 4)', '36', 'a[0][0], b[0][0]'],
      ['concatenate (Concatenate)', '(None, 8)', '0', 'shared[0][0], shared[1][0]'],
    ])
  })

  it('counts in thousands and mebibytes, and cuts what is too long', () => {
    const model = new Sequential([Input({ shape: [1024] }), layers.dense(1024, { name: 'big' }), layers.dense(65536, { name: 'bigger' })])
    const text = summaryOf(model)
    expect(rowsOf(text).map((row) => row[2])).toEqual(['1,049,600', '67,174,4…'])
    expect(text).toContain('Total params: 68,224,000 (260.25 MB)')
  })

  it('adds the optimizer’s once it has them, and shows what is trained', () => {
    const model = new Sequential([Input({ shape: [2] }), layers.dense(1)])
    model.compile({ optimizer: 'adam', loss: 'mse' })
    expect(summaryOf(model)).not.toContain('Optimizer')
    model.optimizer!.build(model.trainableVariables)
    expect(summaryOf(model)).toContain(
      'Total params: 11 (44.00 B)\n Trainable params: 3 (12.00 B)\n Non-trainable params: 0 (0.00 B)\n Optimizer params: 8 (32.00 B)',
    )
    model.layers[0]!.trainable = false
    expect(rowsOf(summaryOf(model, { lineLength: 70, showTrainable: true }))[0]!.at(-1)).toBe('N')
  })

  it('shows what is inside models, further in', () => {
    const inner = new Sequential([Input({ shape: [2] }), layers.dense(1)], { name: 'inner' })
    const rows = rowsOf(summaryOf(new Sequential([Input({ shape: [2] }), inner]), { expandNested: true }))
    expect(rows.map(([name]) => name)).toEqual(['inner (Sequential)', '└ dense (Dense)'])
  })

  it('takes positions, and a range of layers whose names begin so', () => {
    const model = new Sequential([Input({ shape: [2] }), ...['a1', 'b1', 'b2', 'c1'].map((name) => layers.dense(2, { name }))])
    expect(rowsOf(summaryOf(model, { layerRange: ['b', 'b'] })).map(([name]) => name)).toEqual(['b1 (Dense)', 'b2 (Dense)'])
    const header = summaryOf(model, { positions: [0.5, 0.8, 1] }).split('\n')[1] as string
    expect(header.split('┳').map((part) => part.length)).toEqual([30, 16, 12])
  })

  it('says when there is no room', () => {
    expect(() => summaryOf(new Sequential([Input({ shape: [2] }), layers.dense(1)]), { lineLength: 8 })).toThrow(/too short/)
  })
})
