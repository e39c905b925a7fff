"""Vectors for linear algebra.

Singular and eigenvectors have no sign of their own: what is recorded does not depend on it, by functions of them (`svd`, `eigh`
themselves are tested by what they must satisfy, in packages/ondol/src/ops/linalg/linalg.test.ts). Eigenvalues of general matrices
have no order either: `eig` has a file of its own, for eig.test.ts in that folder.

Run: .venv/bin/python tools/oracle/ops_linalg.py        writes packages/ondol/src/testing/vectors/ops/linalg.json and eig.json
"""
import numpy as np
from opcase import case, encode, floats, write
from oracle import BACKEND, differentiate, keras

SQUARE, WIDE, TALL = floats(1, 2, 4, 4), floats(2, 3, 5), floats(3, 5, 3)
POSITIVE = np.round(SQUARE @ SQUARE.transpose(0, 2, 1) + np.eye(4), 3).astype("float32")
LOWER = np.tril(SQUARE) + 2 * np.eye(4, dtype="float32")
B, VECTOR = floats(4, 2, 4, 3), floats(5, 2, 4)
# Systems and inverses lose a few digits to the condition of the matrix.
LOOSE = 1e-4

write(
    "ops/linalg",
    [
        case("cholesky", POSITIVE, tolerance=LOOSE),
        case("cholesky", POSITIVE[0], upper=True, tolerance=LOOSE),
        case("cholesky_inverse", LOWER[0], tolerance=LOOSE),
        case("cholesky_inverse", np.ascontiguousarray(LOWER[0].T), upper=True, tolerance=LOOSE),
        case("solve_triangular", LOWER, B, lower=True, tolerance=LOOSE),
        case("solve_triangular", np.ascontiguousarray(LOWER.transpose(0, 2, 1)), B, tolerance=LOOSE),
        case("solve_triangular", LOWER[0], VECTOR[0], lower=True, tolerance=LOOSE),
        case("solve", SQUARE, B, tolerance=LOOSE),
        case("solve", SQUARE[0], VECTOR[0], tolerance=LOOSE),
        case("solve", np.array([[0, 2], [1, 3]], "float32"), np.array([2.0, 4.0], "float32"), title="a pivot of 0"),
        case("inv", SQUARE, tolerance=LOOSE),
        case("inv", POSITIVE[0], tolerance=LOOSE),
        case("det", SQUARE, tolerance=LOOSE),
        case("det", POSITIVE[1], tolerance=LOOSE),
        case("slogdet", SQUARE, tolerance=LOOSE),
        case("logdet", POSITIVE, tolerance=LOOSE),
        case("lu_factor", SQUARE, gradient=False, tolerance=LOOSE),
        case("lu_factor", TALL, gradient=False, tolerance=LOOSE),
        case("lu_factor", WIDE, gradient=False, tolerance=LOOSE),
        case("qr", TALL, tolerance=LOOSE),
        case("qr", SQUARE, tolerance=LOOSE),
        case("qr", TALL, mode="complete", gradient=False, tolerance=LOOSE),
        case("qr", WIDE, gradient=False, tolerance=LOOSE),
        case("svd", TALL, compute_uv=False, tolerance=LOOSE),
        case("svd", WIDE, compute_uv=False, tolerance=LOOSE),
        case("svd", SQUARE, compute_uv=False, full_matrices=False, tolerance=LOOSE),
        case("pinv", TALL, tolerance=LOOSE),
        case("pinv", WIDE, tolerance=LOOSE),
        case("lstsq", TALL, floats(6, 5), gradient=False, tolerance=LOOSE),
        case("lstsq", TALL, floats(7, 5, 2), gradient=False, tolerance=LOOSE),
        case("lstsq", WIDE, floats(8, 3), gradient=False, tolerance=LOOSE, title="fewer rows than columns"),
        case("matrix_rank", np.array([[1, 2, 3], [2, 4, 6], [0, 1, 1]], "float32")),
        case("matrix_rank", SQUARE),
        case("norm", TALL),
        case("norm", SQUARE),
        case("norm", TALL, axis=0),
        case("norm", TALL, axis=-1, keepdims=True, ord=1),
        case("norm", TALL, axis=1, ord=float("inf")),
        case("norm", TALL, axis=1, ord=-float("inf")),
        case("norm", TALL, axis=1, ord=3),
        case("norm", TALL, axis=1, ord=0, gradient=False),
        case("norm", TALL, ord="fro"),
        case("norm", TALL, ord="nuc", tolerance=LOOSE),
        case("norm", TALL, ord=2, tolerance=LOOSE),
        case("norm", TALL, ord=-2, tolerance=LOOSE),
        case("norm", SQUARE, ord=1, axis=(-2, -1)),
        case("norm", SQUARE, ord=-1, axis=(-2, -1)),
        case("norm", SQUARE, ord=float("inf"), axis=(-2, -1), keepdims=True),
        case("norm", SQUARE, ord=-float("inf"), axis=(1, 0)),
        case("norm", SQUARE, ord="nuc", axis=(1, 2), tolerance=LOOSE),
    ],
)


