"""Vectors for the ops that Keras takes from NumPy: reductions, quantiles, running sums, statistics.

Run: .venv/bin/python tools/oracle/ops_numpy_reduce.py  writes packages/ondol/src/testing/vectors/ops/numpy-{reduce,nan,statistics}.json
"""
import numpy as np
from opcase import case, floats, tensor, write
from oracle import integers

A, B, CUBE = floats(1, 3, 4), floats(2, 3, 4), floats(3, 2, 3, 4)
WHOLE = integers(4, 9, 3, 4) - 4
BYTES = tensor(integers(5, 200, 2, 3), "uint8")
TRUTH = np.array([[True, False, True], [True, True, True]])
HALF, BRAIN = tensor(A, "float16"), tensor(A, "bfloat16")
TIES = np.array([[1, 3, 3, 2], [0, 0, 0, 0], [-1, -1, 2, 2]], "float32")
nan = float("nan")
GAPS = np.array([[1.5, nan, -2, 0.5], [nan, nan, nan, nan], [3, 1, nan, -0.25]], "float32")
FULL = np.array([[1.5, nan, -2, 0.5], [2, 7, -1, 4]], "float32")


def family(op, x=A, dtypes=(WHOLE, BYTES, TRUTH, HALF, BRAIN), **more):
    """A reduction over one axis, several and all, and of every kind of dtype."""
    return [
        case(op, x, **more),
        case(op, x, axis=0, **more),
        case(op, x, axis=-1, keepdims=True, **more),
        case(op, CUBE, axis=[0, 2], **more),
        case(op, CUBE, keepdims=True, **more),
        *[case(op, d, axis=1, **more) for d in dtypes],
    ]


REDUCTIONS = "sum prod max min amax amin mean var std ptp any all median".split()
NUMBERS = (WHOLE, HALF, BRAIN)
write(
    "ops/numpy-reduce",
    [
        *[c for op in REDUCTIONS for c in family(op, dtypes=NUMBERS if op in ("median", "ptp") else (WHOLE, BYTES, TRUTH, HALF, BRAIN))],
        *[case(op, TIES, axis=1, title="ties") for op in ("max", "min", "amax", "amin", "median")],
        case("max", A, axis=1, initial=0.5),
        case("max", WHOLE, initial=100),
        case("min", A, axis=0, keepdims=True, initial=-0.5),
        case("min", WHOLE, axis=1, initial=2),
        case("max", np.zeros([2, 0], "float32"), axis=1, initial=3.0),
        case("prod", A, axis=1, dtype="float32"),
        case("prod", WHOLE, dtype="float32"),
        case("prod", A, dtype="bfloat16"),
        case("prod", TIES, axis=1, title="zeros"),
        case("sum", np.zeros([2, 0], "float32"), axis=1, title="nothing"),
        *[case(op, A) for op in ("argmax", "argmin")],
        *[case(op, A, axis=1) for op in ("argmax", "argmin")],
        *[case(op, A, axis=0, keepdims=True) for op in ("argmax", "argmin")],
        *[case(op, WHOLE, keepdims=True) for op in ("argmax", "argmin")],
        *[case(op, TIES, axis=-1) for op in ("argmax", "argmin")],
        *[case(op, BRAIN, axis=1) for op in ("argmax", "argmin")],
        *[case(op, x) for op in ("cumsum", "cumprod") for x in (A, WHOLE, HALF)],
        *[case(op, CUBE, axis=a) for op in ("cumsum", "cumprod") for a in (0, -1)],
        *[case(op, TRUTH, axis=1) for op in ("cumsum", "cumprod")],
        *[case(op, WHOLE, axis=0, dtype="float32") for op in ("cumsum", "cumprod")],
        case("cumprod", TIES, axis=1, title="zeros"),
        case("count_nonzero", TIES),
        case("count_nonzero", WHOLE, axis=0),
        case("count_nonzero", TRUTH, axis=(0, 1)),
        case("count_nonzero", CUBE, axis=(1, 2)),
    ],
)

OVER_NAN = "nansum nanprod nanmax nanmin nanmean nanmedian".split()
# The standard deviation of one number has no slope.
SPREAD = np.array([[1.5, nan, -2, 0.5], [1, nan, 3, nan], [3, 1, nan, -0.25]], "float32")


def without_nan(op, x):
    return [
        case(op, x, axis=1),
        case(op, x),
        case(op, x, axis=0, keepdims=True),
        case(op, x, axis=(0, 1)),
        case(op, WHOLE, axis=1),
        case(op, tensor(SPREAD, "float16"), axis=1),
        case(op, tensor(SPREAD, "bfloat16"), axis=1),
    ]


write(
    "ops/numpy-nan",
    [
        *[c for op in OVER_NAN for c in without_nan(op, FULL)],
        *[c for op in ("nanvar", "nanstd") for c in without_nan(op, SPREAD)],
        *[case(op, GAPS, axis=1, gradient=False, title="nothing but NaN") for op in (*OVER_NAN, "nanvar", "nanstd", "nanargmax", "nanargmin")],
        *[case(op, SPREAD) for op in ("nanargmax", "nanargmin", "nancumsum", "nancumprod")],
        *[case(op, SPREAD, axis=1) for op in ("nanargmax", "nanargmin", "nancumsum", "nancumprod")],
        *[case(op, SPREAD, axis=0, keepdims=True) for op in ("nanargmax", "nanargmin")],
        *[case(op, WHOLE, axis=0) for op in ("nanargmax", "nanargmin", "nancumsum", "nancumprod")],
        *[case(op, WHOLE, axis=0, dtype="float32") for op in ("nancumsum", "nancumprod")],
        *[case(op, tensor(SPREAD, "bfloat16"), axis=1) for op in ("nancumsum", "nancumprod")],
        *[case("nanquantile", FULL, 0.3, method=m) for m in ("linear", "lower", "higher", "midpoint", "nearest")],
        case("nanquantile", FULL, np.array([0.25, 0.6], "float32"), axis=1),
        case("nanquantile", GAPS, 0.5, axis=1, keepdims=True, gradient=False),
        case("nanpercentile", FULL, 30.0, axis=1),
        case("nanpercentile", FULL, np.array([25, 60], "float32"), axis=0, keepdims=True),
        case("nanpercentile", GAPS, 50, axis=1, gradient=False),
        *[case(op, FULL, gradient=False, axis=1, title="a NaN spoils") for op in ("median", "max", "min", "sum")],
        case("quantile", FULL, 0.5, axis=1, gradient=False),
    ],
)

