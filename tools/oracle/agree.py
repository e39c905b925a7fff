"""Runs oracle scripts on another backend and says how far its numbers are from the committed ones.

Run: .venv/bin/python tools/oracle/agree.py torch layers optimizers      (no script named: all of them)
Prints, for each file, the largest difference relative to 1 + |value|, and anything that is not a number and differs.
"""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parents[1] / "packages/ondol/src/testing/vectors"


def decode(value):
    data = value["data"]
    if isinstance(data, str):
        kind = {"bool": "uint8", "bfloat16": "uint16"}.get(value["dtype"], value["dtype"])
        data = np.frombuffer(base64.b64decode(data), kind)
        if value["dtype"] == "bfloat16":
            data = (data.astype("uint32") << 16).view("float32")
    return np.asarray(data, "float64")


def differences(ours, theirs, where, found):
    """Collects (difference, where) of all numbers into `found`; other differences have the size infinity."""
    if isinstance(ours, dict) and set(ours) == {"dtype", "shape", "data"} and isinstance(theirs, dict) and "data" in theirs:
        a, b = decode(ours), decode(theirs)
        if a.shape != b.shape:
            found.append((np.inf, f"{where}: {ours['shape']} against {theirs['shape']}"))
        elif a.size:
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            with np.errstate(invalid="ignore"):
                gap = np.where(same, 0, np.abs(a - b) / (1 + np.minimum(np.abs(a), np.abs(b))))
            found.append((float(np.max(np.nan_to_num(gap, nan=np.inf))), where))
    elif isinstance(ours, dict) and isinstance(theirs, dict):
        for key in (ours.keys() | theirs.keys()) - {"module", "registered_name"}:  # these name the backend's own class
            differences(ours.get(key), theirs.get(key), f"{where}.{key}", found)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for i, (a, b) in enumerate(zip(ours, theirs)):
            title = a.get("title", i) if isinstance(a, dict) else i
            differences(a, b, f"{where}[{title}]", found)
    elif isinstance(ours, float) and isinstance(theirs, (int, float)):
        found.append((abs(ours - theirs) / (1 + abs(ours)), where))
    elif ours != theirs:
        found.append((np.inf, f"{where}: {ours!r:.80} against {theirs!r:.80}"))


# Minutes of building networks, to say what a version of Keras makes them of; what they compute is compared elsewhere.
NO_NUMBERS = {"applications.py": "nothing is computed; applications.interop.ts compares what networks compute"}

backend, *names = sys.argv[1:]
scripts = [f"{n}.py" for n in names] or [p.name for p in sorted(HERE.glob("*.py")) if "\nfrom oracle import" in p.read_text()]
if not names:
    for script, reason in NO_NUMBERS.items():
        scripts.remove(script)
        print(f"left out {script}: {reason}")
with tempfile.TemporaryDirectory() as folder:
    environment = {**os.environ, "KERAS_BACKEND": backend, "ONDOL_VECTORS": folder}

    def make(script):
        return subprocess.run([sys.executable, HERE / script], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    for script, ended in zip(scripts, ThreadPoolExecutor(os.cpu_count()).map(make, scripts)):
        if ended.returncode == 0:
            continue
        reason = ended.stderr.strip().splitlines()[-1]
        if not reason.startswith(("ImportError", "ModuleNotFoundError")):
            sys.exit(f"{script}: {ended.stderr}")
        print(f"left out {script}: {reason}")
    for path in sorted(pathlib.Path(folder).rglob("*.json")):
        name = path.relative_to(folder)
        found = []
        differences(json.loads((VECTORS / name).read_text()), json.loads(path.read_text()), "", found)
        far = sorted((f for f in found if f[0] > 1e-5), key=lambda f: -f[0])
        print(f"{name}: largest {max((f[0] for f in found), default=0):.2g}" + (f", {len(far)} beyond 1e-5" if far else ""))
        for size, where in far[:8]:
            print(f"  {size:.2g} {where}")
