"""The public names of Keras with their parameters: what ondol's exports are compared with.

Run: .venv/bin/python tools/oracle/inventory.py         writes packages/ondol/src/testing/vectors/inventory.json
"""
import importlib
import inspect

from oracle import keras, write

SPACES = [
    "", "layers", "models", "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks", "initializers",
    "regularizers", "constraints", "activations", "ops", "ops.image", "random", "utils", "utils.bounding_boxes",
    "preprocessing.image", "preprocessing.sequence", "datasets", "applications", "saving", "config", "dtype_policies",
    "mixed_precision", "quantizers", "tree", "backend", "visualization", "wrappers", "distillation", "distribution", "export",
]
# Functions and classes of Keras 3.16 that the installed 3.15 has not.
LATER = {
    "ops": {
        "column_stack": ["xs"],
        "gammainc": ["x1", "x2"],
        "matrix_power": ["x", "n"],
    },
    "ops.image": {"reconstruct_patches": ["patches", "size", "output_size", "strides", "padding", "data_format"]},
    "layers": {"TernaryDense": ["units", "threshold", "activation", "use_bias"]},
}


def parameters(thing):
    """Names of the parameters in Python's order, without self and variadic ones."""
    function = thing.__init__ if inspect.isclass(thing) else thing
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in found if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def entries(space):
    module = importlib.import_module(f"keras.{space}" if space else "keras")
    found = {}
    by_identity = {}
    for name in sorted(dir(module), key=lambda n: (n.lower(), n)):
        thing = getattr(module, name)
        if name.startswith("_") or inspect.ismodule(thing):
            continue
        # A class's own name first, then its other names.
        key = id(thing)
        if key in by_identity:
            by_identity[key].append(name)
            continue
        by_identity[key] = [name]
        found[name] = thing
    result = {}
    for name, thing in found.items():
        names = by_identity[id(thing)]
        own = getattr(thing, "__name__", name)
        main = own if own in names else name
        kind = "class" if inspect.isclass(thing) else "function" if callable(thing) else "value"
        result[main] = {"kind": kind, "parameters": parameters(thing) if kind != "value" else []}
        if len(names) > 1:
            result[main]["aliases"] = [n for n in names if n != main]
    return result


inventory = {}
for space in SPACES:
    if space == "datasets":
        names = [n for n in dir(keras.datasets) if not n.startswith("_")]
        inventory[space] = {n: {"kind": "module", "parameters": parameters(getattr(keras.datasets, n).load_data)} for n in names}
        continue
    inventory[space or "keras"] = entries(space)
    for name, names in LATER.get(space, {}).items():
        kind = "class" if name[0].isupper() else "function"
        inventory[space].setdefault(name, {"kind": kind, "parameters": names})
write("inventory", inventory)
