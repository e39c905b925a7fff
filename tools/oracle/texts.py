"""Texts that users see: `summary()` of several models at several widths, and the progress bar under a clock of our own.

Run: .venv/bin/python tools/oracle/texts.py             writes packages/ondol/src/testing/vectors/{summaries,progress}.json
"""
import contextlib
import io
import math
import time
from unittest import mock

from oracle import BACKEND, keras, write

L = keras.layers


def models():
    yield "mlp", keras.Sequential([keras.Input((784,)), L.Dense(512, activation="relu"), L.Dropout(0.2), L.Dense(10)], name="mlp")
    yield "unbuilt", keras.Sequential([L.Dense(4), L.Dense(2)], name="unbuilt")
    yield "convnet", keras.Sequential([
        keras.Input((28, 28, 1)), L.Conv2D(32, 3, use_bias=False), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(), L.Flatten(),
        L.Dropout(0.5), L.Dense(10, activation="softmax")], name="convnet")
    inputs = [keras.Input((None,), dtype="int32", name=name) for name in ("text", "question")]
    encoded = [L.LSTM(32)(L.Embedding(10000, 64)(x)) for x in inputs]
    yield "question_answering", keras.Model(inputs, L.Dense(500, activation="softmax")(L.concatenate(encoded)), name="question_answering")
    shared, left, right = L.LSTM(32), keras.Input((None, 128)), keras.Input((None, 128))
    yield "siamese", keras.Model([left, right], L.Dense(1, activation="sigmoid")(L.concatenate([shared(left), shared(right)])), name="siamese")
    frozen = L.Dense(8, name="a_layer_with_quite_a_long_name_that_must_be_broken_somewhere")
    frozen.trainable = False
    yield "frozen", keras.Sequential([keras.Input((4,)), frozen, L.Dense(2)], name="frozen")
    inner = keras.Sequential([keras.Input((8,)), L.Dense(4), L.Dense(3)], name="inner")
    yield "nested", keras.Sequential([keras.Input((8,)), inner, L.Dense(2)], name="nested")
    residual = keras.Input((16, 16, 8), name="picture")
    y = L.Conv2D(8, 3, padding="same")(residual)
    yield "residual", keras.Model(residual, L.GlobalAveragePooling2D()(L.ReLU()(L.Add()([y, residual]))), name="residual")
    compiled = keras.Sequential([keras.Input((4,)), L.Dense(3)], name="compiled")
    compiled.compile("adam", "mse")
    compiled.optimizer.build(compiled.trainable_variables)
    yield "compiled", compiled


def summary(model, **options):
    lines = []
    model.summary(print_fn=lambda text, line_break=False: lines.append(text), **options)
    return "\n".join(lines)


def summaries():
    keras.backend.clear_session()
    found = []
    for title, model in models():
        for options in ({"line_length": 80}, {"line_length": 100}, {"line_length": 120}):
            found.append({"title": title, "options": options, "text": summary(model, **options)})
        if title in ("frozen", "nested"):
            for options in ({"line_length": 80, "show_trainable": True}, {"line_length": 100, "expand_nested": True}):
                found.append({"title": title, "options": options, "text": summary(model, **options)})
        keras.backend.clear_session()  # so that automatic names start afresh in the next model
    return found


def progress():
    """Each script: the bar's arguments and its updates (seconds since the start, step, values, finalize); the text of each update."""
    scripts = [
        ({"target": 10}, [(0.5, 1, [("loss", 2.5)]), (0.6, 2, [("loss", 2.0)]), (1.2, 6, [("loss", 1.5), ("accuracy", 0.25)]),
                          (2.0, 10, [("loss", 1.0), ("accuracy", 0.75)], True)]),
        ({"target": 469}, [(0.03, 1, [("loss", 2.3)]), (0.05, 2, [("loss", 2.25)]), (1.5, 100, [("loss", 0.00005)]), (7.2, 468, [("loss", 12345.678)]),
                           (7.3, 469, [("loss", 0.5), ("val_loss", 0.25)], True)]),
        ({"target": 3, "verbose": 2}, [(0.5, 1, [("loss", 2.0)]), (1.0, 2, [("loss", 1.0)]), (1.5, 3, [("loss", 0.5), ("val_accuracy", 0.5)], True)]),
        ({"target": None}, [(0.5, 1, [("loss", 2.0)]), (4000.0, 2, [("loss", 1.0)]), (4001.0, 2, [("loss", 0.5)], True)]),
        ({"target": 100000}, [(0.5, 1, []), (1.0, 2, []), (90.0, 1000, []), (5000.0, 50000, []), (10000.0, 100000, [], True)]),
        ({"target": 5, "interval": 1.0}, [(0.1, 1, [("loss", 4.0)]), (0.2, 2, [("loss", 3.0)]), (1.4, 3, [("loss", 2.0)]), (1.5, 5, [("loss", 1.0)], True)]),
        ({"target": 4, "stateful_metrics": ["lr"]}, [(0.5, 1, [("lr", 0.001), ("loss", 1e-7)]), (1.0, 4, [("lr", 0.0001), ("loss", 3.0)], True)]),
        ({"target": 4, "stateless_metrics": ["mean"]}, [(0.5, 1, [("mean", 4.0), ("last", 4.0)]), (1.0, 2, [("mean", 2.0), ("last", 2.0)]),
                                                      (1.5, 4, [("mean", 1.0), ("last", 1.0)])]),
        ({"target": 7, "width": 30, "unit_name": "sample"}, [(2.5, 1, [("loss", -0.5)]), (5.5, 3, [("loss", -2e-4)]), (9.5, 7, [("loss", -0.25)], True)]),
        ({"target": 7, "verbose": 2, "unit_name": "sample"}, [(9.5, 7, [("loss", -0.25), ("accuracy", 1e-4)], True)]),
        ({"target": 2, "stateless_metrics": []}, [(1.0, 1, [("loss", math.nan), ("gain", math.inf)]), (2.0, 2, [("loss", math.nan), ("gain", -math.inf)], True)]),
        ({"target": 3, "verbose": 0}, [(1.0, 1, [("loss", 1.0)]), (2.0, 3, [("loss", 1.0)], True)]),
        ({"target": 1}, [(0.0004, 1, [("loss", 1.0)], True)]),
        ({"target": None, "verbose": 2}, [(0.5, 1, [("loss", 2.0)]), (1.0, 2, [("loss", 1.0)], True)]),
    ]
    found = []
    for interactive in (True, False):
        for arguments, updates in scripts:
            clock = [1000.0]
            texts = []
            with mock.patch.object(time, "time", lambda: clock[0]):
                bar = keras.utils.Progbar(**arguments)
                bar._dynamic_display = interactive
                for seconds, step, values, *final in updates:
                    clock[0] = 1000.0 + seconds
                    out = io.StringIO()
                    with contextlib.redirect_stdout(out):
                        bar.update(step, values, finalize=True if final else None)
                    texts.append(out.getvalue())
            found.append({
                "arguments": arguments, "interactive": interactive,
                "updates": [{"seconds": u[0], "step": u[1], "values": u[2], "finalize": len(u) > 3, "text": t} for u, t in zip(updates, texts)]})
    return found


if BACKEND == "jax":
    write("summaries", summaries())
    write("progress", progress())
print(f"made by Keras {keras.__version__} on {BACKEND}")
