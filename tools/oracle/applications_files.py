"""One small network of each family of keras.applications, to and from files.

python applications_files.py make FOLDER PART/PARTS    writes NAME.keras and NAME.weights.h5, and NAME.json: options, input, output
python applications_files.py check FOLDER NAME…        loads NAME.ondol.keras and prints what it computes on the same input
"""
import json
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
# Compiling takes longer than computing here.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"

import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras.src.initializers import random_initializers  # noqa: E402

LOGITS = {"classes": 5, "classifier_activation": None}
FEATURES = {"include_top": False, "pooling": "avg"}


def sized(side, **options):
    return {"input_shape": [side, side, 3], **options}


NETWORKS = {
    "InceptionResNetV2": sized(75, **LOGITS),
    "ResNet50": sized(32, **LOGITS),
    "ResNet50V2": sized(40, **LOGITS),
    "DenseNet121": sized(32, **LOGITS),
    "InceptionV3": sized(75, **FEATURES),
    "Xception": sized(71, **FEATURES),
    "VGG16": sized(32, **FEATURES),
    "VGG19": sized(33, **FEATURES),
    "ConvNeXtTiny": sized(32, **LOGITS),
    "NASNetMobile": sized(64, **LOGITS),
    "EfficientNetB0": sized(33, **LOGITS),
    "EfficientNetV2B0": sized(32, **LOGITS),
    "MobileNet": sized(48, alpha=0.5, **LOGITS),
    "MobileNetV2": sized(48, alpha=0.5, **LOGITS),
    "MobileNetV3Small": sized(48, **LOGITS),
}
SCALED_INSIDE = ("EfficientNet", "MobileNetV3", "ConvNeXt")


def without_values():
    """Weights begin as zeros: they get values of their own afterwards."""
    def zeros(self, shape, dtype=None):
        return np.zeros(shape, dtype)

    random_initializers.VarianceScaling.__call__ = zeros


def values(rng, weight, gain):
    name, shape = weight.path.rsplit("/", 1)[-1], tuple(weight.shape)
    noise = rng.standard_normal(shape, "float32")
    if "kernel" in name:
        window = int(np.prod(shape[:2])) if len(shape) == 4 else 1
        inputs = 1 if name == "depthwise_kernel" else shape[-2]
        return noise * np.float32(np.sqrt(gain / (window * inputs)))
    if "variance" in name:
        return np.exp(0.2 * noise)
    if name == "gamma" or name.startswith("variable"):
        return 1 + 0.1 * noise
    return 0.1 * noise


def settle(model, x):
    """Normalises with what `x` brings (nearly): signals neither vanish nor explode on their way, however deep the network."""
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.01
    values = [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]
    after = jax.jit(lambda t, n: model.stateless_call(t, n, x, training=True)[1])(*values)
    for variable, value in zip(model.non_trainable_variables, after):
        if "moving" in variable.path:
            variable.assign(value)
    for layer, momentum in zip(norms, momenta):
        layer.momentum = momentum


def make(folder, part):
    without_values()
    index, parts = map(int, part.split("/"))
    for seed, (name, options) in list(enumerate(NETWORKS.items()))[index::parts]:
        keras.backend.clear_session()
        rng = np.random.default_rng(seed)
        model = getattr(keras.applications, name)(weights=None, **options)
        # swish and the weighing of channels take more away than relu.
        gain = 16 if name == "EfficientNetB0" else 1.5
        for weight in model.weights:
            if weight.dtype == "float32":
                weight.assign(values(rng, weight, gain))
        for layer in model.layers:
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()  # it computes with copies of its weights
        x = rng.uniform(0, 255, (2, *options["input_shape"])) if name.startswith(SCALED_INSIDE) else rng.uniform(-1, 1, (2, *options["input_shape"]))
        x[1] *= np.linspace(0, 1, x.shape[2])[:, None]
        x = np.round(x, 3).astype("float32")
        if name.startswith(("MobileNet", "EfficientNetV2")):
            settle(model, x)
        y = np.asarray(model.predict(x, verbose=0))
        assert np.abs(y[0] - y[1]).max() > 1e-3 * np.abs(y).max(), f"the input of {name} makes no difference"
        model.save(f"{folder}/{name}.keras")
        model.save_weights(f"{folder}/{name}.weights.h5")
        facts = {"options": options, "x": x.ravel().tolist(), "shape": x.shape, "y": y.ravel().tolist()}
        with open(f"{folder}/{name}.json", "w") as file:
            json.dump(facts, file, default=float)


def check(folder, *names):
    found = {}
    for name in names:
        model = keras.saving.load_model(f"{folder}/{name}.ondol.keras")
        with open(f"{folder}/{name}.json") as file:
            given = json.load(file)
        x = np.array(given["x"], "float32").reshape(given["shape"])
        found[name] = np.asarray(model.predict(x, verbose=0)).ravel().tolist()
    print(json.dumps(found))


{"make": make, "check": check}[sys.argv[1]](*sys.argv[2:])
