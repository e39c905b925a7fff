"""Vectors for keras.utils: pictures, windows of series, spaces of features.

Run: .venv/bin/python tools/oracle/utils.py   writes packages/ondol/src/testing/vectors/utils.json
"""
import base64
import io
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from PIL import Image  # noqa: E402
from oracle import encode, floats, keras, write  # noqa: E402

U = keras.utils


def file_of(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def pictures():
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (7, 9, 4)).astype("uint8")
    yield "RGB", file_of(Image.fromarray(pixels[:, :, :3])), Image.fromarray(pixels[:, :, :3])
    yield "RGBA", file_of(Image.fromarray(pixels)), Image.fromarray(pixels)
    grey = Image.fromarray(pixels[:, :, 0])
    yield "grey", file_of(grey), grey
    yield "palette", file_of(grey.convert("P", palette=Image.ADAPTIVE, colors=13), bits=4), grey.convert("P", palette=Image.ADAPTIVE, colors=13)
    black = grey.point(lambda v: 255 * (v > 127)).convert("1")
    yield "one bit", file_of(black), black
    yield "BMP", file_of(Image.fromarray(pixels[:, :, :3]), "BMP"), Image.fromarray(pixels[:, :, :3])
    yield "BMP of greys", file_of(grey, "BMP"), grey


def images():
    for title, data, image in pictures():
        yield {"title": title, "file": data, "modes": {mode: encode(np.asarray(image.convert(name))) for mode, name in (("rgb", "RGB"), ("rgba", "RGBA"), ("grayscale", "L"))}}


def resizes():
    rng = np.random.default_rng(2)
    image = Image.fromarray(rng.integers(0, 256, (11, 8, 3)).astype("uint8"))
    data = file_of(image)
    for interpolation in ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"):
        for size in ((5, 6), (16, 9)):
            for keep in (False, True):
                raw = io.BytesIO(base64.b64decode(data))
                small = U.load_img(raw, target_size=size, interpolation=interpolation, keep_aspect_ratio=keep)
                yield {"file": data, "size": size, "interpolation": interpolation, "keep": keep, "value": encode(np.asarray(small))}


def arrays():
    x = floats(3, 3, 4, 3)
    for scale in (True, False):
        given = x if scale else np.abs(x * 50)
        yield {"x": encode(given), "scale": scale, "value": encode(np.asarray(U.array_to_img(given, scale=scale)))}


def smart():
    x = floats(4, 2, 9, 7, 2)
    for size in ((4, 4), (3, 7), (12, 5)):
        yield {"x": encode(x), "size": size, "value": encode(keras.preprocessing.image.smart_resize(x, size))}


def series():
    data, targets = np.arange(20.0, dtype="float32").reshape(20, 1), np.arange(100, 120).astype("int32")
    for options in (
        dict(sequence_length=4, batch_size=3),
        dict(sequence_length=3, sequence_stride=2, sampling_rate=3, batch_size=4),
        dict(sequence_length=2, batch_size=5, start_index=5, end_index=15),
        dict(sequence_length=3, batch_size=None, sequence_stride=5),
    ):
        for y in (None, targets):
            batches = [list(b) if isinstance(b, tuple) else [b] for b in U.timeseries_dataset_from_array(data, y, **options)]
            yield {"options": options, "targets": y is not None, "batches": [[encode(p) for p in b] for b in batches]}


def spaces():
    F = U.FeatureSpace
    data = {
        "n": [1.0, 2.0, 5.0, 0.0], "b": [0.5, 1.5, 2.5, 9.0], "r": [10.0, 20.0, 30.0, 40.0], "s": ["a", "b", "a", "c"],
        "i": [7, 7, 8, 9], "h": ["x", "y", "z", "x"], "j": [1, 2, 3, 4], "f": [0.1, 0.2, 0.3, 0.4],
    }
    features = {
        "n": "float_normalized", "b": F.float_discretized(num_bins=3), "r": F.float_rescaled(scale=0.1, offset=1.0), "s": "string_categorical",
        "i": F.integer_categorical(num_oov_indices=2), "h": F.string_hashed(5), "j": "integer_hashed", "f": "float",
    }
    space = F(features, crosses=[("s", "i"), ("h", "j")], crossing_dim=6, hashing_dim=4)
    space.adapt(tf.data.Dataset.from_tensor_slices(data))
    yield {"mode": "concat", "data": data, "value": encode(space(data))}
    one = {k: v[1] for k, v in data.items()}
    yield {"mode": "concat", "data": one, "value": encode(space(one))}
    features = {"n": "float_normalized", "s": F.string_categorical(output_mode="int"), "i": F.integer_categorical(output_mode="int")}
    space = F(features, crosses=[F.cross(("s", "i"), 7, output_mode="int")], output_mode="dict")
    small = {k: data[k] for k in features}
    space.adapt(tf.data.Dataset.from_tensor_slices(small))
    yield {"mode": "dict", "data": small, "value": {k: encode(v) for k, v in space(small).items()}}


if __name__ == "__main__":
    write("utils", {
        "images": list(images()), "resizes": list(resizes()), "arrays": list(arrays()), "smart": list(smart()),
        "series": list(series()), "spaces": list(spaces()),
    })
