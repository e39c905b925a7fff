/** Recurrent layers beyond the vectors: states, dropout, cells of one's own, and bad input. */
import { beforeAll, describe, expect, it } from 'vitest'
import { setBackend } from '../../backends/load.js'
import { type Tensor, tensor } from '../../engine/index.js'
import { Model } from '../../models/index.js'
import * as ops from '../../ops/index.js'
import type { KerasTensor } from '../../ops/operation.js'
import * as layers from '../index.js'

beforeAll(() => setBackend('host'))

const wave = (...shape: number[]): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * 1.3 + 0.2)),
    shape,
  )
const close = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape)
  a.dataSync().forEach((value, i) => expect(value).toBeCloseTo(b.dataSync()[i] as number, 5))
}
describe('states', () => {
  it('come as an argument, as an option and as symbols alike', () => {
    const [x, h] = [wave(2, 3, 4), wave(2, 5)]
    const layer = layers.gru(5)
    const expected = layer<Tensor>(x, [h] as never)
    close(layer<Tensor>(x, { initialState: [h] }), expected)
    close(layer<Tensor>(x, { initialState: h }), expected)
    const [sequence, state] = [layers.Input({ shape: [3, 4] }), layers.Input({ shape: [5] })]
    const model = new Model({ inputs: [sequence, state], outputs: layer<KerasTensor>(sequence, { initialState: [state] }) })
    close(model([x, h]) as Tensor, expected)
  })

  it('of both directions are given and kept', () => {
    const x = wave(2, 3, 4)
    const layer = layers.bidirectional(layers.lstm(2, { returnState: true }))
    const [output, ...states] = layer<Tensor[]>(x) as [Tensor, ...Tensor[]]
    expect(states.map(({ shape }) => shape)).toEqual(new Array(4).fill([2, 2]))
    close(layer<Tensor[]>(x, { initialState: states.map((state) => ops.zerosLike(state)) })[0] as Tensor, output)
    expect(() => layer.resetState()).toThrow(/keeps no states/)
    const stateful = layers.bidirectional(layers.gru(2, { stateful: true }))
    const first = stateful<Tensor>(x).dataSync()
    expect(stateful<Tensor>(x).dataSync()).not.toEqual(first)
    stateful.resetState()
    expect(stateful<Tensor>(x).dataSync()).toEqual(first)
    expect(stateful.states?.length).toBe(2)
  })

  it('of stacked cells keep the structure of the cells', () => {
    const layer = layers.rnn(layers.stackedRnnCells([layers.lstmCell(2), layers.gruCell(3)]), { returnState: true })
    const [output, first, second] = layer<[Tensor, [Tensor, Tensor], Tensor]>(wave(2, 3, 4))
    expect([output.shape, first[0].shape, first[1].shape, second.shape]).toEqual([
      [2, 3],
      [2, 2],
      [2, 2],
      [2, 3],
    ])
    close(output, second)
  })

  it('that begin elsewhere do not show in the output of a masked first step', () => {
    const [x, mask] = [wave(1, 2, 3), tensor([0, 1], [1, 2], 'bool')]
    const layer = layers.gru(2, { returnSequences: true })
    const outputs = layer<Tensor>(x, { mask, initialState: ops.ones([1, 2]) })
    expect([...outputs.dataSync().slice(0, 2)]).toEqual([0, 0])
  })

  it('are checked', () => {
    const x = wave(2, 3, 4)
    expect(() => layers.lstm(5)(x, { initialState: [wave(2, 5)] })).toThrow(/wrong number of initial states/)
    expect(() => layers.gru(5)(x, { initialState: [wave(2, 4)] })).toThrow(/initial state 0 has the wrong shape/)
  })
})

