"""Which shapes come out of layers where a size of the input is unknown: symbolic calls of the layers in vectors/layers.

Run: .venv/bin/python tools/oracle/layers_open.py         writes packages/ondol/src/testing/vectors/layers-open.json
"""
import json

from oracle import VECTORS, keras, write


@keras.saving.register_keras_serializable("oracle")
def scaled(x, by=0.5):
    return keras.ops.tanh(x) * by


@keras.saving.register_keras_serializable("oracle")
def everywhere(inputs, mask=None):
    return keras.ops.ones_like(inputs[..., 0], dtype="bool")


def unbuilt(value):
    if isinstance(value, list):
        return [unbuilt(v) for v in value]
    if isinstance(value, dict):
        return {k: unbuilt(v) for k, v in value.items() if k != "build_config"}
    return value


def symbol(tensor, unknown):
    return keras.KerasTensor([None if unknown(axis, size) else size for axis, size in enumerate(tensor["shape"])], dtype=tensor["dtype"])


def called(vector, axis):
    """The output shapes with the batch and this axis unknown, in all inputs that have the first one's rank and size there."""
    first = vector["inputs"][0]["shape"]

    def open_in(tensor):
        fits = len(tensor["shape"]) == len(first) and tensor["shape"][axis] == first[axis]
        return symbol(tensor, lambda at, _: at == 0 or (at == axis and fits))

    inputs = [open_in(t) for t in vector["inputs"]]
    spread = vector.get("spread", False)
    if isinstance(spread, list):
        arguments = keras.tree.map_structure(lambda i: inputs[i], spread)
    else:
        arguments = inputs if spread else [inputs[0] if len(inputs) == 1 else inputs]
    options = {k: symbol(v, lambda at, _: at == 0) if isinstance(v, dict) else v for k, v in vector.get("call", {}).items()}
    layer = keras.saving.deserialize_keras_object(unbuilt(vector["serialized"]))
    return [list(o.shape) for o in keras.tree.flatten(layer(*arguments, **options))]


def refused_or_called(vector, axis):
    try:
        return called(vector, axis)
    except Exception:  # every layer and every op has its own
        return None


keras.backend.clear_session()
write(
    "layers-open",
    {
        path.stem: [
            [refused_or_called(vector, axis) for axis in range(1, len(vector["inputs"][0]["shape"]))] for vector in json.loads(path.read_text())
        ]
        for path in sorted((VECTORS / "layers").glob("*.json"))
    },
)
