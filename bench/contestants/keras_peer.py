"""Keras as a contestant. Usage: keras_peer.py tensorflow | jax | torch

Every step is one of `model.fit`, timed from batch to batch by a callback, the data being in memory.
"""
import os
import sys
import time

os.environ["KERAS_BACKEND"] = sys.argv[1]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
threads = int(os.environ.get("OMP_NUM_THREADS", "2"))

start = time.perf_counter()
import keras  # noqa: E402
from keras import layers  # noqa: E402

import_ms = (time.perf_counter() - start) * 1e3
import numpy as np  # noqa: E402

import data  # noqa: E402
from protocol import serve  # noqa: E402

versions = {"keras": keras.__version__}
if sys.argv[1] == "tensorflow":
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    versions["tensorflow"] = tf.__version__
elif sys.argv[1] == "jax":
    import jax

    versions["jax"] = jax.__version__
keras.utils.set_random_seed(1)


def densenet(growth=12, depth=16):
    def norm(x):
        return layers.ReLU()(layers.BatchNormalization()(x))

    def conv(x, filters, kernel):
        return layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)

    inputs = keras.Input((32, 32, 3))
    x = conv(inputs, 2 * growth, 3)
    for block in range(3):
        for _ in range(depth):
            y = conv(norm(conv(norm(x), 4 * growth, 1)), growth, 3)
            x = layers.Concatenate()([x, y])
        if block < 2:
            x = layers.AveragePooling2D(2)(conv(norm(x), x.shape[-1] // 2, 1))
    x = layers.Flatten()(layers.AveragePooling2D(8)(norm(x)))
    return keras.Model(inputs, layers.Dense(10)(x))


def build(name):
    sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if name == "tiny":
        model = keras.Sequential([keras.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(4)])
        return model, keras.optimizers.SGD(0.01), sparse
    if name == "mlp":
        model = keras.Sequential([
            keras.Input((784,)), layers.Dense(512, activation="relu"), layers.Dropout(0.2),
            layers.Dense(512, activation="relu"), layers.Dropout(0.2), layers.Dense(10)])
        return model, keras.optimizers.Adam(), sparse
    if name == "convnet":
        model = keras.Sequential([
            keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.5), layers.Dense(10)])
        return model, keras.optimizers.Adam(), sparse
    if name == "lstmqa":
        inputs = [keras.Input((100,), dtype="int32") for _ in range(2)]
        encoded = [layers.LSTM(32)(layers.Embedding(10000, 64)(x)) for x in inputs]
        answer = layers.Dense(500, activation="softmax")(layers.Concatenate()(encoded))
        return keras.Model(inputs, answer), keras.optimizers.RMSprop(), "categorical_crossentropy"
    model = densenet()
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == 769_162
    return model, keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=1e-4), sparse


class Clock(keras.callbacks.Callback):
    """Times of all steps; reading the logs each step would be part of no user's loop, so it does not."""

    def on_epoch_begin(self, epoch, logs=None):
        self.times = []

    def on_train_batch_begin(self, batch, logs=None):
        self.times.append(time.perf_counter())


models = {}


def train(name, steps):
    if name not in models:
        model, optimizer, loss = build(name)
        model.compile(optimizer, loss)
        inputs, labels = data.make(name)
        models[name] = (model, inputs, labels)
    model, inputs, labels = models[name]
    pick = [i % len(inputs) for i in range(steps)]
    if isinstance(inputs[0], tuple):
        x = [np.concatenate([inputs[i][part] for i in pick]) for part in range(2)]
    else:
        x = np.concatenate([inputs[i] for i in pick])
    y = np.concatenate([labels[i] for i in pick])
    clock = Clock()
    begin = time.perf_counter()
    history = model.fit(x, y, batch_size=data.BATCH_SIZE[name], epochs=1, shuffle=False, verbose=0, callbacks=[clock])
    end = time.perf_counter()
    marks = [*clock.times, end]  # the last step ends when fit does, so that nothing queued is left out
    ms = [(b - a) * 1e3 for a, b in zip(marks, marks[1:])]
    return {"ms": ms, "fitMs": (end - begin) * 1e3, "loss": float(history.history["loss"][-1])}


serve(f"keras {sys.argv[1]}", versions, import_ms, lambda request: train(request["model"], request["steps"]))
