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


    yield "text_classifier", keras.Sequential(
        [keras.Input((10000,)), L.Dense(16, activation="relu"), L.Dense(16, activation="relu"), L.Dense(1, activation="sigmoid")], name="text_classifier")
    yield "embedding_classifier", keras.Sequential(
        [keras.Input((20,)), L.Embedding(10000, 8), L.Flatten(), L.Dense(1, activation="sigmoid")], name="embedding_classifier")
    yield "separable", keras.Sequential([
        keras.Input((64, 64, 3)), L.SeparableConv2D(32, 3, activation="relu"), L.SeparableConv2D(64, 3, activation="relu"), L.MaxPooling2D(2),
        L.SeparableConv2D(64, 3, activation="relu"), L.SeparableConv2D(128, 3, activation="relu"), L.MaxPooling2D(2),
        L.SeparableConv2D(64, 3, activation="relu"), L.SeparableConv2D(128, 3, activation="relu"), L.GlobalAveragePooling2D(),
        L.Dense(32, activation="relu"), L.Dense(10, activation="softmax")], name="separable")
    x = keras.Input((64,))
    yield "graph", keras.Model(x, L.Dense(10, activation="softmax")(L.Dense(32, activation="relu")(L.Dense(32, activation="relu")(x))), name="graph")
    x = posts = keras.Input((None,), dtype="int32", name="posts")
    x = L.Embedding(50000, 256)(x)
    x = L.MaxPooling1D(5)(L.Conv1D(128, 5, activation="relu")(x))
    x = L.MaxPooling1D(5)(L.Conv1D(256, 5, activation="relu")(L.Conv1D(256, 5, activation="relu")(x)))
    x = L.GlobalMaxPooling1D()(L.Conv1D(256, 5, activation="relu")(L.Conv1D(256, 5, activation="relu")(x)))
    x = L.Dense(128, activation="relu")(x)
    heads = [L.Dense(1, name="age")(x), L.Dense(10, activation="softmax", name="income")(x), L.Dense(1, activation="sigmoid", name="gender")(x)]
    yield "author", keras.Model(posts, heads, name="author")
    x = keras.Input((224, 224, 3))
    a = L.Conv2D(128, 1, strides=2, activation="relu")(x)
    b = L.Conv2D(128, 3, strides=2, padding="same", activation="relu")(L.Conv2D(128, 1, activation="relu")(x))
    c = L.Conv2D(128, 3, padding="same", activation="relu")(L.AveragePooling2D(3, strides=2, padding="same")(x))
    d = L.Conv2D(128, 3, padding="same", activation="relu")(L.Conv2D(128, 1, activation="relu")(x))
    d = L.Conv2D(128, 3, strides=2, padding="same", activation="relu")(d)
    yield "inception", keras.Model(x, L.concatenate([a, b, c, d]), name="inception")
    yield "wide_names", keras.Sequential([
        keras.Input((4,)), L.Dense(3, name="\u4e00\u5c64_\ud55c\uad6d\uc5b4_\u65e5\u672c\u8a9e\u306e\u540d\u524d\u304c\u3068\u3066\u3082\u9577\u3044"),
        L.Dense(2, name="caf\u0065\u0301_\U0001f600_\U0001f680"), L.Dense(1, name="\uff26\uff35\uff2c\uff2c")], name="\u6a21\u578b")
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    several = keras.Model([a, b], {"sum": L.Add(name="total")([a, b]), "more": [L.Dense(2, name="d")(a), b]}, name="several")
    p, q = keras.Input((3,), name="p"), keras.Input((3,), name="q")
    yield "model_with_several_outputs", keras.Model([p, q], L.Concatenate()(several([p, q])["more"]), name="model_with_several_outputs")
    state = keras.Sequential([keras.Input((5, 3)), L.LSTM(4, return_state=True)], name="state")
    yield "state", state


def summary(model, **options):
    lines = []
    model.summary(print_fn=lambda text, line_break=False: lines.append(text), **options)
    return "\n".join(lines)


def summaries():
    keras.backend.clear_session()
    found = []
    for title, model in models():
        many = ("mlp", "unbuilt", "convnet", "question_answering", "siamese", "frozen", "nested", "residual", "compiled")
        for options in ({"line_length": 80}, {"line_length": 100}, {"line_length": 120})[:3 if title in many else 1]:
            found.append({"title": title, "options": options, "text": summary(model, **options)})
        if title in ("frozen", "nested", "model_with_several_outputs"):
            for options in ({"line_length": 80, "show_trainable": True}, {"line_length": 100, "expand_nested": True}):
                found.append({"title": title, "options": options, "text": summary(model, **options)})
        if title == "nested":
            for options in ({"line_length": 40}, {"line_length": 20}, {"line_length": 90, "positions": [0.2, 0.5, 1.0]},
                            {"line_length": 80, "layer_range": ["inner", "inner"]}):
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
