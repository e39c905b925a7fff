"""Random training data for the benchmark models; the same shapes as data.mjs makes for JavaScript."""
import numpy as np

BATCHES = 4
BATCH_SIZE = {"tiny": 32, "mlp": 128, "convnet": 128, "lstmqa": 128, "densenet": 64}


def make(model):
    """Returns (inputs, labels): lists of BATCHES batches; labels are class numbers, for lstmqa one-hot rows."""
    random = np.random.default_rng(7)
    size = BATCH_SIZE[model]

    def images(*shape):
        return random.random((size, *shape), dtype=np.float32)

    def words():
        return random.integers(1, 10000, (size, 100)).astype("int32")

    inputs = {
        "tiny": lambda: images(8),
        "mlp": lambda: images(784),
        "convnet": lambda: images(28, 28, 1),
        "lstmqa": lambda: (words(), words()),
        "densenet": lambda: images(32, 32, 3),
    }[model]

    def labels():
        if model == "lstmqa":
            return np.eye(500, dtype=np.float32)[random.integers(0, 500, size)]
        return random.integers(0, 4 if model == "tiny" else 10, size).astype("int32")

    return [inputs() for _ in range(BATCHES)], [labels() for _ in range(BATCHES)]
