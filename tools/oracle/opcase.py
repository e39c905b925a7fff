"""Vectors for ops: one call of one function of keras.ops with its arguments, outputs and gradients.

The scripts ops_*.py list the calls; `packages/ondol/src/ops/golden.test.ts` runs all of them.
"""
import base64

import numpy as np
from oracle import BACKEND, differentiate, floats, jsonable, keras, number, write  # noqa: F401

PLAIN = 48


def tensor(value, dtype=None):
    """An argument that is a tensor. `dtype` may be bfloat16, which numpy lacks: the values are rounded to it."""
    return keras.ops.convert_to_tensor(value, dtype=dtype)


def is_tensor(value):
    return isinstance(value, (np.ndarray, np.generic)) or keras.ops.is_tensor(value)


def encode(value):
    """{dtype, shape, data}: numbers, or base64 of the little-endian elements (half floats as float32, bool as bytes)."""
    dtype = keras.backend.standardize_dtype(value.dtype)
    array = np.asarray(keras.ops.convert_to_numpy(value))
    if dtype in ("int64", "uint32", "int16", "int8", "uint16"):
        dtype, array = "int32", array.astype("int32")
    if dtype in ("bfloat16", "float16"):
        array = array.astype("float32")
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.size <= PLAIN and (flat.dtype.kind != "f" or np.isfinite(flat).all()):
        data = [number(v) for v in flat]
    else:
        data = base64.b64encode((flat.astype("uint8") if dtype == "bool" else flat).tobytes()).decode()
    return {"dtype": dtype, "shape": list(array.shape), "data": data}


def tree(value):
    """Any argument or result: tensors encoded, the rest as JSON."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return jsonable(value)
    if is_tensor(value):
        return encode(value)
    if isinstance(value, dict):
        return {k: tree(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [tree(v) for v in value]
    raise TypeError(f"no JSON for {type(value)}")


def flat(value):
    """The tensors of a structure, in order."""
    if is_tensor(value):
        return [value]
    if isinstance(value, dict):
        return [t for v in value.values() for t in flat(v)]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in flat(v)]
    return []


def refill(value, tensors):
    """`value` with its tensors replaced by those of the iterator `tensors`."""
    if is_tensor(value):
        return next(tensors)
    if isinstance(value, dict):
        return {k: refill(v, tensors) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(refill(v, tensors) for v in value)
    return value


def parts(value):
    return keras.ops.real(value), keras.ops.imag(value)


def whole(pair):
    return keras.ops.view_as_complex(keras.ops.stack(pair, axis=-1))


# Complex numbers are pairs of tensors in ondol.
PAIRS = {
    "polar": lambda length, angle: parts(keras.ops.polar(length, angle)),
    "view_as_complex": lambda x: parts(keras.ops.view_as_complex(x)),
    "view_as_real": lambda pair: keras.ops.view_as_real(whole(pair)),
}


def function(path):
    """`max` or `image.resize` of keras.ops."""
    if path in PAIRS:
        return PAIRS[path]
    found = keras.ops
    for part in path.split("."):
        found = getattr(found, part)
    return found


def case(op, *args, gradient=True, tolerance=None, title=None, **kwargs):
    """One vector. Arguments that are numpy arrays (or `tensor(...)`) are tensors; the rest is passed as it is.

    `gradient`: record the gradients of sum(output * cotangent) by all float32 tensors. `tolerance`: relative to the
    largest value, where 1e-5 is not reachable; say why beside the case.
    """
    call = function(op)
    given = flat(args)
    outputs = call(*args, **kwargs)
    vector = {"op": op, "args": tree(args), "kwargs": tree(kwargs), "output": tree(outputs)}
    if title is not None:
        vector["title"] = title
    if tolerance is not None:
        vector["tolerance"] = tolerance
    dtypes = [keras.backend.standardize_dtype(t.dtype) for t in given]
    makes_floats = [keras.backend.standardize_dtype(t.dtype) == "float32" for t in flat(outputs)]
    if gradient and "float32" in dtypes and any(makes_floats):
        arrays = [np.asarray(keras.ops.convert_to_numpy(t)) for t in given]

        def run(*tensors):
            results = flat(call(*refill(args, iter(tensors)), **kwargs))
            return [r for r, keep in zip(results, makes_floats) if keep]

        found, pullback = differentiate(run, [], arrays)
        cotangents = [floats(70 + i, *o.shape) for i, o in enumerate(found)]
        _, by_input = pullback(cotangents)
        vector["cotangents"] = [encode(c) for c in cotangents]
        vector["gradients"] = [None if g is None or d != "float32" else encode(g) for g, d in zip(by_input, dtypes)]
    return vector
