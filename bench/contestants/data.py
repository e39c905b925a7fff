"""Random data for the benchmark models; data.json says their shapes, here and in JavaScript."""
import json
import pathlib

import numpy as np

SHAPES = json.loads((pathlib.Path(__file__).parent / "data.json").read_text())
BATCH_SIZE = {model: shapes["batch"] for model, shapes in SHAPES.items()}


def batches_of(model):
    """How many batches differ: 4, but 1 of the large ones."""
    return 4 if np.prod(SHAPES[model]["inputs"][0]["shape"]) < 100_000 else 1


def _input(random, size, shape, words=None):
    if words is not None:
        return random.integers(1, words, (size, *shape)).astype("int32")
    return random.random((size, *shape), dtype=np.float32)


def _label(random, size, kind, width):
    if kind == "classes":
        return random.integers(0, width, size).astype("int32")
    if kind == "oneHot":
        return np.eye(width, dtype=np.float32)[random.integers(0, width, size)]
    values = random.random((size, width), dtype=np.float32)
    return values if kind == "values" else (values > 0.5).astype("float32")


def make(model, size=None):
    """Batches, each a pair of lists of arrays: the inputs, and the labels (numbers of classes, one-hot rows, values, or zeros and ones)."""
    random = np.random.default_rng(7)
    shapes = SHAPES[model]
    size = size or shapes["batch"]

    def batch():
        inputs = [_input(random, size, **each) for each in shapes["inputs"]]
        return inputs, [_label(random, size, *each) for labels in shapes["labels"] for each in labels.items()]

    return [batch() for _ in range(batches_of(model))]
