"""What all oracle scripts share: writing vectors, repeatable inputs, and gradients on whichever backend Keras runs.

KERAS_BACKEND (jax unless set) picks the backend, ONDOL_VECTORS the folder to write to. Vectors are committed from jax;
`agree.py` runs the scripts on the other backends and says how far the results are apart.
"""
import base64
import json
import math
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402

BACKEND = keras.backend.backend()
VECTORS = pathlib.Path(__file__).resolve().parents[2] / "packages/ondol/src/testing/vectors"
OUT = pathlib.Path(os.environ.get("ONDOL_VECTORS", VECTORS))
PLAIN = 48  # tensors up to this many elements are written as readable numbers, larger ones in base64


def number(value):
    """The shortest decimal that gives the same float32 (or float64) back."""
    return float(str(value)) if isinstance(value, np.floating) else value.item()


def encode(value):
    """A tensor as {dtype, shape, data}; data is a list of numbers, or base64 of the little-endian elements."""
    if value is None:
        return None
    array = np.asarray(keras.ops.convert_to_numpy(value))
    if array.dtype == np.int64:
        array = array.astype("int32")
    if array.dtype.name == "bfloat16":
        array = array.astype("float32")
    flat = array.reshape(-1)
    kind = array.dtype.name
    if flat.size <= PLAIN and (flat.dtype.kind != "f" or np.isfinite(flat).all()):
        data = [number(v) for v in flat]
    else:
        data = base64.b64encode((flat.astype("uint8") if kind == "bool" else flat).tobytes()).decode()
    return {"dtype": kind, "shape": list(array.shape), "data": data}


def listed(value):
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def jsonable(value):
    """JSON without NaN and infinities, which become strings."""
    if isinstance(value, dict):
        return {k: jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    if isinstance(value, np.generic):
        value = number(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def write(name, value):
    """Writes `value` as OUT/name.json: one line for each member or element of the top level, so that diffs read well."""
    path = OUT / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    value = jsonable(value)
    if isinstance(value, list):
        text = "[\n" + ",\n".join(json.dumps(v, separators=(",", ":")) for v in value) + "\n]\n"
    else:
        text = "{\n" + ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in value.items()) + "\n}\n"
    path.write_text(text)
    print(f"{path.name}: {len(text) / 1024:.1f} KB")


def floats(seed, *shape, scale=1.0):
    """Normal numbers, rounded to three decimals so that they stay readable."""
    return np.round(np.random.default_rng(seed).normal(size=shape) * scale, 3).astype("float32")


def integers(seed, high, *shape):
    return np.random.default_rng(seed).integers(0, high, shape).astype("int32")


def fill(weights, seed):
    """Gives every weight repeatable values; variances stay positive."""
    for i, weight in enumerate(weights):
        if weight.dtype.startswith(("int", "uint")):  # the seed of a random layer
            continue
        values = floats(seed * 100 + i, *weight.shape, scale=0.5)
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.name else values)


def differentiate(call, variables, inputs):
    """Runs `call(*inputs) -> list of outputs`; returns (outputs, pullback).

    `pullback(cotangents)` gives the gradients of sum(output * cotangent) by variables and by inputs; None where there is none.
    Only float inputs are differentiated.
    """
    trainable = [v for v in variables if v.trainable]
    is_float = [x.dtype.kind == "f" for x in inputs]

    def spread(gradients):
        by_variable = dict(zip([id(v) for v in trainable], gradients[: len(trainable)]))
        rest = iter(gradients[len(trainable):])
        return [by_variable.get(id(v)) for v in variables], [next(rest) if f else None for f in is_float]

    if BACKEND == "torch":
        import torch

        tensors = [torch.tensor(x, requires_grad=f) for x, f in zip(inputs, is_float)]
        outputs = call(*tensors)

        def pullback(cotangents):
            total = sum((o * torch.tensor(c)).sum() for o, c in zip(outputs, cotangents))
            sources = [v.value for v in trainable] + [t for t, f in zip(tensors, is_float) if f]
            return spread(torch.autograd.grad(total, sources, allow_unused=True))

    elif BACKEND == "tensorflow":
        import tensorflow as tf

        tensors = [tf.constant(x) for x in inputs]
        with tf.GradientTape(persistent=True) as tape:
            for t, f in zip(tensors, is_float):
                if f:
                    tape.watch(t)
            outputs = call(*tensors)

        def pullback(cotangents):
            sources = [v.value for v in trainable] + [t for t, f in zip(tensors, is_float) if f]
            gradients = tape.gradient(outputs, sources, [tf.constant(c) for c in cotangents])
            return spread([tf.convert_to_tensor(g) if g is not None else None for g in gradients])

    else:
        import jax
        import jax.numpy as jnp

        def run(values, xs):
            rest = iter(xs)
            full = [next(rest) if f else jnp.asarray(x) for x, f in zip(inputs, is_float)]
            with keras.StatelessScope(state_mapping=list(zip(trainable, values))):
                return call(*full)

        outputs = call(*[jnp.asarray(x) for x in inputs])

        def pullback(cotangents):
            values = [jnp.asarray(v.value) for v in trainable]
            xs = [jnp.asarray(x) for x, f in zip(inputs, is_float) if f]
            _, vjp = jax.vjp(run, values, xs)
            by_variable, by_input = vjp([jnp.asarray(c) for c in cotangents])
            return spread([*by_variable, *by_input])

    return outputs, pullback
