"""Vectors for the first layers; `layercase.py` says what is in one, `layers_basic.py` has more.

Run: .venv/bin/python tools/oracle/layers.py            writes packages/ondol/src/testing/vectors/layers/*.json
"""
import numpy as np
from layercase import case, layers, mask_of
from oracle import BACKEND, floats, integers, keras

L = keras.layers


def dense():
    x = floats(1, 3, 4)
    yield case("plain", L.Dense(5), x)
    yield case("relu without bias", L.Dense(3, activation="relu", use_bias=False), x)
    yield case("rank 3, tanh", L.Dense(2, activation="tanh"), floats(2, 2, 3, 4))
    yield case("rank 4, softmax, he normal", L.Dense(3, activation="softmax", kernel_initializer="he_normal"), floats(3, 2, 2, 2, 3))
    yield case("regularised in its config", L.Dense(2, kernel_regularizer="l2", bias_constraint="non_neg", kernel_constraint="max_norm"), x)


def conv1d():
    x = floats(4, 2, 9, 3)
    yield case("valid", L.Conv1D(4, 3), x)
    yield case("same, strides 2, relu", L.Conv1D(4, 3, strides=2, padding="same", activation="relu"), x)
    yield case("same, even kernel", L.Conv1D(2, 4, padding="same"), x)
    yield case("causal, dilation 2", L.Conv1D(2, 3, padding="causal", dilation_rate=2), x)
    yield case("causal, strides 2", L.Conv1D(2, 3, padding="causal", strides=2, use_bias=False), x)
    yield case("groups", L.Conv1D(6, 3, groups=3), x)
    yield case("channels first", L.Conv1D(4, 3, data_format="channels_first", padding="same"), floats(5, 2, 3, 7))


def conv2d():
    x = floats(6, 2, 6, 7, 3)
    yield case("valid", L.Conv2D(4, 3), x)
    yield case("same", L.Conv2D(4, 3, padding="same", activation="relu"), x)
    yield case("same, strides 2, even size", L.Conv2D(2, 3, strides=2, padding="same"), x)
    yield case("valid, strides (2, 1)", L.Conv2D(2, (3, 2), strides=(2, 1)), x)
    yield case("same, dilation 2", L.Conv2D(2, 3, padding="same", dilation_rate=2), x)
    yield case("valid, dilation (1, 2), no bias", L.Conv2D(2, 3, dilation_rate=(1, 2), use_bias=False), x)
    yield case("groups", L.Conv2D(4, 3, padding="same", groups=2), floats(7, 2, 5, 5, 4))
    yield case("depthwise by groups", L.Conv2D(6, 3, groups=3), x)
    yield case("1x1, strides 2", L.Conv2D(4, 1, strides=2), x)
    yield case("same, even kernel", L.Conv2D(2, (2, 4), padding="same"), x)
    yield case("channels first", L.Conv2D(4, 3, data_format="channels_first"), floats(8, 2, 3, 6, 5))
    yield case("channels first, same, strides 2", L.Conv2D(2, 3, strides=2, padding="same", data_format="channels_first"), floats(8, 2, 3, 6, 5))


def separable():
    steps, images = floats(27, 2, 8, 3), floats(28, 2, 6, 7, 3)
    yield case("depthwise 1D", L.DepthwiseConv1D(3), steps)
    yield case("depthwise 1D, same, strides 2, multiplier 2", L.DepthwiseConv1D(3, strides=2, padding="same", depth_multiplier=2), steps)
    yield case("depthwise 1D, channels first, dilation 2", L.DepthwiseConv1D(2, dilation_rate=2, data_format="channels_first"), floats(29, 2, 3, 8))
    yield case("depthwise 2D, relu", L.DepthwiseConv2D(3, activation="relu", depthwise_initializer="he_normal"), images)
    yield case("depthwise 2D, multiplier 3, no bias", L.DepthwiseConv2D((2, 3), depth_multiplier=3, use_bias=False), images)
    yield case("depthwise 2D, channels first, same", L.DepthwiseConv2D(3, padding="same", data_format="channels_first"), floats(30, 2, 3, 6, 5))
    yield case("separable 1D", L.SeparableConv1D(4, 3), steps)
    yield case("separable 1D, same, multiplier 2", L.SeparableConv1D(4, 3, padding="same", depth_multiplier=2, activation="tanh"), steps)
    yield case("separable 2D, relu", L.SeparableConv2D(4, 3, activation="relu", pointwise_regularizer="l2"), images)
    yield case("separable 2D, same, strides 2, multiplier 2", L.SeparableConv2D(4, 3, strides=2, padding="same", depth_multiplier=2), images)
    yield case("separable 2D, channels first, no bias", L.SeparableConv2D(2, 3, use_bias=False, data_format="channels_first"), floats(31, 2, 3, 6, 5))


