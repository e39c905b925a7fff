"""Vectors for convolutions and pools, and for functions that the installed Keras has not, by SciPy.

Run: .venv/bin/python tools/oracle/ops_convolution.py   writes packages/ondol/src/testing/vectors/ops/{convolution,scipy}.json
"""
import numpy as np
import scipy.special
from opcase import case, encode, floats, write

LINE, IMAGE, FIRST, VOLUME = floats(1, 2, 8, 3), floats(2, 2, 6, 5, 4), floats(3, 2, 4, 6, 5), floats(4, 1, 4, 5, 3, 2)

write(
    "ops/convolution",
    [
        case("conv", LINE, floats(5, 3, 3, 2), strides=2, padding="same"),
        case("conv", LINE, floats(5, 3, 3, 2), dilation_rate=2),
        case("conv", IMAGE, floats(6, 3, 2, 4, 3), tolerance=2e-5),
        case("conv", IMAGE, floats(7, 3, 3, 2, 4), padding="same", title="two groups"),
        case("conv", FIRST, floats(8, 2, 2, 4, 3), strides=(2, 1), data_format="channels_first"),
        case("conv", VOLUME, floats(9, 2, 2, 2, 2, 3), padding="same"),
        case("max_pool", LINE, pool_size=2, strides=2),
        case("max_pool", IMAGE, pool_size=(2, 3), strides=1, padding="same"),
        case("max_pool", FIRST, pool_size=(2, 2), strides=(2, 2), data_format="channels_first"),
        case("average_pool", LINE, pool_size=3, strides=2, padding="same"),
        case("average_pool", IMAGE, pool_size=2, strides=2),
        case("average_pool", VOLUME, pool_size=(2, 1, 2), strides=(2, 1, 2), padding="same"),
        case("shape", IMAGE),
        case("shape", LINE),
    ],
)


def by_hand(op, *args, output, **kwargs):
    return {"op": op, "args": [encode(a) for a in args], "kwargs": kwargs, "output": encode(np.asarray(output, "float32")), "tolerance": 1e-5}


A = np.array([0.5, 1, 2, 5, 30, 3, 100], "float32")
X = np.array([0.2, 1, 5, 2, 28, 0, 130], "float32")
M = floats(10, 2, 3, 3)
write(
    "ops/scipy",
    [
        by_hand("gammainc", A, X, output=scipy.special.gammainc(A.astype("float64"), X.astype("float64"))),
        by_hand("gammainc", np.array([[1], [3]], "float32"), np.array([0.5, 4], "float32"), output=scipy.special.gammainc([[1], [3]], [0.5, 4])),
        by_hand("matrix_power", M, n=3, output=np.linalg.matrix_power(M, 3)),
        by_hand("matrix_power", M, n=0, output=np.linalg.matrix_power(M, 0)),
    ],
)
