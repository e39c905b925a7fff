"""Vectors for keras.datasets: small files in the published formats, and what Keras (NumPy, SciPy) reads in them.

Run: .venv/bin/python tools/oracle/datasets.py   writes packages/ondol/src/testing/vectors/datasets.json
"""
import base64
import gzip
import io
import os
import pathlib
import pickle
import struct
import tarfile
import tempfile

import numpy as np
import scipy.io
from keras.src.datasets import boston_housing, california_housing, cifar, cifar100, imdb, mnist, npz_utils, reuters
from oracle import encode, keras, write

FOLDER = pathlib.Path(tempfile.mkdtemp())


def b64(data):
    return base64.b64encode(data).decode()


def from_file(module, path, **options):
    """`module.load_data`, with `path` in the place of what it would download."""
    kept, module.get_file = module.get_file, lambda *args, **kwargs: str(path)
    try:
        return module.load_data(**options)
    finally:
        module.get_file = kept


def saved(name, compressed=False, **arrays):
    path = FOLDER / name
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


def lists(value):
    return [list(map(int, row)) for row in value]


def ragged(seed, count):
    rng = np.random.default_rng(seed)
    rows = np.empty(count, dtype=object)
    for i in range(count):
        rows[i] = [int(w) for w in rng.zipf(1.3, rng.integers(1, 12)) % 400 + 1]
    return rows


TEXT_OPTIONS = [
    {},
    {"num_words": 50},
    {"num_words": 50, "skip_top": 5},
    {"maxlen": 8},
    {"maxlen": 8, "num_words": 30, "oov_char": None},
    {"seed": 7, "start_char": None},
    {"start_char": None, "index_from": 0},
    {"start_char": 9, "oov_char": 8, "index_from": 10, "num_words": 60, "skip_top": 12},
    {"seed": 4294967295, "skip_top": 2, "oov_char": None},
]


def texts():
    rng = np.random.default_rng(1)
    imdb_path = saved("imdb.npz", x_train=ragged(2, 13), y_train=rng.integers(0, 2, 13), x_test=ragged(3, 9), y_test=rng.integers(0, 2, 9))
    reuters_path = saved("reuters.npz", compressed=True, x=ragged(4, 17), y=rng.integers(0, 46, 17))
    # Keras fails on texts of one length: NumPy makes a plain array of them. Lists are what it means.
    for module, path, more in ((imdb, imdb_path, [{}]), (reuters, reuters_path, [{}, {"test_split": 0.5}, {"test_split": 0.0}])):
        runs = []
        for options in TEXT_OPTIONS + more:
            (x_train, y_train), (x_test, y_test) = from_file(module, path, **options)
            runs.append({"options": options, "train": [lists(x_train), [int(y) for y in y_train]], "test": [lists(x_test), [int(y) for y in y_test]]})
        yield module.__name__.split(".")[-1], {"file": b64(path.read_bytes()), "runs": runs}


def tables():
    rows = 620
    x = np.stack([np.arange(rows), np.arange(rows) % 7], 1).astype("float32")
    y = (np.arange(rows) * 10).astype("float32")
    path = saved("california_housing.npz", compressed=True, x=x, y=y)
    runs = []
    for options in ({}, {"version": "small"}, {"version": "small", "test_split": 0.35, "seed": 5}, {"test_split": 0.0}):
        (x_train, y_train), (x_test, y_test) = from_file(california_housing, path, **options)
        runs.append({"options": options, "train": [encode(x_train), encode(y_train)], "test": [encode(x_test), encode(y_test)]})
    yield "california_housing", {"file": b64(path.read_bytes()), "runs": runs}
    path = saved("boston_housing.npz", x=np.arange(24.0).reshape(12, 2) / 7, y=np.arange(12.0))
    runs = []
    for options in ({}, {"test_split": 0.5, "seed": 0}, {"test_split": 0.99, "seed": 3}):
        (x_train, y_train), (x_test, y_test) = from_file(boston_housing, path, **options)
        parts = [v.astype("float32") for v in (x_train, y_train, x_test, y_test)]
        runs.append({"options": options, "train": [encode(v) for v in parts[:2]], "test": [encode(v) for v in parts[2:]]})
    yield "boston_housing", {"file": b64(path.read_bytes()), "runs": runs}


