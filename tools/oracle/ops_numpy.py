"""Vectors for the ops that Keras takes from NumPy: element-wise functions of numbers.

The other families are in ops_numpy_{reduce,shape,search}.py.

Run: .venv/bin/python tools/oracle/ops_numpy.py         writes packages/ondol/src/testing/vectors/ops/numpy-{unary,binary}.json
"""
import numpy as np
from opcase import case, floats, tensor, write
from oracle import integers

A, B = floats(1, 3, 4), floats(2, 4)
POSITIVE = np.abs(A) + np.float32(0.1)
INSIDE = np.round(np.tanh(A), 3).astype("float32")
WHOLE = integers(3, 9, 3, 4) - 4
BYTES = tensor([0, 1, 7, 200, 255], "uint8")
TRUTH = np.array([[True, False], [True, True]])
nan, inf = float("nan"), float("inf")
# Nothing that a float can be is missing; no gradients, which are infinite or undefined at some of them.
EXTREME = np.array([0.0, -0.0, 1e-30, -1e-8, 0.3, -0.5, 1, -1, 1.5, -2.5, 3, 20, -33.3, 88, -88, 1e4, -1e20, 3e38, inf, -inf, nan], "float32")
# Small shapes of every kind of dtype.
HALVES = [tensor(floats(4, 5), "float16"), tensor(floats(5, 5), "bfloat16")]


def accepted(op, *args, **more):
    """The case, if this backend takes these dtypes."""
    try:
        return [case(op, *args, **more)]
    except (TypeError, ValueError) as error:
        print(f"  {op} refuses: {str(error)[:100]}")
        return []


def everywhere(op, x, extreme):
    """A function of one number: gradients, extreme values, integers, booleans and half floats."""
    kinds = [WHOLE, BYTES, TRUTH, *HALVES]
    return [case(op, x), case(op, extreme, gradient=False, title="extreme values"), *(c for k in kinds for c in accepted(op, k))]


UNARY = {
    "abs": A, "absolute": A, "angle": A, "arccos": INSIDE, "arccosh": POSITIVE + 1, "arcsin": INSIDE, "arcsinh": A, "arctan": A,
    "arctanh": INSIDE, "cbrt": A, "ceil": A, "conj": A, "conjugate": A, "copy": A, "cos": A, "cosh": A, "deg2rad": A, "exp": A,
    "exp2": A, "expm1": A, "fabs": A, "floor": A, "i0": A * 4, "imag": A, "isfinite": A, "isinf": A, "isnan": A, "isneginf": A,
    "isposinf": A, "isreal": A, "log": POSITIVE, "log10": POSITIVE, "log1p": POSITIVE, "log2": POSITIVE, "logical_not": A,
    "nan_to_num": A, "negative": A, "rad2deg": A, "real": A, "reciprocal": A, "round": A, "sign": A, "signbit": A, "sin": A,
    "sinc": A, "sinh": A, "sqrt": POSITIVE, "square": A, "tan": A, "tanh": A, "trunc": A,
}
# jax's i0 of infinity is no number. Its sine of large numbers loses every digit, as do the functions made of it.
BOUNDED = np.array([0.0, -0.0, 1e-8, 0.3, -0.5, 1, -1, 3, 20, -33.3, 88, inf, -inf, nan], "float32")
PERIODIC = {"sin", "cos", "tan", "sinc"}
LIMITS = {op: BOUNDED for op in PERIODIC} | {"i0": BOUNDED[np.abs(BOUNDED) < inf]}

write("ops/numpy-unary", [c for op, x in UNARY.items() for c in everywhere(op, x, LIMITS.get(op, EXTREME))])

PAIR = [A, B]
FLOATS_2 = (
    "add subtract multiply divide true_divide divide_no_nan maximum minimum fmax fmin arctan2 hypot logaddexp logaddexp2"
).split()
COMPARE = "equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor".split()
LEFT = np.array([0.0, -0.0, 1.5, -1.5, inf, -inf, nan, 2, inf, inf, 1e30, 1e-30, 5], "float32")
RIGHT = np.array([0.0, 1, -0.0, 2.5, 1, -inf, 1, nan, inf, -inf, 1e30, 1e-30, inf], "float32")
BITS = [WHOLE, integers(7, 9, 4)]
SOME = [integers(8, 40, 3, 4), integers(9, 30, 4)]


def pairs(op, x, y, gradient=True):
    kinds = [
        (WHOLE, integers(7, 8, 4) + 1),
        (tensor(A, "float16"), tensor(B, "float16")),
        (tensor(A, "bfloat16"), tensor(integers(7, 8, 4) + 1)),
        (BYTES, tensor([1, 2, 3, 4, 5], "uint8")),
    ]
    mixed = [case(op, x, y, gradient=gradient), case(op, WHOLE, y, gradient=gradient)]
    return [*mixed, *(c for k in kinds for c in accepted(op, *k))]


