"""The table of dtype promotion: result_type of every pair, and of a Python number beside a tensor, where the number is weak.

Run: .venv/bin/python tools/oracle/promotion.py         writes packages/ondol/src/testing/vectors/dtypes.json

Keras lets float64 give float64 on TensorFlow only and makes it float32 elsewhere, by one entry of a table, which is
set to TensorFlow's here so that no TensorFlow is needed; the rest is equal on all backends.
"""
from oracle import BACKEND, keras, write

from keras.src.backend.common import dtypes as rules  # noqa: E402  (after oracle, which picks the backend)

rules.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


DTYPES = ["bool", "uint8", "int32", "float16", "bfloat16", "float32", "float64"]
PYTHON = {"python int": int, "python float": float}

table = {a: {b: keras.backend.result_type(a, b) for b in DTYPES} for a in DTYPES}
for name, kind in PYTHON.items():
    table[name] = {b: keras.backend.result_type(b, kind) for b in DTYPES}
write("dtypes", table)
print(f"made by Keras {keras.__version__} on {BACKEND}")