describe('cells of your own', () => {
  class Minimal extends layers.Layer {
    readonly stateSize = 3
    kernel!: ReturnType<typeof this.addWeight>
    override build(shape: readonly (number | null)[]): void {
      this.kernel = this.addWeight({ name: 'kernel', shape: [shape.at(-1) as number, 3], initializer: 'ones' })
    }
    override call(x: Tensor, [before]: Tensor[]): [Tensor, Tensor[]] {
      const output = ops.add(ops.matmul(x, this.kernel), before as Tensor)
      return [output, [output]]
    }
  }

  it('may be plain layers, alone and stacked, with masks', () => {
    const x = wave(2, 3, 4)
    const total = ops.sum(x, { axis: [1, 2] }).dataSync()
    const output = layers.rnn(new Minimal())<Tensor>(x)
    expect(output.shape).toEqual([2, 3])
    output.dataSync().forEach((value, i) => expect(value).toBeCloseTo(total[Math.floor(i / 3)] as number, 5))
    expect(layers.rnn(layers.stackedRnnCells([new Minimal(), layers.lstmCell(2), new Minimal()]))<Tensor>(x).shape).toEqual([2, 3])
    const mask = tensor([1, 1, 0, 1, 0, 0], [2, 3], 'bool')
    const visible = ops.sum(ops.multiply(x, ops.expandDims(ops.cast(mask, 'float32'), -1)), { axis: [1, 2] }).dataSync()
    layers
      .rnn(new Minimal())<Tensor>(x, { mask })
      .dataSync()
      .forEach((value, i) => expect(value).toBeCloseTo(visible[Math.floor(i / 3)] as number, 5))
  })

  it('may extend the built-in ones', () => {
    class Doubled extends layers.SimpleRNNCell {
      override call(x: Tensor, states: Tensor[]): [Tensor, Tensor[]] {
        const [output, next] = super.call(x, states)
        return [ops.multiply(output, 2), next as Tensor[]]
      }
    }
    const plain = layers.simpleRnnCell(3)
    const [own, known] = [layers.rnn(new Doubled(3)), layers.rnn(plain)]
    const x = wave(2, 3, 4)
    own(x)
    known(x)
    known.setWeights(own.getWeights())
    close(own<Tensor>(x), ops.multiply(known<Tensor>(x), 2))
  })

  it('must be cells', () => {
    expect(() => layers.rnn(layers.dense(3) as never)).toThrow(/this is no cell/)
    expect(() => layers.stackedRnnCells([])).toThrow(/there are no cells/)
  })
})

describe('dropout', () => {
  it('drops the same inputs at every step', () => {
    const layer = layers.simpleRnn(1, { dropout: 0.5, activation: 'linear', useBias: false, returnSequences: true, seed: 1 })
    const x = ops.ones([1, 4, 6])
    layer(x)
    layer.setWeights([ops.ones([6, 1]), ops.zeros([1, 1])])
    const outputs = [...layer<Tensor>(x, { training: true }).dataSync()]
    expect(new Set(outputs).size).toBe(1)
    expect([...layer<Tensor>(x).dataSync()]).toEqual([6, 6, 6, 6])
  })
})

describe('convolutional LSTM', () => {
  it('holds its state on masked steps', () => {
    const x = wave(2, 3, 4, 4, 1)
    const layer = layers.convLstm2d(2, 2)
    const mask = tensor([1, 1, 0, 1, 1, 0], [2, 3], 'bool')
    close(layer<Tensor>(x, { mask }), layer<Tensor>(ops.slice(x, [0, 0, 0, 0, 0], [2, 2, 4, 4, 1])))
  })

  it('needs the spatial sizes', () => {
    expect(() => layers.convLstm2d(2, 2)(layers.Input({ shape: [3, null, 4, 1] }))).toThrow(/spatial sizes must be known/)
  })
})

describe('what cannot be', () => {
  it('is refused', () => {
    expect(() => layers.lstm(2, { unroll: true })(layers.Input({ shape: [null, 3] }))).toThrow(/their number is known/)
    expect(() => layers.gru(2, { useCudnn: 'maybe' as never })).toThrow(/useCudnn/)
    expect(() => layers.gru(0)).toThrow(/positive/)
    expect(() => layers.gru(2, { resetafter: true } as never)).toThrow(/did you mean 'resetAfter'/)
    expect(() => layers.bidirectional(layers.lstm(2), { mergeMode: 'max' as never })).toThrow(/unknown way to merge/)
    expect(() => layers.bidirectional(layers.lstm(2), { backwardLayer: layers.lstm(2) })).toThrow(/same direction/)
    expect(() => layers.bidirectional(layers.lstm(2), { backwardLayer: layers.gru(2, { goBackwards: true, returnState: true }) })).toThrow(
      /the same returnState/,
    )
    expect(() => layers.timeDistributed(layers.dense(2))(wave(2, 3))).toThrow(/no steps/)
    expect(() => layers.timeDistributed(layers.dense(2))(wave(2, 3, 4), { mask: ops.ones([2, 4], 'bool') })).toThrow(/mask does not belong/)
  })
})

it('begins with weights that are given', () => {
  const source = layers.bidirectional(layers.simpleRnn(2))
  const x = wave(2, 3, 4)
  const expected = source<Tensor>(x)
  close(layers.bidirectional(layers.simpleRnn(2), { weights: source.getWeights() })<Tensor>(x), expected)
})
