"""Vectors for the recurrent layers; `layercase.py` says what is in one.

Run: .venv/bin/python tools/oracle/layers_rnn.py            writes packages/ondol/src/testing/vectors/layers/*.json
"""
import numpy as np
from layercase import case, layers, mask_of
from oracle import BACKEND, floats, keras

L = keras.layers
HOLES = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [0, 1, 1, 1]], bool)


def recurrent(Class, states, options):
    """What all recurrent layers have: outputs, states, directions, masks, initial states."""
    x = floats(21, 3, 4, 3)
    masks = [mask_of([4, 2, 3], 4)]
    start = [floats(40 + i, 3, 2) for i in range(states)]
    yield case("last output", Class(2), x)
    yield case("all", Class(2, return_sequences=True, return_state=True), x)
    yield case("backwards, holes", Class(2, go_backwards=True, return_sequences=True), x, masks=[HOLES])
    yield case("mask, state", Class(2, return_state=True), x, masks=masks)
    yield case("zero output", Class(2, zero_output_for_mask=True, return_state=True), x, masks=masks)
    yield case("unrolled, holes", Class(2, unroll=True, return_sequences=True), x, masks=[HOLES])
    yield case("initial state", Class(2, return_sequences=True, return_state=True), x, *start, spread=[0, list(range(1, states + 1))])
    yield case("no bias, relu", Class(2, use_bias=False, activation="relu", recurrent_initializer="glorot_uniform"), x)
    for title, more in options.items():
        yield case(title, Class(2, return_sequences=True, **more), x)
        yield case(f"{title}, mask", Class(2, **more), x, masks=masks)


def simple_rnn():
    yield from recurrent(L.SimpleRNN, 1, {"regularised": {"kernel_regularizer": "l2", "bias_constraint": "non_neg", "activity_regularizer": "l1"}})


def gru():
    yield from recurrent(L.GRU, 1, {"reset before": {"reset_after": False}, "hard": {"recurrent_activation": "hard_sigmoid"}})
    yield case("reset before, no bias", L.GRU(2, reset_after=False, use_bias=False, go_backwards=True), floats(21, 3, 4, 3))


def lstm_states():
    yield from recurrent(L.LSTM, 2, {"no forget bias": {"unit_forget_bias": False}})


def rnn():
    x, masks = floats(22, 3, 4, 3), [HOLES]

    def stack():
        return L.StackedRNNCells([L.LSTMCell(2), L.GRUCell(3), L.SimpleRNNCell(2)])

    yield case("GRU cell", L.RNN(L.GRUCell(2)), x)
    yield case("simple cell, all", L.RNN(L.SimpleRNNCell(2), return_sequences=True, return_state=True), x)
    yield case("stacked cells", L.RNN(stack()), x)
    yield case("stacked cells, all", L.RNN(stack(), return_sequences=True, return_state=True), x)
    yield case("stacked cells, mask", L.RNN(stack(), return_sequences=True), x, masks=masks)
    yield case("stacked cells, zero output", L.RNN(stack(), zero_output_for_mask=True), x, masks=masks)
    yield case("stacked cells, unrolled", L.RNN(stack(), unroll=True, go_backwards=True), x, masks=masks)


def cells():
    x, h, c, other = floats(34, 3, 4), floats(35, 3, 2), floats(36, 3, 2), floats(37, 3, 3)
    one, two = [0, [1]], [0, [1, 2]]
    yield case("simple", L.SimpleRNNCell(2), x, h, spread=one)
    yield case("simple, relu, no bias", L.SimpleRNNCell(2, activation="relu", use_bias=False), x, h, spread=one)
    yield case("GRU", L.GRUCell(2), x, h, spread=one)
    yield case("GRU, reset before", L.GRUCell(2, reset_after=False, recurrent_activation="hard_sigmoid"), x, h, spread=one)
    yield case("LSTM", L.LSTMCell(2), x, h, c, spread=two)
    yield case("LSTM, no bias, relu", L.LSTMCell(2, use_bias=False, activation="relu"), x, h, c, spread=two)
    yield case("two", L.StackedRNNCells([L.LSTMCell(2), L.GRUCell(3)]), x, h, c, other, spread=[0, [[1, 2], 3]])
    yield case("three", L.StackedRNNCells([L.GRUCell(2), L.SimpleRNNCell(3), L.SimpleRNNCell(2)]), x, h, other, c, spread=[0, [1, 2, 3]])