def pooling():
    steps, images = floats(9, 2, 7, 3), floats(10, 2, 7, 6, 2)
    first = floats(11, 2, 2, 7, 6)
    yield case("1D", L.MaxPooling1D(2), steps)
    yield case("1D, same, strides 2, size 3", L.MaxPooling1D(3, strides=2, padding="same"), steps)
    yield case("1D, channels first", L.MaxPooling1D(2, data_format="channels_first"), steps)
    yield case("2D", L.MaxPooling2D(), images)
    yield case("2D, same, size 3, strides 2", L.MaxPooling2D(3, strides=2, padding="same"), images)
    yield case("2D, overlapping", L.MaxPooling2D((3, 2), strides=1), images)
    yield case("2D, channels first", L.MaxPooling2D(2, data_format="channels_first"), first)
    yield case("average 2D", L.AveragePooling2D(2), images)
    yield case("average 2D, same leaves the padding out", L.AveragePooling2D(3, strides=2, padding="same"), images)
    yield case("average 2D, same, strides 1", L.AveragePooling2D((2, 3), strides=1, padding="same"), images)
    yield case("average 2D, channels first", L.AveragePooling2D(2, data_format="channels_first"), first)
    yield case("global average 1D", L.GlobalAveragePooling1D(), steps)
    yield case("global average 1D, mask", L.GlobalAveragePooling1D(), steps, masks=[mask_of([3, 6], 7)])
    yield case("global average 1D, channels first, kept", L.GlobalAveragePooling1D(data_format="channels_first", keepdims=True), steps)
    yield case("global average 2D", L.GlobalAveragePooling2D(), images)
    yield case("global average 2D, channels first, kept", L.GlobalAveragePooling2D(data_format="channels_first", keepdims=True), first)
    yield case("global max 1D", L.GlobalMaxPooling1D(), steps)
    yield case("global max 1D, channels first, kept", L.GlobalMaxPooling1D(data_format="channels_first", keepdims=True), steps)


def movement():
    x = floats(12, 2, 3, 4)
    images = floats(13, 2, 3, 4, 2)
    yield case("flatten", L.Flatten(), images)
    yield case("flatten, channels first", L.Flatten(data_format="channels_first"), images)
    yield case("reshape", L.Reshape((4, 3)), x)
    yield case("reshape with -1", L.Reshape((-1, 2)), x)
    yield case("permute", L.Permute((2, 1)), x)
    yield case("permute of three", L.Permute((3, 1, 2)), images)
    yield case("zero padding", L.ZeroPadding2D(), images)
    yield case("zero padding, symmetric", L.ZeroPadding2D((1, 2)), images)
    yield case("zero padding, each side, channels first", L.ZeroPadding2D(((1, 0), (2, 1)), data_format="channels_first"), images)


def normalization():
    x, images = floats(14, 4, 5), floats(15, 3, 2, 3, 4)
    steps = floats(16, 3, 4, 2)
    for training in (False, True):
        mode = "training" if training else "inference"
        yield case(mode, L.BatchNormalization(), x, training=training)
        yield case(f"images, {mode}", L.BatchNormalization(momentum=0.9, epsilon=1e-5), images, training=training)
        yield case(f"axis 1, {mode}", L.BatchNormalization(axis=1), images, training=training)
        yield case(f"no centre, no scale, {mode}", L.BatchNormalization(center=False, scale=False), x, training=training)
        yield case(f"mask, {mode}", L.BatchNormalization(), steps, masks=[mask_of([4, 1, 2], 4)], training=training)


