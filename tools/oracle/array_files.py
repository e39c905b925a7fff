"""Files of arrays by the libraries that define them: NumPy's npz, plain and packed, and safetensors. Seeds for readers.

Run: python tools/oracle/array_files.py (needs numpy and safetensors)
"""
import pathlib

import numpy as np
from safetensors.numpy import save_file

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages/ondol/src/testing/vectors/arrays"

random = np.random.default_rng(7)
ARRAYS = {
    "kernel": random.normal(size=(3, 4)).astype("float32"),
    "by_column": np.asfortranarray(random.normal(size=(2, 3, 4)).astype("float32")),
    "big_endian": random.normal(size=(5,)).astype(">f8"),
    "half": random.normal(size=(2, 2)).astype("float16"),
    "wide": random.integers(-9, 9, size=(3,)).astype("int64"),
    "bytes": random.integers(0, 255, size=(2, 5)).astype("uint8"),
    "mask": random.integers(0, 2, size=(4,)).astype("bool"),
    "scalar": np.float32(1.5),
    "empty": np.zeros((0, 3), "int32"),
}

OUT.mkdir(exist_ok=True)
np.savez(OUT / "plain.npz", **ARRAYS)
np.savez_compressed(OUT / "packed.npz", **ARRAYS)
plain = {name: np.ascontiguousarray(value).astype(value.dtype.newbyteorder("=")).reshape(np.shape(value)) for name, value in ARRAYS.items()}
save_file(plain, OUT / "tensors.safetensors", metadata={"format": "np"})
