"""Keras as a contestant. Usage: keras_peer.py tensorflow | jax | torch [float32 | mixed_bfloat16]

Every step of training is one of `model.fit`, timed from batch to batch by a callback, the data being in memory; predictions are
those of `predict_on_batch`.
"""
import os
import sys
import time

os.environ["KERAS_BACKEND"] = sys.argv[1]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
threads = int(os.environ.get("OMP_NUM_THREADS", "2"))

start = time.perf_counter()
import keras  # noqa: E402

import_ms = (time.perf_counter() - start) * 1e3
import numpy as np  # noqa: E402

import data  # noqa: E402
from keras_models import BUILDERS  # noqa: E402
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
policy = sys.argv[2] if len(sys.argv) > 2 else "float32"
keras.config.set_dtype_policy(policy)


class Clock(keras.callbacks.Callback):
    """Times of all steps; reading the logs each step would be part of no user's loop, so it does not."""

    def on_epoch_begin(self, epoch, logs=None):
        self.times = []

    def on_train_batch_begin(self, batch, logs=None):
        self.times.append(time.perf_counter())


models = {}


def built(name):
    if name not in models:
        model, optimizer, losses = BUILDERS[name]()
        model.compile(optimizer, **losses)
        models[name] = model
    return models[name]


def alone(parts):
    return parts[0] if len(parts) == 1 else parts


def train(name, steps):
    model = built(name)
    batches = data.make(name)
    picked = [batches[i % len(batches)] for i in range(steps)]
    x, y = (alone([np.concatenate(parts) for parts in zip(*side)]) for side in zip(*picked))
    clock = Clock()
    begin = time.perf_counter()
    history = model.fit(x, y, batch_size=data.BATCH_SIZE[name], epochs=1, shuffle=False, verbose=0, callbacks=[clock])
    end = time.perf_counter()
    marks = [*clock.times, end]  # the last step ends when fit does, so that nothing queued is left out
    ms = [(b - a) * 1e3 for a, b in zip(marks, marks[1:])]
    return {"ms": ms, "fitMs": (end - begin) * 1e3, "loss": float(history.history["loss"][-1])}


def predict(name, size, steps):
    model, x = built(name), alone(data.make(name, size)[0][0])
    ms = []
    for _ in range(steps):
        begin = time.perf_counter()
        model.predict_on_batch(x)
        ms.append((time.perf_counter() - begin) * 1e3)
    return {"ms": ms}


def handle(request):
    name, steps = request["model"], request["steps"]
    return predict(name, request["predict"], steps) if "predict" in request else train(name, steps)


serve(f"keras {sys.argv[1]} {policy}", versions, import_ms, handle)
