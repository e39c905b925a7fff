"""Vectors for constraints and regularizers: what they make of a kernel.

Run: .venv/bin/python tools/oracle/penalties.py         writes packages/ondol/src/testing/vectors/penalties.json
"""
import numpy as np
from oracle import encode, floats, keras, write

C, R = keras.constraints, keras.regularizers
MATRIX, KERNEL = floats(1, 5, 3, scale=2), floats(2, 2, 2, 3, 2, scale=2)


def case(thing, x):
    return {"serialized": keras.saving.serialize_keras_object(thing), "x": encode(x), "y": encode(np.asarray(thing(keras.ops.convert_to_tensor(x))))}


write(
    "penalties",
    [
        case(C.MaxNorm(), MATRIX),
        case(C.MaxNorm(1.5, axis=[0, 1, 2]), KERNEL),
        case(C.MinMaxNorm(), MATRIX),
        case(C.MinMaxNorm(0.5, 1.5, rate=0.3, axis=1), MATRIX),
        case(C.NonNeg(), MATRIX),
        case(C.UnitNorm(), MATRIX),
        case(C.UnitNorm(axis=[0, 1, 2]), KERNEL),
        case(R.L1(0.03), MATRIX),
        case(R.L2(0.03), MATRIX),
        case(R.L1L2(0.01, 0.02), KERNEL),
        case(R.L1L2(), KERNEL),
        case(R.OrthogonalRegularizer(), MATRIX),
        case(R.OrthogonalRegularizer(0.1, mode="columns"), MATRIX),
    ],
)
