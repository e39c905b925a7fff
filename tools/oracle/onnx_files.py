"""Checks ONNX files with the real onnx.checker and runs them with onnxruntime.

python onnx_files.py FOLDER: reads FOLDER/cases.json ([{name, runs: [{inputs, outputs}]}]), prints for each case the largest
difference, relative to numbers above 1 and to the largest number, and the operators of its graph, or what went wrong.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime


def check(folder, case):
    path = f"{folder}/{case['name']}.onnx"
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = {node.name for node in session.get_inputs()}
    worst = relative = 0.0
    for one in case["runs"]:
        inputs = {name: array(given, given["dtype"]) for name, given in one["inputs"].items() if name in names}
        for got, given in zip(session.run(None, inputs), one["outputs"], strict=True):
            wanted = array(given, np.float64)
            if got.shape != wanted.shape:
                raise ValueError(f"shape {got.shape}, not {wanted.shape}")
            difference = np.abs(got.astype(np.float64) - wanted)
            worst = max(worst, float((difference / np.maximum(1, np.abs(wanted))).max(initial=0)))
            relative = max(relative, float(difference.max(initial=0) / max(np.abs(wanted).max(initial=0), 1e-30)))
    graph = onnx.load(path, load_external_data=False).graph
    return {"difference": worst, "relative": relative, "operators": [node.op_type for node in graph.node]}


def array(given, dtype):
    return np.array(given["data"], dtype=dtype).reshape(given["shape"])


def main(folder):
    with open(f"{folder}/cases.json") as file:
        cases = json.load(file)
    report = {}
    for case in cases:
        try:
            report[case["name"]] = check(folder, case)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            report[case["name"]] = {"error": f"{type(error).__name__}: {error}"[:800]}
    print(json.dumps(report))


main(sys.argv[1])