BINARY = [c for op in FLOATS_2 for c in [*pairs(op, *PAIR), case(op, LEFT, RIGHT, gradient=False, title="extreme values")]]
BINARY += [c for op in COMPARE for c in [*pairs(op, *PAIR), case(op, LEFT, RIGHT, gradient=False), case(op, TRUTH, ~TRUTH)]]
BINARY += [c for op in ("floor_divide", "mod", "fmod", "heaviside", "nextafter") for c in pairs(op, A, B + 2, gradient=False)]
BINARY += [
    case("mod", A, B + 4),
    case("fmod", A, B + 4),
    case("heaviside", np.array([-1, 0, 2, -0.0], "float32"), B),
    case("power", POSITIVE, B),
    case("power", A, np.float32(2)),
    case("power", WHOLE, integers(7, 4, 4)),
    case("power", tensor(POSITIVE, "bfloat16"), tensor(B, "bfloat16")),
    case("nextafter", np.array([0, -0.0, 1, -1, 3e38, 1e-40, inf, -inf, nan, 2], "float32"), np.array([1, -1, 2, 5, inf, 0, 0, 0, 1, 2], "float32"), gradient=False),
    case("ldexp", A, integers(7, 20, 4) - 10),
    case("ldexp", np.array([1, -3, 0, inf, nan, 1e-30, 1e30], "float32"), np.array([127, -130, 5, 3, 1, 200, -200], "int32"), gradient=False),
    case("ldexp", WHOLE, integers(7, 5, 4)),
    case("ldexp", HALVES[0], tensor([1, 2, 3, -1, 0])),
    case("gcd", *SOME),
    case("gcd", np.array([0, 0, -12, 12, 7], "int32"), np.array([0, 5, 18, -18, 0], "int32")),
    case("gcd", tensor([12, 18], "uint8"), tensor([8, 27], "uint8")),
    case("lcm", *SOME),
    case("lcm", np.array([0, 0, -12, 12, 7], "int32"), np.array([0, 5, 18, -18, 0], "int32")),
    *[case(op, *BITS) for op in ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "left_shift", "right_shift")],
    *[case(op, TRUTH, ~TRUTH) for op in ("bitwise_and", "bitwise_or", "bitwise_xor")],
    *[case(op, BYTES, tensor([3, 5, 1, 2, 7], "uint8")) for op in ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "left_shift", "right_shift")],
    *[case(op, x) for op in ("bitwise_invert", "bitwise_not") for x in (WHOLE, BYTES, TRUTH)],
    case("add", TRUTH, TRUTH),
    case("multiply", TRUTH, ~TRUTH),
    case("maximum", TRUTH, ~TRUTH),
    case("add", tensor(A, "float16"), tensor(B, "bfloat16"), title="two kinds of half floats"),
    case("clip", A, -0.5, 0.7),
    case("clip", WHOLE, -1, 2),
    case("clip", A, B - 1, B + 1, title="by tensors"),
    case("clip", TRUTH, 0, 1),
    case("clip", HALVES[1], -0.5, 0.7),
    case("isclose", A, A + np.float32(1e-6)),
    case("isclose", LEFT, RIGHT, equal_nan=True),
    case("isclose", LEFT, RIGHT),
    case("isclose", WHOLE, WHOLE + 1, atol=1.0),
    case("allclose", A, A + np.float32(1e-7)),
    case("allclose", A, A + 1),
    case("allclose", np.array([nan], "float32"), np.array([nan], "float32"), equal_nan=True),
    case("nan_to_num", EXTREME, nan=1.5, posinf=7.0, neginf=-7.0, gradient=False),
    case("nan_to_num", tensor([nan, inf, -inf, 1], "float16")),
    case("nan_to_num", tensor([nan, inf, -inf, 1], "bfloat16")),
    case("round", A, decimals=1),
    case("round", A * 100, decimals=-1),
    case("round", WHOLE * 17, decimals=-1),
    case("round", WHOLE, decimals=2),
    case("where", np.array([[True, False, True, False]]), A, B),
    case("where", A, WHOLE, B, title="truth of floats"),
    case("where", TRUTH, 1, 2.5),
    case("where", TRUTH, tensor([1, 2], "uint8"), tensor([3, 4], "int32")),
    case("select", [A > 0, A < -1], [A, A * 2], 5.0),
    case("select", [WHOLE > 0, WHOLE < -1], [WHOLE, B]),
    case("view", A, "int32"),
    case("view", np.array([0, -0.0, 1, -2.5, inf, -inf, 1e-40, 3e38], "float32"), dtype="int32", gradient=False),
    case("view", np.array([0, 1, 1065353216, -1065353216, 2139095040, 123456789, -5000000], "int32"), dtype="float32"),
    case("view", A, dtype="uint8"),
    case("view", BYTES[:4], dtype="int32"),
    case("view", BYTES[:4], dtype="float32"),
    case("view", HALVES[0], dtype="bfloat16"),
    case("view", HALVES[1], dtype="uint8"),
    case("view", tensor([[1, 2, 3, 4]], "int32"), dtype="uint8"),
]
write("ops/numpy-binary", BINARY)
