/** Recurrent layers, their cells, and what runs layers over steps. */
import * as layers from '../../index.js'
import type { LayerCase, LayerCases } from '../layer-case.js'

const input = [2, 3, 4]
const weights = { trainable: ['kernel', 'recurrent_kernel', 'bias'], known: [-1] }
const reads = { readsMask: true }
const readsAndPasses = { readsMask: true, passesMask: true }

/** A cell on one step and its states. */
const cell = (make: LayerCase['make'], states: number, more: Partial<LayerCase> = {}): LayerCase => ({
  make,
  input: [[2, 4], ...new Array<number[]>(states).fill([2, 3])],
  places: [0, Array.from({ length: states }, (_, i) => i + 1)],
  output: new Array<number[]>(states + 1).fill([2, 3]),
  ...weights,
  ...more,
})

export const cells: LayerCases = {
  SimpleRNNCell: cell((o) => layers.simpleRnnCell(3, o), 1),
  'GRUCell with dropout': cell((o) => layers.gruCell(3, { dropout: 0.3, recurrentDropout: 0.3, seed: 1, ...o }), 1, { seedGenerators: 1 }),
  LSTMCell: cell((o) => layers.lstmCell(3, o), 2),
  StackedRNNCells: cell(
    (o) => layers.stackedRnnCells([layers.gruCell(3, { dtype: o.dtype }), layers.simpleRnnCell(3, { dtype: o.dtype })], o),
    2,
    {
      trainable: [...weights.trainable, ...weights.trainable],
    },
  ),
}

const channels = { input: [2, 3, 4, 2], ...weights, known: [-1, -2] }

export const recurrent: LayerCases = {
  SimpleRNN: { make: (o) => layers.simpleRnn(3, o), input, output: [2, 3], ...weights, ...reads },
  GRU: {
    make: (o) => layers.gru(3, { dropout: 0.2, recurrentDropout: 0.2, returnSequences: true, seed: 1, ...o }),
    input,
    output: [2, 3, 3],
    seedGenerators: 1,
    ...weights,
    ...readsAndPasses,
  },
  'GRU, reset before': {
    make: (o) => layers.gru(3, { resetAfter: false, recurrentDropout: 0.2, returnState: true, seed: 1, ...o }),
    input,
    output: [
      [2, 3],
      [2, 3],
    ],
    seedGenerators: 1,
    ...weights,
    ...reads,
  },
  LSTM: { make: (o) => layers.lstm(4, o), input, output: [2, 4], ...weights, ...reads },
  'LSTM with all outputs': {
    make: (o) =>
      layers.lstm(4, { returnSequences: true, returnState: true, goBackwards: true, dropout: 0.3, recurrentDropout: 0.2, seed: 1, ...o }),
    input,
    output: [
      [2, 3, 4],
      [2, 4],
      [2, 4],
    ],
    seedGenerators: 1,
    ...weights,
    ...readsAndPasses,
  },
  'LSTM unrolled': {
    make: (o) => layers.lstm(4, { unroll: true, unitForgetBias: false, returnSequences: true, ...o }),
    input,
    output: [2, 3, 4],
    ...weights,
    known: [-1, -2],
    ...readsAndPasses,
  },
  RNN: {
    make: (o) => layers.rnn(layers.lstmCell(4, { dtype: o.dtype }), { zeroOutputForMask: true, ...o }),
    input,
    output: [2, 4],
    ...weights,
    ...reads,
  },
  Bidirectional: {
    make: (o) => layers.bidirectional(layers.gru(3, { returnSequences: true, dtype: o.dtype }), o),
    input,
    output: [2, 3, 6],
    known: [-1],
    trainable: [...weights.trainable, ...weights.trainable],
    ...readsAndPasses,
  },
  TimeDistributed: {
    make: (o) => layers.timeDistributed(layers.dense(3, { dtype: o.dtype }), o),
    input,
    output: [2, 3, 3],
    known: [-1],
    trainable: ['kernel', 'bias'],
    passesMask: true,
  },
  ConvLSTM1D: {
    make: (o) => layers.convLstm1d(2, 2, { dropout: 0.2, recurrentDropout: 0.2, seed: 1, ...o }),
    output: [2, 3, 2],
    seedGenerators: 1,
    ...channels,
    ...reads,
  },
  ConvLSTM2D: {
    make: (o) => layers.convLstm2d(2, 2, { padding: 'same', returnSequences: true, ...o }),
    input: [1, 2, 3, 3, 2],
    output: [1, 2, 3, 3, 2],
    ...weights,
    known: [-1, -2, -3],
    ...readsAndPasses,
  },
  ConvLSTM3D: {
    make: (o) => layers.convLstm3d(1, 2, o),
    input: [1, 2, 2, 3, 2, 2],
    output: [1, 1, 2, 1, 1],
    ...weights,
    known: [-1, -2, -3, -4],
    ...reads,
  },
}
