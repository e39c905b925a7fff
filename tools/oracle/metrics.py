"""Vectors for the metrics: the result after each of three updates, with and without sample weights.

Run: .venv/bin/python tools/oracle/metrics.py           writes packages/ondol/src/testing/vectors/metrics.json
"""
import numpy as np
from oracle import BACKEND, encode, floats, integers, keras, write

M = keras.metrics
UPDATES = 3


def batch(kind, seed):
    """(y_true, y_pred) of one update."""
    scores = floats(seed, 5, 4)
    shares = np.exp(scores)
    shares = np.round(shares / shares.sum(-1, keepdims=True), 3).astype("float32")
    classes = integers(seed + 1, 4, 5)
    if kind == "mean":
        return floats(seed, 5), None
    if kind == "one hot":
        return np.eye(4, dtype="float32")[classes], shares
    if kind == "sparse":
        return classes, shares
    if kind == "sparse column":
        return classes[:, None], shares
    if kind == "steps":
        return integers(seed + 1, 4, 2, 3), floats(seed, 2, 3, 4)
    if kind == "binary":
        return integers(seed + 1, 2, 5, 1), np.round(1 / (1 + np.exp(-floats(seed, 5, 1))), 3).astype("float32")
    if kind == "binary columns":
        return integers(seed + 1, 2, 5, 3).astype("float32"), np.round(1 / (1 + np.exp(-floats(seed, 5, 3))), 3).astype("float32")
    if kind == "integers":
        return integers(seed, 3, 5, 2), integers(seed + 1, 3, 5, 2)
    return floats(seed, 5, 2), floats(seed + 1, 5, 2)


def cases():
    yield "mean", M.Mean
    yield "mean", M.Sum
    yield "integers", M.Accuracy
    yield "binary", M.BinaryAccuracy
    yield "binary columns", M.BinaryAccuracy
    yield "binary", lambda: M.BinaryAccuracy(threshold=0.7)
    yield "one hot", M.CategoricalAccuracy
    yield "sparse", M.SparseCategoricalAccuracy
    yield "sparse column", M.SparseCategoricalAccuracy
    yield "steps", M.SparseCategoricalAccuracy
    for k in (1, 2, 3):
        yield "one hot", lambda: M.TopKCategoricalAccuracy(k=k)
        yield "sparse", lambda: M.SparseTopKCategoricalAccuracy(k=k)
    yield "one hot", M.CategoricalCrossentropy
    yield "sparse", M.SparseCategoricalCrossentropy
    yield "binary", M.BinaryCrossentropy
    yield "real", M.MeanSquaredError
    yield "real", M.MeanAbsoluteError
    yield "real", M.RootMeanSquaredError


def run(kind, make, weighted):
    metric = make()
    updates = []
    for i in range(UPDATES):
        y_true, y_pred = batch(kind, 71 + 5 * i)
        weight = None
        if weighted:
            shape = y_true.shape if kind == "steps" else (len(y_true),)
            weight = np.round(np.random.default_rng(i).random(shape), 2).astype("float32")
        arguments = [y_true] if y_pred is None else [y_true, y_pred]
        metric.update_state(*arguments, sample_weight=weight)
        updates.append({
            "yTrue": encode(y_true), "yPred": encode(y_pred), "sampleWeight": encode(weight), "result": float(metric.result())})
    return {
        "title": f"{type(metric).__name__}, {kind}{', weights' if weighted else ''}",
        "serialized": keras.saving.serialize_keras_object(metric),
        "updates": updates,
        "state": [{"name": v.name, "value": encode(v.value)} for v in metric.variables],
    }


write("metrics", [run(kind, make, weighted) for kind, make in cases() for weighted in (False, True)])
print(f"made by Keras {keras.__version__} on {BACKEND}")
