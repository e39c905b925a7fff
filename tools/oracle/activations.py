"""Vectors for the activations: values and gradients on a grid with extreme values, in float32.

Run: .venv/bin/python tools/oracle/activations.py       writes packages/ondol/src/testing/vectors/activations.json
"""
import numpy as np
from oracle import BACKEND, differentiate, encode, floats, keras, write

A = keras.activations
GRID = np.array(
    [-1e30, -1e4, -200, -89, -50, -20, -10, -6, -4, -3, -2.5, -2, -1.5, -1, -0.75, -0.5, -0.3, -0.1, -1e-3, -1e-6,
     1e-6, 1e-3, 0.1, 0.3, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 6, 10, 20, 50, 88, 200, 1e4, 1e30, 0, 5.9], "float32")
ROWS = np.concatenate([floats(81, 3, 6, scale=2), np.array([[100, -100, 0, 1, 2, 3], [1e4, 1e4, -1e4, 0, 0, 0]], "float32")])

ELEMENTWISE = [
    ("relu", {}), ("relu", {"negative_slope": 0.2}), ("relu", {"max_value": 6.0}), ("relu", {"threshold": 1.0}),
    ("relu6", {}), ("leaky_relu", {}), ("leaky_relu", {"negative_slope": 0.1}), ("elu", {}), ("elu", {"alpha": 0.5}), ("selu", {}),
    ("celu", {}), ("celu", {"alpha": 2.0}), ("gelu", {}), ("gelu", {"approximate": True}), ("softplus", {}), ("softsign", {}), ("silu", {}),
    ("sigmoid", {}), ("hard_sigmoid", {}), ("hard_silu", {}), ("tanh", {}), ("exponential", {}), ("log_sigmoid", {}), ("mish", {}),
    ("hard_tanh", {}), ("hard_shrink", {}), ("soft_shrink", {}), ("tanh_shrink", {}), ("squareplus", {}), ("sparse_plus", {}),
    ("sparse_sigmoid", {}), ("threshold", {"threshold": 1.0, "default_value": -2.0}), ("linear", {})]
KINKS = {"hard_tanh": [-1, 1], "sparse_sigmoid": [-1, 1], "leaky_relu": [0], "relu": [0]}  # where backends choose different gradients
BY_ROW = [("softmax", {}), ("softmax", {"axis": 0}), ("log_softmax", {}), ("sparsemax", {}), ("glu", {})]


def run(name, arguments, x):
    function = getattr(A, name)
    if BACKEND == "jax":  # an overflow to infinity is an answer here
        np.seterr(over="ignore")
    outputs, pullback = differentiate(lambda t: [function(t, **arguments)], [], [x])
    y = keras.ops.convert_to_numpy(outputs[0])
    kinks = KINKS.get(name, []) if arguments or name != "relu" else []  # for the plain relu all agree on 0
    cotangent = 1 - np.isin(x, kinks).astype("float32") if x is GRID else floats(82, *y.shape)
    _, gradients = pullback([cotangent])
    return {
        "title": f"{name} {arguments or ''}", "name": name, "arguments": arguments, "x": "grid" if x is GRID else "rows",
        "y": encode(y), "cotangent": encode(cotangent), "gradient": encode(gradients[0])}


write("activations", {
    "grid": encode(GRID), "rows": encode(ROWS),
    "cases": [run(n, a, GRID) for n, a in ELEMENTWISE] + [run(n, a, ROWS) for n, a in BY_ROW]})
print(f"made by Keras {keras.__version__} on {BACKEND}")
