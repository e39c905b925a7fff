"""The models of the golden training traces, and the data that each learns from; `traces.py` trains them.

A builder gives (model, x, y, samples to train on, batch size); the samples after those are for validation. Classes of our own
are rebuilt by name in `training/traces.test.ts`.
"""
import numpy as np
from oracle import BACKEND, floats, integers, keras

L = keras.layers
I = keras.Input


@keras.saving.register_keras_serializable()
class Spread(L.Layer):
    """Passes its input on, and adds a tenth of its mean square to the loss."""

    def call(self, x):
        self.add_loss(0.1 * keras.ops.mean(keras.ops.square(x)))
        return x


@keras.saving.register_keras_serializable()
class OwnStep(keras.Model):
    """Trains in a step of its own: the compiled loss and a pull of the outputs towards nought, half the gradient for biases."""

    def train_step(self, data):
        import torch

        x, y = data
        self.zero_grad()
        y_pred = self(x, training=True)
        pull = keras.ops.mean(keras.ops.square(y_pred))
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred) + 0.2 * pull
        loss.backward()
        gradients = [v.value.grad * (0.5 if v.name == "bias" else 1.0) for v in self.trainable_variables]
        with torch.no_grad():
            self.optimizer.apply(gradients, self.trainable_variables)
        return {**self.compute_metrics(x, y, y_pred), "own": loss, "pull": pull}


def one_hot(labels, classes):
    return np.eye(classes, dtype="float32")[labels]


def mlp():
    model = keras.Sequential([I((20,)), L.Dense(32, activation="relu"), L.Dense(16, activation="tanh"), L.Dense(5, activation="softmax")],
                             name="mlp")
    x, teacher = floats(31, 132, 20), floats(32, 20, 5)
    return model, x, np.argmax(x @ teacher, -1).astype("int32"), 100, 32


def tiny(hot=False, cls=None):
    """45 samples in batches of 8: the last one is short."""
    if cls is None:
        model = keras.Sequential([I((6,)), L.Dense(8, activation="tanh"), L.Dense(3, activation="softmax")], name="tiny")
    else:
        x = I((6,))
        model = cls(x, L.Dense(3, activation="softmax")(L.Dense(8, activation="tanh")(x)), name="tiny")
    x, teacher = floats(41, 61, 6), floats(42, 6, 3)
    y = np.argmax(x @ teacher + floats(43, 61, 3, scale=1.5), -1).astype("int32")
    return model, x, one_hot(y, 3) if hot else y, 45, 8


def convnet():
    """No bias before BatchNormalization: its gradient is nought but for rounding, which Adam would blow up to full steps."""
    model = keras.Sequential([
        I((10, 10, 2)), L.Conv2D(4, 3, padding="same", use_bias=False), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(),
        L.Conv2D(6, 3, use_bias=False), L.BatchNormalization(momentum=0.9), L.Activation("relu"), L.Flatten(), L.Dense(3)], name="convnet")
    x = floats(33, 60, 10, 10, 2)
    y = np.argmax(np.stack([x[:, :5].mean((1, 2, 3)), x[:, 5:].mean((1, 2, 3)), x[:, 3:7, :, 0].mean((1, 2))], -1), -1).astype("int32")
    return model, x, y, 40, 16


def frozen():
    """A pretrained body that stays as it is (BatchNormalization in inference mode too) under a head that learns."""
    body = keras.Sequential([I((6, 6, 2)), L.Conv2D(4, 3, use_bias=False), L.BatchNormalization(), L.ReLU()], name="body")
    body.trainable = False
    x = I((6, 6, 2))
    y = L.BatchNormalization(momentum=0.8)(L.Conv2D(4, 3, use_bias=False)(body(x)))
    model = keras.Model(x, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(y)), name="frozen")
    x = floats(44, 40, 6, 6, 2)
    return model, x, (x[:, :3].sum((1, 2, 3)) > x[:, 3:].sum((1, 2, 3))).astype("int32"), 30, 8


def separable():
    """The block of small Xceptions: separable convolutions with batch norm, a residual over a strided 1x1 convolution."""
    x = I((8, 8, 3))
    a = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)))
    b = L.ReLU()(L.BatchNormalization()(L.SeparableConv2D(6, 3, padding="same", use_bias=False)(a)))
    b = L.BatchNormalization()(L.SeparableConv2D(6, 3, padding="same", use_bias=False)(b))
    b = L.MaxPooling2D(3, strides=2, padding="same")(b)
    residual = L.BatchNormalization()(L.Conv2D(6, 1, strides=2, padding="same", use_bias=False)(a))
    model = keras.Model(x, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(L.add([b, residual]))), name="separable")
    x = floats(45, 36, 8, 8, 3)
    return model, x, np.argmax(x.mean((1, 2)), -1).astype("int32"), 28, 8


def lstmqa():
    def encoder(x):
        return L.LSTM(8)(L.Embedding(50, 8)(x))

    inputs = [I((12,), dtype="int32", name=name) for name in ("text", "question")]
    answer = L.Dense(10, activation="softmax")(L.concatenate([encoder(x) for x in inputs]))
    model = keras.Model(inputs, answer, name="lstmqa")
    x = [integers(34, 50, 96, 12), integers(35, 50, 96, 12)]
    return model, x, one_hot((x[0][:, -1] + x[1][:, -1]) % 10, 10), 64, 16


def words(seed, samples, steps, high):
    """Word numbers with padding: the noughts at the ends."""
    x = integers(seed, high - 1, samples, steps) + 1
    x[np.arange(steps)[None, :] >= integers(seed + 1, steps - 1, samples)[:, None] + 2] = 0
    return x