def digits():
    rng = np.random.default_rng(5)
    images, labels = rng.integers(0, 256, (3, 4, 4)).astype("uint8"), rng.integers(0, 10, 3).astype("uint8")
    path = saved("mnist.npz", compressed=True, x_train=images, y_train=labels, x_test=np.asfortranarray(images[:2]), y_test=labels[:2])
    (x_train, y_train), (x_test, y_test) = from_file(mnist, path)
    return {"file": b64(path.read_bytes()), "train": [encode(x_train), encode(y_train)], "test": [encode(x_test), encode(y_test)]}


class Python2(pickle._Pickler):
    """Pickles as Python 2 wrote them: bytes are its texts."""

    def save_bytes(self, value):
        self.write(b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch = {**pickle._Pickler.dispatch, bytes: save_bytes}


def python2(value):
    buffer = io.BytesIO()
    Python2(buffer, 2).dump(value)
    return buffer.getvalue().replace(b"cnumpy._core.", b"cnumpy.core.")


def batch(seed, count, labels):
    """A batch of CIFAR with pictures that pack well."""
    rng = np.random.default_rng(seed)
    ramps = rng.integers(0, 200, (count, 3, 1, 1)) + np.arange(32)[:, None] + rng.integers(0, 2, (count, 3, 1, 1)) * np.arange(32)
    content = {b"data": ramps.astype("uint8").reshape(count, 3072), b"batch_label": b"batch %d" % seed, b"filenames": [b"a.png"] * count}
    return {**content, **{name: [int(v) for v in rng.integers(0, high, count)] for name, high in labels.items()}}


def archive(files):
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def plain(content, labels):
    """The records of the plain form."""
    rows = zip(*[content[name] for name in labels], content[b"data"])
    return b"".join(bytes(int(v) for v in row[:-1]) + row[-1].tobytes() for row in rows)


def pictures():
    batches = {f"data_batch_{i}": batch(i, 1 + i % 2, {b"labels": 10}) for i in range(1, 6)} | {"test_batch": batch(6, 2, {b"labels": 10})}
    pickles = {name: python2(content) for name, content in batches.items()}
    parts = {}
    for name, content in pickles.items():
        (FOLDER / name).write_bytes(content)
        data, labels = cifar.load_batch(str(FOLDER / name))
        parts[name] = (data.transpose(0, 2, 3, 1), np.reshape(labels, (-1, 1)).astype("uint8"))
    train = [np.concatenate(part) for part in zip(*[parts[f"data_batch_{i}"] for i in range(1, 6)])]
    yield "cifar10", {
        "python": b64(archive({f"cifar-10-batches-py/{name}": content for name, content in pickles.items()} | {"cifar-10-batches-py/readme.html": b"<a>"})),
        "binary": b64(archive({f"cifar-10-batches-bin/{name}.bin": plain(content, [b"labels"]) for name, content in batches.items()})),
        "train": [encode(v) for v in train],
        "test": [encode(v) for v in parts["test_batch"]],
    }
    kinds = {b"coarse_labels": 20, b"fine_labels": 100}
    batches = {"train": batch(7, 3, kinds), "test": batch(8, 2, kinds)}
    folder = FOLDER / "cifar-100-python"
    folder.mkdir()
    for name, content in batches.items():
        (folder / name).write_bytes(python2(content))
    runs = []
    for mode in ("fine", "coarse"):
        (x_train, y_train), (x_test, y_test) = from_file(cifar100, FOLDER, label_mode=mode)
        images = {"train": encode(x_train), "test": encode(x_test)}
        runs.append({"mode": mode, "labels": [encode(y.astype("uint8")) for y in (y_train, y_test)]})
    yield "cifar100", {
        "python": b64(archive({f"cifar-100-python/{name}": python2(content) for name, content in batches.items()})),
        "binary": b64(archive({f"cifar-100-binary/{name}.bin": plain(content, kinds) for name, content in batches.items()})),
        "images": images,
        "runs": runs,
    }


def matlab():
    rng = np.random.default_rng(9)
    ramp = (rng.integers(0, 100, (1, 1, 3, 3)) + np.arange(32)[:, None, None, None] * 2 + np.arange(32)[None, :, None, None]).astype("uint8")
    labels = np.array([[1], [10], [7]], dtype="uint8")
    contents = {"X": ramp, "y": labels}
    others = {
        "d": np.array([[1.5, -2, 3e10], [4, 5, 6]]),
        "small": np.array([[1.0, 2, 3]]),
        "f": np.float32([[0.1], [0.2]]),
        "i": np.array([[-70000, 2]], dtype="int32"),
        "h": np.array([[-300, 2]], dtype="int16"),
        "u": np.arange(24, dtype="uint16").reshape(2, 3, 4),
        "text": "not numbers",
        "complex": np.array([[1 + 2j]]),
        "cell": np.array([1, "a"], dtype=object),
        "empty": np.zeros((0, 3)),
    }
    for title, arrays, packed in (("svhn, packed", contents, True), ("many, packed", others, True), ("many, plain", others, False)):
        path = FOLDER / "it.mat"
        scipy.io.savemat(path, arrays, do_compression=packed)
        raw = bytearray(path.read_bytes())
        raw[:116] = b"MATLAB 5.0 MAT-file".ljust(116)  # it has the time of day
        numeric = {name: value for name, value in scipy.io.loadmat(io.BytesIO(raw)).items() if isinstance(value, np.ndarray) and value.dtype.kind in "fiu"}
        yield {"title": title, "file": b64(bytes(raw)), "arrays": {name: {"shape": list(v.shape), "columns": [float(n) for n in v.ravel("F")] if v.size < 100 else b64(v.ravel("F").tobytes())} for name, v in numeric.items()}}


class Evil:
    def __init__(self, function, *args):
        self.made = (function, args)

    def __reduce__(self):
        return self.made


def pickles():
    shared = [1, 2]
    value = {"a": [1, -2, 300, 70000, -70000, 2**40, -(2**40), 2**31], "b": ("x", "\u00fcn\u00ef", "y" * 300), "c": [None, True, False, 1.5, -0.0], "d": [shared, shared, ()], 5: {}, "e": [[]] * 3, "f": (1, 2, 3, 4)}
    for protocol in range(6):
        yield {"title": f"protocol {protocol}", "pickle": b64(pickle.dumps(value, protocol)), "value": {str(k): v for k, v in value.items()}}
    rows = np.empty(3, dtype=object)
    rows[:] = [[1, 2, 3], [], [70000]]
    for protocol in (3, 4):
        yield {"title": f"array of lists, protocol {protocol}", "pickle": b64(pickle.dumps(rows, protocol)), "value": rows.tolist()}
    yield {"title": "array of lists of Python 2", "pickle": b64(python2(rows)), "value": rows.tolist()}
    for title, evil in (("os.system", Evil(os.system, "touch /tmp/never")), ("builtins.eval", Evil(eval, "1")), ("numpy.fromfile", Evil(np.fromfile, "x")), ("builtins.set", {1, 2})):
        for protocol in (0, 2, 4):
            refused = b64(pickle.dumps([evil], protocol))
            try:
                npz_utils.RestrictedUnpickler(io.BytesIO(base64.b64decode(refused))).load()
                said = None
            except pickle.UnpicklingError as error:
                said = str(error).split("`")[1]
            if said is not None:
                yield {"title": f"{title}, protocol {protocol}", "pickle": refused, "refused": said}


def orders():
    for seed in (0, 113, 12345, 2**32 - 1):
        for n in (0, 1, 2, 10, 300):
            order = np.arange(n)
            np.random.RandomState(seed).shuffle(order)
            yield {"seed": seed, "n": n, "order": [int(i) for i in order]}


vectors = {"keras": keras.__version__, "mnist": digits()}
vectors.update(texts())
vectors.update(tables())
vectors.update(pictures())
vectors.update(mat=list(matlab()), pickles=list(pickles()), orders=list(orders()), reuters_labels=list(reuters.get_label_names()))
write("datasets", vectors)
