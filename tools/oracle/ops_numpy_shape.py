"""Vectors for the ops that Keras takes from NumPy: making, arranging, joining and finding; matrices and products.

Run: .venv/bin/python tools/oracle/ops_numpy_shape.py   writes packages/ondol/src/testing/vectors/ops/numpy-{create,shape,join,search,matrix}.json
"""
import numpy as np
from opcase import case, floats, keras, tensor, write
from oracle import integers

A, B, CUBE = floats(1, 3, 4), floats(2, 3, 4), floats(3, 2, 3, 4)
WHOLE = integers(4, 9, 3, 4) - 4
BYTES = tensor(integers(5, 200, 2, 3), "uint8")
TRUTH = np.array([[True, False, True], [True, True, True]])
HALF, BRAIN = tensor(A, "float16"), tensor(A, "bfloat16")
nan = float("nan")

write(
    "ops/numpy-create",
    [
        *[case(op, [2, 3]) for op in ("zeros", "ones")],
        *[case(op, [2], dtype=d) for op in ("zeros", "ones", "empty") for d in ("int32", "bool", "bfloat16")],
        case("empty", [2, 0]),
        case("full", [2, 2], 3.5),
        case("full", [2, 2], 3, dtype="int32"),
        case("full", [2, 3], floats(6, 3)),
        *[case(op, x) for op in ("zeros_like", "ones_like") for x in (A, WHOLE)],
        # What is in empty memory is nobody's business: there must be none.
        case("empty_like", np.zeros([2, 0], "float32"), gradient=False),
        case("empty_like", A[:0], dtype="int32"),
        *[case(op, A, dtype="int32") for op in ("zeros_like", "ones_like")],
        case("full_like", A, 2.5),
        case("full_like", WHOLE, 2, dtype="float32"),
        case("eye", 3),
        case("eye", 2, 4, 1),
        case("eye", 4, k=-1, dtype="int32"),
        case("eye", 3, M=2),
        case("identity", 3),
        case("identity", 2, dtype="bool"),
        case("tri", 3),
        case("tri", 3, 4, 1),
        case("tri", 4, k=-2, dtype="int32"),
        case("arange", 5),
        case("arange", 2, 8, 3),
        case("arange", 1.5, 4.0),
        case("arange", 5, 1, -1.5),
        case("arange", 0, 2.5),
        case("arange", 3, dtype="float32"),
        case("arange", 5, 2),
        case("linspace", 0, 10, 5),
        case("linspace", 0.0, 1.0, num=4, endpoint=False),
        case("linspace", 0, 10, num=7, dtype="int32"),
        case("linspace", 2.0, 3.0, num=1),
        case("linspace", 2.0, 3.0, num=0),
        case("linspace", A[0], B[0], num=3),
        case("linspace", A, B, num=3, axis=-1),
        case("linspace", A[0], np.float32(2), num=4, axis=1, endpoint=False),
        case("linspace", A[0], B[0], num=3, retstep=True),
        case("linspace", 1, 4, num=3, dtype="bfloat16"),
        case("logspace", 0, 2, 5),
        case("logspace", 0, 3, num=4, base=2),
        case("logspace", 0.0, 1.0, num=4, endpoint=False),
        case("logspace", A[0], B[0], num=3, axis=1),
        case("logspace", 0, 3, num=4, dtype="int32"),
        case("geomspace", 1, 1000, 4),
        case("geomspace", 1, 256, num=9),
        case("geomspace", -2.0, -32.0, num=5, endpoint=False),
        case("geomspace", np.abs(A[0]), np.abs(B[0]) + 1, num=3),
        case("meshgrid", A[0], B[0, :3]),
        case("meshgrid", A[0], B[0, :3], indexing="ij"),
        case("meshgrid", A[0, :2], WHOLE[0, :3], B[0, :1]),
        case("meshgrid", A[0]),
        case("array", A),
        case("array", WHOLE, dtype="float32"),
        case("convert_to_tensor", A, dtype="bfloat16"),
        case("convert_to_tensor", WHOLE, dtype="bool"),
        case("convert_to_tensor", TRUTH),
    ],
)


