"""Tables of facts: automatic names, fans and statistics of the initializers.

Run: .venv/bin/python tools/oracle/facts.py             writes packages/ondol/src/testing/vectors/{names,initializers}.json
"""
import inspect

import numpy as np
from oracle import BACKEND, encode, keras, write
from keras.src.initializers.random_initializers import compute_fans
from keras.src.utils.naming import to_snake_case


def names():
    """The automatic name of the first instance of every public class: `Conv2D` -> `conv2d`."""
    found = {}
    for module in (keras.layers, keras.metrics, keras.losses, keras.optimizers):
        classes = sorted({v.__name__ for _, v in inspect.getmembers(module, inspect.isclass)})
        found[module.__name__.split(".")[-1]] = {name: to_snake_case(name) for name in classes}
    return found


def initializers():
    """Exact values where nothing is random; else mean, deviation and bounds of many numbers."""
    I = keras.initializers
    fans = [{"shape": list(s), "fans": list(compute_fans(s))} for s in [(), (7,), (3, 5), (3, 4, 5), (3, 3, 4, 8), (2, 3, 3, 4, 8)]]
    exact = [(I.Zeros(), (2, 3)), (I.Ones(), (3,)), (I.Constant(0.25), (2, 2)), (I.Identity(), (3, 4)), (I.Identity(gain=2.0), (2, 2))]
    keras.utils.set_random_seed(5)  # before they are made: each draws its own seed then
    random = [
        I.RandomNormal(), I.RandomNormal(1.0, 0.5), I.RandomUniform(), I.RandomUniform(0.0, 2.0), I.TruncatedNormal(), I.TruncatedNormal(1.0, 0.2),
        I.GlorotNormal(), I.GlorotUniform(), I.HeNormal(), I.HeUniform(), I.LecunNormal(), I.LecunUniform(),
        I.VarianceScaling(), I.VarianceScaling(2.0, "fan_avg", "uniform"), I.VarianceScaling(0.5, "fan_out", "untruncated_normal")]
    shape = (5, 5, 40, 200)
    statistics = []
    for initializer in random:
        values = np.asarray(keras.ops.convert_to_numpy(initializer(shape)), "float64")
        statistics.append({
            "serialized": keras.saving.serialize_keras_object(initializer), "shape": list(shape), "mean": float(values.mean()),
            "deviation": float(values.std()), "minimum": float(values.min()), "maximum": float(values.max())})
    return {
        "fans": fans,
        "exact": [{"serialized": keras.saving.serialize_keras_object(i), "value": encode(i(s))} for i, s in exact],
        "random": statistics,
        "orthogonal": {"serialized": keras.saving.serialize_keras_object(I.Orthogonal(gain=1.0))},
        "identifiers": {n: type(I.get(n)).__name__ for n in ("zeros", "ones", "glorot_uniform", "he_normal", "lecun_uniform", "orthogonal", "random_normal", "truncated_normal", "uniform", "normal", "identity")},
    }


write("names", names())
write("initializers", initializers())
print(f"made by Keras {keras.__version__} on {BACKEND}")
