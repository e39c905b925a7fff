"""Vectors for linear algebra.

Singular and eigenvectors have no sign of their own: what is recorded does not depend on it, by functions of them (`svd`, `eigh`
themselves are tested by what they must satisfy, in packages/ondol/src/ops/linalg/linalg.test.ts).

Run: .venv/bin/python tools/oracle/ops_linalg.py        writes packages/ondol/src/testing/vectors/ops/linalg.json
"""
import numpy as np
from opcase import case, floats, write

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