def item(x, text):
    """`x[text]`, the key in Python's own spelling."""
    keras.ops.item_by_text = lambda y, key: keras.ops.get_item(y, eval(f"np.s_[{key}]", {"np": np, "None": None}))
    return {**case("item_by_text", x, text), "op": "get_item"}


write(
    "ops/numpy-shape",
    [
        *[case("reshape", x, s) for x, s in ((A, [4, 3]), (A, [-1]), (A, [2, -1, 2]), (WHOLE, [12]), (TRUTH, [3, 2]), (BRAIN, [6, 2]))],
        *[case("ravel", x) for x in (A, WHOLE, np.float32(3))],
        *[case("transpose", x) for x in (A, CUBE, WHOLE)],
        case("transpose", CUBE, axes=[1, 0, 2]),
        case("swapaxes", CUBE, 0, 2),
        case("swapaxes", WHOLE, axis1=-1, axis2=0),
        case("moveaxis", CUBE, 0, -1),
        case("moveaxis", CUBE, [0, 1], [-1, 0]),
        case("expand_dims", A, 1),
        case("expand_dims", A, axis=[0, -1]),
        case("squeeze", A[:, None, :, None]),
        case("squeeze", A[:, None], axis=1),
        case("broadcast_to", A[0], [2, 4]),
        case("broadcast_to", WHOLE[:, :1], [2, 3, 4]),
        *[case("flip", x, axis=a) for x, a in ((A, None), (A, 0), (CUBE, (0, 2)), (WHOLE, -1))],
        *[case(op, x) for op in ("fliplr", "flipud") for x in (A, WHOLE)],
        case("roll", A, 2),
        case("roll", A, -1, axis=1),
        case("roll", A, [1, -1], axis=[0, 1]),
        case("roll", WHOLE, 7, axis=0),
        case("roll", A, 3, axis=[0, 1]),
        *[case("rot90", A, k=k) for k in (1, 2, 3, 4, -1)],
        case("rot90", CUBE, k=1, axes=(1, 2)),
        case("rot90", CUBE, k=3, axes=(2, 0)),
        case("repeat", A, 2),
        case("repeat", A, 3, axis=1),
        case("repeat", A, np.array([1, 0, 2], "int32"), axis=0),
        case("repeat", WHOLE, 2, axis=0),
        case("tile", A, 2),
        case("tile", A, [2, 1, 3]),
        case("tile", WHOLE, [2, 2]),
        case("pad", A, 1),
        case("pad", A, [[1, 2], [0, 3]]),
        case("pad", A, [1, 2], constant_values=7),
        case("pad", WHOLE, [[0, 1], [2, 0]], constant_values=5),
        *[case("pad", A, [[1, 2], [2, 1]], mode=m) for m in ("reflect", "symmetric")],
        case("pad", A, [[1, 0], [3, 1]], mode="edge"),
        case("size", A),
        case("size", CUBE),
        case("ndim", A),
        case("ndim", CUBE),
        *[item(CUBE, k) for k in ("0", "-1, 2", ":, 1:3", "..., ::-1", "..., ::2, 0", "None, 1, ..., None", "1, None, 2", "::-1, -1, 3:0:-2", "5:, :", ":, :, -3:-1")],
        item(WHOLE, "1:, ::3"),
        item(BYTES, "1"),
        case("get_item", CUBE, np.array([1, 0, 1], "int32")),
        case("get_item", A, np.array([[2, -1]], "int32")),
    ],
)

if not hasattr(keras.ops, "column_stack"):  # as of Keras 3.16

    def column_stack(xs):
        return keras.ops.concatenate([x if len(x.shape) > 1 else keras.ops.expand_dims(x, 1) for x in xs], axis=1)

    keras.ops.column_stack = column_stack

