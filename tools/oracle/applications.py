"""Vectors for keras.applications: what every network is made of, where its weights are, how images are prepared.

Run: .venv/bin/python tools/oracle/applications.py   writes packages/ondol/src/testing/vectors/applications.json

Of a network the hashes of its layers, weights and config are kept. Nothing is computed: weights are described, not made.
"""
import hashlib
import json
import re
import struct

import numpy as np
from oracle import encode, floats, keras, write
from keras.src.applications import imagenet_utils
from keras.src.initializers import random_initializers
from keras.src.utils import file_utils

A = keras.applications
OMITTED = {"quantization_config", "build_config", "compile_config", "shared_object_id"}

FAMILIES = {
    "ConvNeXt": ["Tiny", "Small", "Base", "Large", "XLarge"],
    "DenseNet": ["121", "169", "201"],
    "EfficientNet": [f"B{i}" for i in range(8)],
    "EfficientNetV2": ["B0", "B1", "B2", "B3", "S", "M", "L"],
    "InceptionResNetV2": [""],
    "InceptionV3": [""],
    "MobileNet": [""],
    "MobileNetV2": [""],
    "MobileNetV3": ["Small", "Large"],
    "NASNet": ["Mobile", "Large"],
    "ResNet": ["50", "101", "152", "50V2", "101V2", "152V2"],
    "VGG": ["16", "19"],
    "Xception": [""],
}
NAMES = [family + variant for family, variants in FAMILIES.items() for variant in variants]
FREE = {"include_top": False}
FEW = {"classes": 7, "classifier_activation": None, "name": "few"}
NAMELESS = {"classes": 7, "classifier_activation": "sigmoid"}
# One small network of each family, and options that change what it is made of.
VARIATIONS = [
    *[(name, options) for name in ("ResNet50", "ResNet50V2", "DenseNet121", "VGG16", "InceptionV3", "Xception", "MobileNet", "ConvNeXtTiny",
                                   "EfficientNetB0", "EfficientNetV2B0", "MobileNetV2", "MobileNetV3Small", "NASNetMobile", "InceptionResNetV2")
      # Keras finds the blocks of EfficientNetV2 by the name of the model.
      for options in (NAMELESS if name == "EfficientNetV2B0" else FEW, {**FREE, "pooling": "avg", "input_shape": (96, 128, 3)}, {**FREE, "pooling": "max"})],
    *[(name, {**FREE, "input_shape": (75, 81, 1)}) for name in ("ResNet50", "MobileNetV2", "EfficientNetB0", "EfficientNetV2B0", "ConvNeXtTiny", "NASNetMobile")],
    *[(name, {**FREE, "channels_first": True, "input_shape": (3, 96, 97)})
      for name in ("ResNet50", "ResNet50V2", "VGG19", "InceptionV3", "InceptionResNetV2", "Xception", "MobileNet", "MobileNetV2",
                   "MobileNetV3Large", "EfficientNetB1", "EfficientNetV2B1")],
    ("MobileNet", {"alpha": 0.25, "depth_multiplier": 2, "dropout": 0.5, "input_shape": (128, 128, 3)}),
    ("MobileNet", {"alpha": 0.3, "include_top": False}),
    *[("MobileNetV2", {"alpha": alpha, "input_shape": (96, 96, 3)}) for alpha in (0.35, 0.5, 0.75, 1.3, 1.4)],
    ("MobileNetV3Small", {"alpha": 0.75, "minimalistic": True, "dropout_rate": 0.0}),
    ("MobileNetV3Large", {"alpha": 1.25, "minimalistic": True, "include_preprocessing": False}),
    ("MobileNetV3Large", {"alpha": 0.75, "input_shape": (224, 224, 3), "dropout_rate": 0.5}),
    ("EfficientNetV2S", {"include_preprocessing": False, "include_top": False}),
    ("ConvNeXtTiny", {"include_preprocessing": False, "include_top": False}),
    ("EfficientNetB2", {"imagenet": True}),
    *[(name, {**FREE, "tensor": True}) for name in ("ResNet50", "MobileNetV2", "MobileNetV3Small", "ConvNeXtTiny", "EfficientNetV2B0")],
]