WEIGHTS = np.abs(floats(6, 4))
EDGES = np.array([-1, -0.5, 0, 0.5, 1], "float32")
SORTED = np.array([1, 2, 2, 3, 5], "float32")
write(
    "ops/numpy-statistics",
    [
        *[case(op, A, q) for op, q in (("quantile", 0.3), ("percentile", 30.0))],
        *[case("quantile", A, 0.3, axis=1, method=m) for m in ("linear", "lower", "higher", "midpoint", "nearest")],
        *[case("percentile", A, 37.0, axis=1, method=m) for m in ("linear", "lower", "higher", "midpoint", "nearest")],
        case("quantile", A, np.array([0, 0.25, 1], "float32"), axis=0),
        case("quantile", CUBE, np.array([0.1, 0.9], "float32"), axis=(0, 2), keepdims=True),
        case("quantile", CUBE, np.array([0.1, 0.9], "float32"), keepdims=True),
        case("quantile", WHOLE, 0.4, axis=1),
        case("quantile", BRAIN, 0.4, axis=1),
        case("quantile", HALF, 0.4),
        case("percentile", CUBE, np.array([10, 90], "float32"), axis=1),
        case("percentile", WHOLE, 40, axis=1),
        case("average", A),
        case("average", A, axis=1),
        case("average", A, axis=1, weights=WEIGHTS),
        case("average", A, 0, B + 3),
        case("average", WHOLE, axis=0),
        case("average", BRAIN, axis=1, weights=WEIGHTS),
        case("average", WHOLE, axis=1, weights=np.array([1, 2, 3, 4], "int32")),
        case("diff", A),
        case("diff", A, n=2, axis=0),
        case("diff", WHOLE, n=3),
        case("diff", TRUTH),
        case("diff", A, n=5),
        case("trapezoid", A),
        case("trapezoid", A, dx=0.5, axis=0),
        case("trapezoid", A, np.array([0, 1, 3, 4.5], "float32")),
        case("trapezoid", A, np.cumsum(np.abs(B), axis=1)),
        case("trapezoid", WHOLE),
        case("trapezoid", HALF, dx=2),
        case("corrcoef", A),
        case("corrcoef", WHOLE),
        case("corrcoef", A[0]),
        case("corrcoef", BRAIN),
        *[case("correlate", floats(7, n), floats(8, m), mode=mode) for n, m in ((6, 3), (6, 4), (7, 3), (7, 4), (3, 6), (4, 6), (3, 7), (4, 7), (5, 5)) for mode in ("valid", "same", "full")],
        case("correlate", WHOLE[0], WHOLE[1], mode="full"),
        case("correlate", tensor(floats(7, 6), "float16"), tensor(floats(8, 3), "float16")),
        case("bincount", integers(9, 6, 12)),
        case("bincount", integers(9, 6, 12), minlength=9),
        case("bincount", integers(9, 4, 4), WEIGHTS),
        case("bincount", integers(9, 4, 4), weights=np.array([1, 2, 3, 4], "int32"), minlength=2),
        case("bincount", np.array([[0, 2, 2], [1, 2, 0]], "int32")),
        case("bincount", np.array([[0, 2, 2], [1, 2, 0]], "int32"), np.array([[1, 2, 3], [0.5, 1, 2]], "float32"), minlength=5),
        case("histogram", floats(10, 30), gradient=False),
        case("histogram", floats(10, 30), bins=4, range=(-1.0, 1.0), gradient=False),
        case("histogram", A[0], bins=3, gradient=False),
        case("histogram", np.array([2, 2, 2], "float32"), bins=2, gradient=False, title="all the same"),
        case("histogram", np.array([1, 2, 2, 5], "float32"), bins=4, gradient=False, title="on the edges"),
        case("digitize", A, EDGES),
        case("digitize", A, EDGES[::-1].copy()),
        case("digitize", WHOLE, np.array([-2, 0, 3], "int32")),
        case("digitize", EDGES, EDGES, title="on the edges"),
        case("searchsorted", SORTED, np.array([[0, 2], [2.5, 9]], "float32")),
        case("searchsorted", SORTED, np.array([0, 1, 2, 5, 9], "float32"), side="right"),
        case("searchsorted", np.array([1, 2, 4], "int32"), np.array([0, 2, 3], "int32")),
        case("searchsorted", np.array([1, 2, nan], "float32"), np.array([0, 2, 3, nan], "float32"), side="right"),
        *[case(op, tensor(n)) for op in ("bartlett", "blackman", "hamming", "hanning") for n in (1, 2, 7, 8)],
        *[case("kaiser", tensor(n), b) for n in (1, 2, 7, 8) for b in (0.0, 8.6, 14)],
    ],
)