def bidirectional():
    x, masks = floats(23, 3, 4, 3), [mask_of([4, 2, 3], 4)]
    for mode in ("concat", "sum", "mul", "ave", None):
        yield case(f"{mode}", L.Bidirectional(L.LSTM(2), merge_mode=mode), x)
        yield case(f"{mode}, sequences", L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode=mode), x)
    yield case("mask", L.Bidirectional(L.LSTM(2)), x, masks=masks)
    yield case("mask, sequences", L.Bidirectional(L.SimpleRNN(2, return_sequences=True), merge_mode="sum"), x, masks=[HOLES])
    yield case("state", L.Bidirectional(L.LSTM(2, return_state=True)), x)
    yield case("state, sequences, both", L.Bidirectional(L.GRU(2, return_state=True, return_sequences=True), merge_mode=None), x)
    yield case("another layer", L.Bidirectional(L.LSTM(2), backward_layer=L.GRU(2, go_backwards=True)), x)
    yield case("a cell", L.Bidirectional(L.RNN(L.LSTMCell(2))), x)


def time_distributed():
    images = floats(24, 2, 3, 4, 4, 2)
    yield case("dense", L.TimeDistributed(L.Dense(2, activation="tanh")), floats(25, 2, 3, 4))
    yield case("convolution", L.TimeDistributed(L.Conv2D(2, 3)), images)
    yield case("recurrent", L.TimeDistributed(L.LSTM(2)), floats(26, 2, 3, 4, 2))
    yield case("recurrent, mask", L.TimeDistributed(L.LSTM(2)), floats(26, 2, 3, 4, 2), masks=[np.arange(24).reshape(2, 3, 4) % 5 > 0])
    yield case("dense, mask", L.TimeDistributed(L.Dense(2)), floats(25, 2, 3, 4), masks=[mask_of([3, 1], 3)])
    for training in (False, True):
        yield case(f"moving averages, {training}", L.TimeDistributed(L.BatchNormalization(momentum=0.5)), floats(27, 4, 3, 2), training=training)


def conv_lstm():
    lines, images, solids = floats(28, 2, 3, 5, 2), floats(29, 2, 3, 4, 5, 2), floats(30, 1, 2, 3, 3, 4, 2)
    masks = [mask_of([3, 2], 3)]
    yield case("1D", L.ConvLSTM1D(2, 3), lines)
    yield case("1D, all", L.ConvLSTM1D(2, 2, padding="same", return_sequences=True, return_state=True), lines)
    yield case("1D, strides", L.ConvLSTM1D(2, 3, strides=2, go_backwards=True), lines)
    yield case("1D, channels first", L.ConvLSTM1D(2, 3, data_format="channels_first", dilation_rate=2), floats(31, 2, 3, 2, 7))
    yield case("2D", L.ConvLSTM2D(2, (2, 3)), images)
    yield case("2D, same, mask", L.ConvLSTM2D(2, 3, padding="same", return_sequences=True, unroll=True), images, masks=masks)  # Keras on JAX cannot loop here
    yield case("2D, state", L.ConvLSTM2D(1, 2, return_state=True, unit_forget_bias=False, recurrent_activation="hard_sigmoid"), images)
    yield case("2D, no bias", L.ConvLSTM2D(2, 2, use_bias=False, activation="relu"), images)
    yield case("2D, channels first", L.ConvLSTM2D(2, 2, data_format="channels_first", return_sequences=True), floats(32, 2, 2, 2, 4, 3))
    yield case("3D", L.ConvLSTM3D(1, 2), solids)
    yield case("3D, same, channels first", L.ConvLSTM3D(1, 2, padding="same", data_format="channels_first"), floats(33, 1, 2, 2, 2, 3, 3))


if __name__ == "__main__":
    for group in (simple_rnn, gru, lstm_states, rnn, cells, bidirectional, time_distributed, conv_lstm):
        layers(group.__name__, lambda: list(group()))
    print(f"made by Keras {keras.__version__} on {BACKEND}")