def masked():
    """The zero words are padding: the mask travels through the LSTM and average pooling."""
    model = keras.Sequential(
        [I((7,), dtype="int32"), L.Embedding(20, 6, mask_zero=True), L.LSTM(5, return_sequences=True),
         L.GlobalAveragePooling1D(), L.Dense(1, activation="sigmoid")], name="masked")
    x = words(36, 40, 7, 20)
    return model, x, (x[:, 0] % 2).astype("float32")[:, None], 32, 8


def tagger():
    """A tag for each word; the mask reaches the loss and the metrics."""
    model = keras.Sequential(
        [I((6,), dtype="int32"), L.Embedding(12, 5, mask_zero=True), L.LSTM(6, return_sequences=True), L.Dense(4, activation="softmax")],
        name="tagger")
    x = words(46, 34, 6, 12)
    return model, x, (x + np.roll(x, 1, -1)) % 4, 26, 8


def stateful():
    """The states at the end of a batch are those at the beginning of the next."""
    model = keras.Sequential([I(batch_shape=(4, 3, 2)), L.LSTM(5, stateful=True), L.Dense(1)], name="stateful")
    x = floats(47, 24, 3, 2)
    return model, x, x.sum((1, 2))[:, None], 24, 4


def heads(names=True):
    """Two inputs and three outputs, by name or by place."""
    a, b = I((4,), name="a"), I((3,), name="b")
    h = L.Dense(6, activation="tanh")(L.concatenate([L.Dense(5, activation="relu")(a), b]))
    outputs = {"price": L.Dense(1, name="price")(h), "kind": L.Dense(3, activation="softmax", name="kind")(h),
               "sold": L.Dense(1, activation="sigmoid", name="sold")(h)}
    x = {"a": floats(48, 44, 4), "b": floats(49, 44, 3)}
    y = {"price": (x["a"].sum(-1) * x["b"][:, 0])[:, None], "kind": np.argmax(x["b"], -1).astype("int32"),
         "sold": (x["a"][:, 0] > 0).astype("float32")[:, None]}
    if names:
        return keras.Model({"a": a, "b": b}, outputs, name="heads"), x, y, 30, 8
    return keras.Model([a, b], list(outputs.values()), name="heads"), list(x.values()), list(y.values()), 30, 8


def siamese():
    """One encoder on both sides."""
    a, b = I((5,), name="left"), I((5,), name="right")
    encoder = L.Dense(6, activation="tanh", name="encoder")
    distance = L.Dense(1, activation="sigmoid")(L.multiply([encoder(a), encoder(b)]))
    x = [floats(51, 40, 5), floats(52, 40, 5)]
    return keras.Model([a, b], distance, name="siamese"), x, ((x[0] * x[1]).sum(-1) > 0).astype("float32")[:, None], 30, 8


def nested():
    """A model in a model, called twice; a functional one around a Sequential."""
    x = I((4,))
    inner = keras.Model(x, L.Dense(4, activation="tanh", name="last")(L.Dense(5, activation="relu")(x)), name="inner")
    tail = keras.Sequential([I((8,)), L.Dense(4, activation="tanh"), L.Dense(2)], name="tail")
    x = I((4,))
    first = inner(x)
    model = keras.Model(x, tail(L.concatenate([first, inner(first)])), name="nested")
    x = floats(53, 40, 4)
    return model, x, np.stack([np.sin(x.sum(-1)), x[:, 0] * x[:, 1]], -1).astype("float32"), 30, 8


def regularized():
    model = keras.Sequential([
        I((5,)), L.Dense(6, activation="tanh", kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02), bias_regularizer="l2",
                         activity_regularizer=keras.regularizers.L2(0.05)), Spread(name="spread"), L.Dense(1)], name="regularized")
    x = floats(54, 40, 5)
    return model, x, (x[:, 0] - x[:, 1] ** 2)[:, None], 30, 8


def constrained():
    model = keras.Sequential([I((5,)), L.Dense(6, activation="tanh", kernel_constraint=keras.constraints.MaxNorm(0.8)),
                              L.Dense(1, kernel_constraint="non_neg", bias_constraint="non_neg")], name="constrained")
    x = floats(55, 40, 5)
    return model, x, (x[:, 0] - x[:, 1])[:, None], 30, 8


def profile():
    """Three predictions about the author of a text, from one stack of one-dimensional convolutions."""
    posts = I((20,), dtype="int32", name="posts")
    h = L.MaxPooling1D(2)(L.Conv1D(8, 3, activation="relu")(L.Embedding(30, 6)(posts)))
    h = L.Dense(8, activation="relu")(L.GlobalMaxPooling1D()(L.Conv1D(8, 3, activation="relu")(h)))
    outputs = [L.Dense(1, name="age")(h), L.Dense(4, activation="softmax", name="income")(h), L.Dense(1, activation="sigmoid", name="gender")(h)]
    x = integers(56, 30, 40, 20)
    y = [x.mean(-1, dtype="float32")[:, None] / 10, one_hot(x[:, 0] % 4, 4), (x[:, 1] % 2).astype("float32")[:, None]]
    return keras.Model(posts, outputs, name="profile"), x, y, 30, 8


def halves():
    """Computes in bfloat16, keeps weights and gives probabilities in float32."""
    model = keras.Sequential([I((6,)), L.Dense(8, activation="tanh", dtype="mixed_bfloat16"), L.Dense(3, dtype="mixed_bfloat16"),
                              L.Softmax(dtype="float32")], name="halves")
    return model, *tiny()[1:]