write(
    "ops/numpy-join",
    [
        case("column_stack", [A[0], B[0]]),
        case("column_stack", [A, B[:, 0].copy()]),
        case("column_stack", [WHOLE, A]),
        *[case("concatenate", [A, B], axis=a) for a in (0, 1, -1)],
        case("concatenate", [A, WHOLE]),
        case("concatenate", [TRUTH, BYTES]),
        case("concatenate", [HALF, BRAIN]),
        *[case("stack", [A, B], axis=a) for a in (0, 1, -1)],
        case("stack", [WHOLE, A]),
        *[case("append", A, B, axis=a) for a in (None, 0, 1)],
        case("append", A, WHOLE[0]),
        *[case(op, [A, B]) for op in ("hstack", "vstack", "dstack")],
        *[case(op, [A[0], B[0]]) for op in ("hstack", "vstack", "dstack")],
        *[case(op, [A, WHOLE]) for op in ("hstack", "vstack", "dstack")],
        *[case(op, [CUBE, CUBE * 2]) for op in ("hstack", "vstack", "dstack")],
        *[case("split", x, s, axis=a) for x, s, a in ((A, 3, 0), (A, 2, 1), (CUBE, [1, 3], 2), (A, [1], -1), (WHOLE, [2, 2], 0))],
        *[case("array_split", x, s, axis=a) for x, s, a in ((A, 2, 0), (A, 3, 1), (CUBE, 3, -1), (WHOLE, 2, 0))],
        case("hsplit", A, 2),
        case("hsplit", A[0], [1, 2]),
        case("hsplit", CUBE, 3),
        case("vsplit", A, 3),
        case("vsplit", CUBE, [1]),
        case("dsplit", CUBE, 2),
        case("dsplit", CUBE, [1, 2]),
    ],
)

REPEATED = np.array([3, 1, 2, 3, 1, 7], "int32")
ROWS = np.array([[1, 2], [0, 5], [1, 2], [0, 4]], "float32")
write(
    "ops/numpy-search",
    [
        *[case("sort", x, axis=a) for x, a in ((A, -1), (A, 0), (WHOLE, 1), (BRAIN, 1), (np.array([2, nan, 1], "float32"), -1))],
        *[case("argsort", x, axis=a) for x, a in ((A, -1), (A, 0), (WHOLE, 1), (WHOLE, 0), (HALF, 1))],
        # Of three elements there is one partition only.
        case("argpartition", A, 1, axis=0),
        case("argpartition", np.array([[5, 2, 9], [3, 1, 2]], "int32"), 1),
        case("take", A, np.array([0, -1, 2, 1], "int32")),
        case("take", A, np.array([[0, 2], [1, 1]], "int32"), axis=0),
        case("take", A, np.array([3, -2], "int32"), axis=-1),
        case("take", WHOLE, 1, axis=1),
        case("take_along_axis", A, np.array([[0, 1], [3, 2], [1, 1]], "int32"), axis=1),
        case("take_along_axis", A, np.array([[2, 1, 0, -1]], "int32"), axis=0),
        case("take_along_axis", A, np.array([5, 0, 11], "int32")),
        case("nonzero", TRUTH),
        case("nonzero", WHOLE),
        case("nonzero", np.array([0, 1.5, nan, 0, -1], "float32")),
        case("where", TRUTH),
        case("where", WHOLE),
        case("isin", WHOLE, np.array([1, -2, 3], "int32")),
        case("isin", WHOLE, np.array([1, -2, 3], "int32"), invert=True),
        case("isin", np.array([1, nan, 2.5], "float32"), np.array([nan, 2.5], "float32")),
        case("isin", WHOLE, np.array([0.5, 1, 2], "float32"), assume_unique=True),
        case("isin", BYTES, BYTES[0]),
        case("unique", REPEATED),
        case("unique", REPEATED, return_index=True, return_inverse=True, return_counts=True),
        case("unique", WHOLE, return_inverse=True),
        # jax stops gradients here.
        case("unique", ROWS, axis=0, return_index=True, return_inverse=True, return_counts=True, gradient=False),
        case("unique", np.ascontiguousarray(ROWS.T), axis=1, return_counts=True, gradient=False),
        case("unique", np.array([1.5, nan, 1.5, nan], "float32"), return_counts=True, gradient=False),
        case("unique", REPEATED, size=3, return_counts=True),
        case("unique", REPEATED, size=6, return_index=True, return_counts=True),
        case("unique", REPEATED, size=6, fill_value=-1, return_index=True, return_inverse=True),
        case("unique", ROWS, axis=0, size=5, fill_value=9),
        case("unravel_index", np.array([0, 5, 11], "int32"), [3, 4]),
        case("unravel_index", np.array([[7, 23]], "int32"), [2, 3, 4]),
        case("unravel_index", np.array([-1, 40], "int32"), [3, 4]),
    ],
)

