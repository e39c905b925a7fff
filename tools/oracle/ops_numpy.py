"""Vectors for the ops that Keras takes from NumPy.

Run: .venv/bin/python tools/oracle/ops_numpy.py         writes packages/ondol/src/testing/vectors/ops/numpy-*.json
"""
from opcase import case, floats, tensor, write

A, B = floats(1, 3, 4), floats(2, 3, 4)

write(
    "ops/numpy-reduce",
    [
        case("max", A, axis=1),
        case("max", A, axis=0, keepdims=True),
        case("sum", A),
        case("sum", A, axis=[0, 1], keepdims=True),
        case("mean", tensor(A, "bfloat16"), axis=-1),
        case("std", A, axis=1),
        case("argmax", A, axis=1),
    ],
)
