"""Vectors for connectionist temporal classification.

Run: .venv/bin/python tools/oracle/ops_ctc.py           writes packages/ondol/src/testing/vectors/ops/ctc.json
"""
import numpy as np
from opcase import case, floats, write

SCORES = floats(1, 3, 6, 5, scale=2)
TARGETS = np.array([[1, 2, 2], [3, 4, 0], [1, 0, 0]], "int32")
LENGTHS = np.array([3, 2, 1], "int32")
STEPS = np.array([6, 4, 5], "int32")

write(
    "ops/ctc",
    [
        case("ctc_loss", TARGETS, SCORES, LENGTHS, STEPS),
        case("ctc_loss", TARGETS[:, :2], SCORES, np.array([2, 1, 0], "int32"), STEPS, title="a target without labels"),
        case("ctc_loss", np.array([[0, 1, 1], [2, 3, 3], [1, 1, 2]], "int32"), SCORES, LENGTHS, STEPS, mask_index=4),
    ],
)