def canonical(value):
    """Text that is the same in every language: numbers by their bits, members by name."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return struct.pack(">d", value).hex()
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(canonical, value))}]"
    return "{" + ",".join(f"{json.dumps(k)}:{canonical(v)}" for k, v in sorted(value.items()) if k not in OMITTED) + "}"


def digest(value):
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def without_values():
    """Random weights as zeros: they are only ever described."""
    def zeros(self, shape, dtype=None):
        return keras.ops.zeros(shape, dtype)

    for name in ("VarianceScaling", "RandomNormal", "RandomUniform", "TruncatedNormal"):
        getattr(random_initializers, name).__call__ = zeros


class Stopped(Exception):
    """The weights would be fetched now."""


fetched = []


def record(fname, origin, file_hash=None, **_):
    fetched.append({"name": fname, "url": origin, "hash": file_hash})
    raise Stopped


def made(network, /, channels_first=False, tensor=False, imagenet=False, **options):
    keras.backend.clear_session()
    keras.config.set_image_data_format("channels_first" if channels_first else "channels_last")
    if tensor:
        pixels = keras.Input((None, None, 1), name="grey")
        options["input_tensor"] = keras.layers.Concatenate(name="colours")([pixels, pixels, pixels])
    with keras.StatelessScope():
        if not imagenet:
            return getattr(A, network)(**{"weights": None, **options})
        # The model as it is when its weights are about to be loaded.
        built = []
        load, get = keras.Model.load_weights, file_utils.get_file
        keras.Model.load_weights = lambda self, *_: built.append(self)
        file_utils.get_file = lambda *_, **__: ""
        try:
            getattr(A, network)(weights="imagenet", **options)
        finally:
            keras.Model.load_weights, file_utils.get_file = load, get
        return built[0]


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


def place(path):
    """The layer and the weight: scopes around are Keras's own affair, and so is how it counts weights without a name."""
    return re.sub(r"variable_\d+$", "variable", "/".join(path.split("/")[-2:]))


def facts(name, options):
    model = made(name, **options)
    found = {
        "application": name,
        "options": options,
        "name": model.name,
        "layers": len(model.layers),
        "trainable": count(model.trainable_weights),
        "nonTrainable": count(model.non_trainable_weights),
        "outputShape": model.output_shape,
        "layerHash": digest([[type(l).__name__, l.name] for l in model.layers]),
        "weightHash": digest([[place(w.path), list(w.shape), w.trainable] for w in model.weights]),
        "configHash": digest(json.loads(model.to_json())),
    }
    keras.config.set_image_data_format("channels_last")
    return found


def files():
    get, file_utils.get_file = file_utils.get_file, record
    cases = [(name, {"include_top": top}) for name in NAMES for top in (True, False)]
    cases += [("MobileNet", {"alpha": alpha, "input_shape": (size, size, 3)}) for alpha in (0.25, 0.5, 0.75, 1.0) for size in (128, 160)]
    cases += [("MobileNetV2", {"alpha": alpha, "input_shape": (size, size, 3)}) for alpha in (0.35, 0.5, 1.3) for size in (96, 192)]
    cases += [(f"MobileNetV3{size}", options) for size in ("Small", "Large") for options in ({"alpha": 0.75}, {"minimalistic": True})]
    for name, options in cases:
        keras.backend.clear_session()
        try:
            with keras.StatelessScope():
                getattr(A, name)(**options)
        except Stopped:
            yield {"application": name, "options": options, **fetched[-1]}
    file_utils.get_file = get


def preprocessing():
    for format in ("channels_last", "channels_first"):
        for rank in (3, 4):
            shape = ((2,) if rank == 4 else ()) + ((3, 2, 3) if format == "channels_last" else (3, 3, 2))
            x = np.abs(np.round(floats(rank, *shape, scale=120), 0)).clip(0, 255)
            for mode in ("caffe", "tf", "torch"):
                prepare = imagenet_utils.preprocess_input
                by_tensor = prepare(keras.ops.convert_to_tensor(x), data_format=format, mode=mode)
                by_array = prepare(x.astype("uint8"), data_format=format, mode=mode)
                assert np.abs(np.asarray(by_tensor) - by_array).max() < 1e-4
                yield {"mode": mode, "format": format, "x": encode(x), "y": encode(by_tensor)}


def modes():
    """How each family prepares images: what becomes of one colour."""
    x = np.array([[[10.0, 100.0, 250.0]]], "float32")
    for module in ("convnext", "densenet", "efficientnet", "efficientnet_v2", "inception_resnet_v2", "inception_v3", "mobilenet", "mobilenet_v2",
                   "mobilenet_v3", "nasnet", "resnet", "resnet50", "resnet_v2", "vgg16", "vgg19", "xception"):
        yield {"module": module, "y": encode(getattr(A, module).preprocess_input(x.copy()))}


def predictions():
    """With names of our own: the file of ImageNet's is not needed."""
    imagenet_utils.CLASS_INDEX = {str(i): [f"n{i:08d}", f"class {i}"] for i in range(1000)}
    scores = np.round(np.abs(floats(7, 3, 1000)), 3) + np.arange(1000, dtype="float32") * np.float32(1e-5)
    for top in (1, 5, 12):
        decoded = imagenet_utils.decode_predictions(scores.astype("float32"), top=top)
        yield {"top": top, "scores": encode(scores.astype("float32")), "decoded": [[[*p[:2], float(p[2])] for p in row] for row in decoded]}


if __name__ == "__main__":
    without_values()
    cases = [(name, {"include_top": True}) for name in NAMES]
    # Without a shape, Keras puts cells of NASNetLarge together that do not fit, and that its weights are not for.
    cases += [(name, {**FREE, "input_shape": (331, 331, 3)} if name == "NASNetLarge" else FREE) for name in NAMES]
    cases += VARIATIONS
    write("applications", {
        "networks": [facts(name, options) for name, options in cases],
        "files": list(files()),
        "preprocessing": list(preprocessing()),
        "modes": list(modes()),
        "predictions": list(predictions()),
    })
