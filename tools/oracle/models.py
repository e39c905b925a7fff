"""Vectors for models: Keras's JSON of many topologies, their weights, and what they compute.

Run: .venv/bin/python tools/oracle/models.py            writes packages/ondol/src/testing/vectors/models.json
"""
import json

import numpy as np
from oracle import BACKEND, encode, fill, floats, integers, keras, write

L = keras.layers
ops = keras.ops
Input = keras.Input


def chain():
    return keras.Sequential([Input((4,)), L.Dense(5, activation="relu"), L.Dropout(0.3), L.Dense(2)], name="chain"), [(4,)]


def convnet():
    return keras.Sequential([
        Input((6, 6, 2)), L.Conv2D(3, 3, padding="same"), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(), L.Flatten(),
        L.Dense(3, activation="softmax")], name="convnet"), [(6, 6, 2)]


def shared():
    a, b, layer = Input((4,), name="a"), Input((4,), name="b"), L.Dense(3, name="shared")
    return keras.Model([a, b], L.Dense(1)(L.Concatenate()([layer(a), layer(b)])), name="siamese"), [(4,), (4,)]


def shared_at_depths():
    x, first, second = Input((3,)), L.Dense(3, name="first"), L.Dense(3, name="second")
    return keras.Model(x, second(first(second(first(x)))), name="again"), [(3,)]


def two_heads():
    x = Input((4,), name="x")
    hidden = L.Dense(3, activation="tanh")(x)
    outputs = {"b": L.Dense(1, name="regression")(hidden), "a": [L.Dense(2, activation="softmax", name="classes")(hidden), hidden]}
    return keras.Model({"x": x}, outputs, name="heads"), [(4,)]


def residual():
    x = Input((5, 5, 2))
    y = L.Conv2D(2, 3, padding="same", activation="relu")(x)
    return keras.Model(x, L.GlobalAveragePooling2D()(L.Add()([x, y])), name="residual"), [(5, 5, 2)]


def operations():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    x = L.Dense(4)(a) + b
    x = ops.relu(x * 2.0 - 0.5)
    x = ops.concatenate([x, a], axis=-1)
    x = ops.reshape(x, (-1, 2, 4))
    x = ops.mean(x, axis=1, keepdims=True)
    return keras.Model([a, b], ops.softmax(ops.squeeze(x, axis=1)), name="operations"), [(4,), (4,)]


def nested():
    inner = keras.Sequential([Input((4,)), L.Dense(3, activation="relu")], name="inner")
    x = Input((4,))
    return keras.Model(x, L.Dense(2)(inner(x)), name="outer"), [(4,)]


def nested_functional():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    inner = keras.Model([a, b], [L.Add(name="sum")([a, b]), L.Dense(2, name="d")(a)], name="inner")
    p, q = Input((3,), name="p"), Input((3,), name="q")
    total, dense = inner([p, q])
    again = inner([q, total])
    return keras.Model([p, q], [L.Concatenate()([total, dense]), again[1]], name="outer"), [(3,), (3,)]


def ends_in_a_model():
    x = Input((3,))
    inner = keras.Model(x, L.Dense(2)(x), name="inner")
    y = Input((3,))
    return keras.Model(y, inner(L.Dense(3)(y)), name="outer"), [(3,)]


def model_of_models():
    deep = keras.Sequential([Input((3,)), keras.Sequential([Input((3,)), L.Dense(2)], name="deepest")], name="deep")
    return keras.Sequential([Input((3,)), deep, L.Dense(1)], name="top"), [(3,)]


def head_of_a_model():
    x = Input((4,))
    hidden = L.Dense(3, name="hidden")(x)
    return keras.Model(hidden, L.Dense(2, name="answer")(hidden), name="head"), [(3,)]


def passes_through():
    x = Input((3,), name="x")
    y = L.Dense(2, name="y")(x)
    return keras.Model(x, [x, y, y], name="through"), [(3,)]


def state_from_a_tensor():
    words, start = Input((4, 3), name="words"), Input((2,), name="start")
    state = [L.Dense(2)(start), L.Dense(2, activation="tanh")(start)]
    return keras.Model([words, start], L.LSTM(2)(words, initial_state=state), name="state"), [(4, 3), (2,)]


def training_is_given():
    x = Input((4,))
    return keras.Model(x, L.BatchNormalization()(L.Dropout(0.5)(x, training=False), training=False), name="given"), [(4,)]


def frozen():
    x = Input((3,))
    inner = keras.Sequential([Input((3,)), L.Dense(3)], name="inner")
    inner.trainable = False
    return keras.Model(x, L.Dense(1, kernel_regularizer="l2")(inner(x)), name="frozen"), [(3,)]


def mixed():
    x = Input((4,))
    return keras.Model(x, L.Dense(2, dtype="float32")(L.Dense(3, dtype="mixed_bfloat16")(x)), name="mixed"), [(4,)]


def masked():
    x = Input((5,), dtype="int32", name="words")
    return keras.Model(x, L.LSTM(3)(L.Embedding(7, 2, mask_zero=True)(x)), name="masked"), [(5,)]


def cases():
    for make in (chain, convnet, shared, shared_at_depths, two_heads, residual, operations, nested, nested_functional, ends_in_a_model,
                 model_of_models, head_of_a_model, passes_through, state_from_a_tensor, training_is_given, frozen, mixed, masked):
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        model, shapes = make()
        fill(model.weights, len(make.__name__))
        whole = model.inputs[0].dtype == "int32"
        inputs = [integers(i, 7, 2, *s) if whole else floats(30 + i, 2, *s) for i, s in enumerate(shapes)]
        flat = inputs[0] if len(inputs) == 1 else inputs
        if not isinstance(model, keras.Sequential) and isinstance(model.input, dict):
            flat = dict(zip(model.input, inputs))
        outputs = keras.tree.flatten(model(flat))
        yield {
            "title": make.__name__,
            "json": json.loads(model.to_json()),
            "layers": [l.name for l in model.layers],
            "outputNames": getattr(model, "output_names", None),
            "weights": [{"path": w.path, "trainable": w.trainable, "value": encode(w.value)} for w in model.weights],
            "inputs": [encode(x) for x in inputs],
            "outputs": [encode(y) for y in outputs],
        }


write("models", list(cases()))
print(f"made by Keras {keras.__version__} on {BACKEND}")