SQUARE, VECTOR = floats(6, 4, 4), floats(7, 3)
write(
    "ops/numpy-matrix",
    [
        *[case("diag", x, k=k) for x in (A, VECTOR, WHOLE[0]) for k in (0, 1, -2)],
        case("diag", A, k=9),
        *[case("diagflat", x, k=k) for x in (A[:2, :2], WHOLE[0, :2]) for k in (0, -1)],
        *[case("diagonal", CUBE, o, a, b) for o, a, b in ((0, 0, 1), (1, 1, 2), (-1, 2, 1), (-1, 0, 2))],
        case("diagonal", WHOLE, offset=2),
        *[case("trace", CUBE, o, a, b) for o, a, b in ((0, 0, 1), (1, 1, 2), (-1, 2, 1))],
        *[case("trace", x) for x in (SQUARE, WHOLE, BYTES, HALF)],
        *[case(op, x, k=k) for op in ("tril", "triu") for x, k in ((A, 0), (A, 1), (CUBE, -1), (WHOLE, 0), (TRUTH, 0))],
        case("vander", VECTOR),
        case("vander", np.array([0.5, 2, -1], "float32"), N=4, increasing=True),
        case("vander", WHOLE[0], N=3),
        *[case("inner", x, y) for x, y in ((A, B), (A[0], B[0]), (CUBE, A), (A, np.float32(3)), (WHOLE, WHOLE), (HALF, HALF))],
        *[case("vdot", x, y) for x, y in ((A, B), (A[0], B[1]), (WHOLE, WHOLE), (A, WHOLE))],
        *[case("dot", x, y) for x, y in ((A, B.T.copy()), (A[0], B[0]), (CUBE, B[0]), (CUBE, floats(8, 2, 4, 2)), (A, np.float32(2)), (WHOLE, WHOLE.T.copy()))],
        *[case("outer", x, y) for x, y in ((A[0], B[:, 0].copy()), (A[:2], B[0]), (WHOLE[0], A[0]))],
        *[case("matmul", x, y) for x, y in ((A, B.T.copy()), (CUBE, floats(8, 4, 2)), (CUBE, floats(8, 2, 4, 2)), (A[0], floats(8, 4, 2)), (CUBE, A[0]), (WHOLE, WHOLE.T.copy()), (BRAIN, tensor(B.T.copy(), "bfloat16")), (WHOLE, B.T.copy()))],
        case("tensordot", CUBE, floats(8, 3, 4, 2)),
        case("tensordot", A, B, axes=[[0], [0]]),
        case("tensordot", A, B, axes=0),
        *[case("einsum", s, *x) for s, x in (("ij,kj->ik", (A, B)), ("ij->j", (A,)), ("ii->i", (SQUARE,)), ("bij,jk->bik", (CUBE, floats(8, 4, 2))), ("...j,j", (CUBE, A[0])), ("ij,ij", (A, B)), ("i,j,k->kij", (A[0], B[0], VECTOR)), ("ij,ij->", (WHOLE, WHOLE)))],
        *[case("kron", x, y) for x, y in ((A[:2, :2], B[:2]), (VECTOR, A[0]), (WHOLE[:2], A[:1, :2]))],
        case("kron", CUBE[:, :2, :1], floats(8, 1, 2, 2)),
        case("cross", floats(8, 2, 3), floats(9, 2, 3)),
        case("cross", floats(8, 2, 3), VECTOR),
        case("cross", floats(8, 3, 2), floats(9, 3, 2), axis=0),
        case("cross", floats(8, 4, 2), floats(9, 4, 2)),
        case("cross", floats(8, 4, 3), floats(9, 4, 2)),
        case("cross", floats(8, 3, 4), floats(9, 4, 3), axisa=0, axisb=1, axisc=0),
        case("cross", integers(8, 9, 2, 3), integers(9, 9, 2, 3)),
        *[case("slogdet", x, tolerance=1e-4) for x in (SQUARE, np.stack([SQUARE, SQUARE.T]))],
    ],
)
