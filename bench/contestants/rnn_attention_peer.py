"""PyTorch's side of bench/rnn-attention.mjs: one JSON request a line, the milliseconds of a step a line back."""
import json
import os
import sys
import time

import torch

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
steps = {}


def make(kind, shape, units):
    x = torch.rand(*shape) - 0.5
    if kind == "attention":
        layer = torch.nn.MultiheadAttention(shape[2], units, batch_first=True)

        def call():
            return layer(x, x, x, need_weights=False)[0]
    else:
        layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](shape[2], units, batch_first=True)

        def call():
            return layer(x)[0][:, -1]

    optimizer = torch.optim.SGD(layer.parameters(), 0.01)

    def step():
        optimizer.zero_grad()
        loss = call().square().mean()
        loss.backward()
        optimizer.step()

    return step


for line in sys.stdin:
    request = json.loads(line)
    key = json.dumps([request["kind"], request["shape"], request["units"]])
    if key not in steps:
        steps[key] = make(request["kind"], request["shape"], request["units"])
        for _ in range(3):
            steps[key]()
    begin = time.perf_counter()
    for _ in range(request["count"]):
        steps[key]()
    print(json.dumps({"ms": (time.perf_counter() - begin) * 1e3 / request["count"]}), flush=True)