def ordered(x):
    """Eigenvalues by size of the real part, then of the imaginary one; vectors with their largest element real and positive."""
    values, vectors = (keras.ops.convert_to_numpy(part) for part in keras.ops.eig(x))
    order = np.argsort(np.round(values.real, 3) + 1e-6 * values.imag, axis=-1)
    values, vectors = np.take_along_axis(values, order, -1), np.take_along_axis(vectors, order[..., None, :], -1)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(-2)[..., None, :], -2)
    return values, vectors * np.conj(largest) / np.abs(largest)


def differentiable(x):
    """Keras leaves JAX's gradient of vectors switched off."""
    if BACKEND != "jax":
        return keras.ops.eig(x)
    import jax

    return jax.lax.linalg.eig(x, compute_left_eigenvectors=False, enable_eigvec_derivs=True)


def measured(x, weights):
    """A sum that knows of no order and no phase: re² + im² / 2 of the values, weighted |v|⁴ of the vectors."""
    values, vectors = differentiable(x)
    ops = keras.ops
    found = ops.sum(ops.square(ops.real(values))) + ops.sum(ops.square(ops.imag(values))) / 2
    return found + ops.sum(ops.square(ops.square(ops.real(vectors)) + ops.square(ops.imag(vectors))) * weights)


def parts(value):
    return [encode(np.ascontiguousarray(part)) for part in (value.real, value.imag)]


def spectrum(title, x):
    """For distinct eigenvalues: what they are, the vectors, and the gradient of `measured` with these weights."""
    values, vectors = ordered(x)
    weights = floats(9, x.shape[-1], 1)
    _, pullback = differentiate(lambda given: [measured(given, weights)], [], [x])
    gradient = pullback([np.float32(1)])[1][0]
    return {
        "op": "eig", "title": title, "x": encode(x), "values": parts(values), "vectors": parts(vectors),
        "weights": encode(weights), "gradient": encode(gradient),
    }  # fmt: skip


write(
    "eig",
    [
        spectrum("complex pairs", floats(11, 5, 5)),
        spectrum("a stack", floats(12, 2, 3, 4, 4)),
        spectrum("symmetric: real values", POSITIVE[0]),
        spectrum("triangular", np.triu(floats(13, 4, 4)) + np.diag(np.arange(4)).astype("float32")),
        spectrum("of a polynomial", np.vstack([floats(16, 1, 5), np.eye(5, dtype="float32")[:-1]])),
        spectrum("of other sizes in rows and columns", floats(14, 4, 4) * np.float32([1, 30, 1000, 0.1])[:, None] / np.float32([1, 30, 1000, 0.1])),
        spectrum("larger", floats(15, 16, 16)),
    ],
)