def activations():
    x = floats(17, 3, 5, scale=3)
    cube = floats(18, 2, 3, 4)
    for name in ("relu", "sigmoid", "tanh", "softmax", "elu", "gelu", "linear"):
        yield case(name, L.Activation(name), x)
    yield case("ReLU", L.ReLU(), x)
    yield case("ReLU, max value", L.ReLU(max_value=2.0), x)
    yield case("ReLU, slope", L.ReLU(negative_slope=0.2), x)
    yield case("ReLU, threshold", L.ReLU(threshold=1.0), x)
    yield case("ReLU, all", L.ReLU(max_value=3.0, negative_slope=0.1, threshold=0.5), x)
    yield case("LeakyReLU", L.LeakyReLU(), x)
    yield case("LeakyReLU, slope", L.LeakyReLU(negative_slope=0.1), x)
    yield case("Softmax", L.Softmax(), x)
    yield case("Softmax, axis 1", L.Softmax(axis=1), cube)
    yield case("Softmax, two axes", L.Softmax(axis=[1, 2]), cube)
    yield case("Softmax, mask", L.Softmax(), x, masks=[mask_of([2, 5, 1], 5)])


def embedding():
    words = integers(19, 7, 3, 5)
    yield case("plain", L.Embedding(7, 3), words)
    yield case("zero is the mask", L.Embedding(7, 2, mask_zero=True), words)
    yield case("rank 1", L.Embedding(5, 4), integers(20, 5, 6))


def lstm():
    x = floats(21, 3, 5, 4)
    masks = [mask_of([5, 2, 3], 5)]
    yield case("last output", L.LSTM(3), x)
    yield case("sequences", L.LSTM(3, return_sequences=True), x)
    yield case("sequences and state", L.LSTM(2, return_sequences=True, return_state=True), x)
    yield case("state", L.LSTM(2, return_state=True), x)
    yield case("backwards", L.LSTM(3, go_backwards=True, return_sequences=True), x)
    yield case("mask", L.LSTM(3), x, masks=masks)
    yield case("mask, sequences", L.LSTM(3, return_sequences=True), x, masks=masks)
    yield case("mask, sequences, zero output", L.LSTM(3, return_sequences=True, return_state=True, zero_output_for_mask=True), x, masks=masks)
    yield case("mask in the middle", L.LSTM(3, return_sequences=True), x, masks=[np.array([[1, 0, 1, 1, 0], [0, 0, 1, 0, 1], [1, 1, 1, 1, 1]], bool)])
    yield case("mask, backwards", L.LSTM(2, go_backwards=True, return_state=True), x, masks=masks)
    yield case("no bias", L.LSTM(2, use_bias=False), x)
    yield case("no unit forget bias", L.LSTM(2, unit_forget_bias=False), x)
    yield case("other activations", L.LSTM(2, activation="relu", recurrent_activation="hard_sigmoid"), x)
    yield case("unrolled", L.LSTM(2, unroll=True, return_sequences=True), x)
    yield case("unrolled, mask", L.LSTM(2, unroll=True, return_state=True), x, masks=masks)


def merging():
    a, b, c = floats(22, 2, 3, 4), floats(23, 2, 3, 4), floats(24, 2, 3, 2)
    row = floats(25, 2, 1, 4)
    yield case("concatenate", L.Concatenate(), a, c)
    yield case("concatenate, axis 1, three", L.Concatenate(axis=1), a, b, row)
    yield case("add", L.Add(), a, b)
    yield case("add three, broadcast", L.Add(), a, b, row)
    yield case("add, other rank", L.Add(), a, floats(26, 2, 4))
    yield case("multiply", L.Multiply(), a, b)
    yield case("multiply, broadcast", L.Multiply(), a, row)
    yield case("multiply three", L.Multiply(), a, b, row)


for group in (dense, conv1d, conv2d, separable, pooling, movement, normalization, activations, embedding, lstm, merging):
    layers(group.__name__, lambda: list(group()))
print(f"made by Keras {keras.__version__} on {BACKEND}")
