"""PyTorch as a contestant. Usage: torch_peer.py eager | channels_last | compile | bf16

Every step is the loop a PyTorch user writes: zero_grad, forward, loss, backward, optimizer.step.
`bf16` is channels_last under torch.autocast(bfloat16).
"""
import os
import sys
import time

start = time.perf_counter()
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

import_ms = (time.perf_counter() - start) * 1e3

import data  # noqa: E402
from protocol import serve  # noqa: E402
from torch_models import BUILDERS  # noqa: E402

mode = sys.argv[1]
threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
torch.set_num_threads(threads)
torch.manual_seed(1)


LAST = mode in ("channels_last", "bf16")


def tensor(array):
    if array.dtype == "int32":
        return torch.from_numpy(array).long()
    return torch.from_numpy(array)


def image(array, channels_first):
    """Channels come second in torch, whatever the layout in memory."""
    x = tensor(array)
    if x.ndim != 4:
        return x
    return (x if channels_first else x.permute(0, 3, 1, 2)).contiguous(
        memory_format=torch.channels_last if LAST else torch.contiguous_format)


class Trainer:
    def __init__(self, name):
        network, self.optimizer, self.loss = BUILDERS[name]()
        self.first = name.endswith("_first")
        self.network = network.to(memory_format=torch.channels_last) if LAST else network
        self.forward = torch.compile(self.network) if mode == "compile" else self.network
        self.batches = [([image(x, self.first) for x in inputs], [tensor(y) for y in labels]) for inputs, labels in data.make(name)]
        self.count = 0

    def step(self):
        inputs, labels = self.batches[self.count % len(self.batches)]
        self.count += 1
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=mode == "bf16"):
            outputs = self.forward(*inputs)
        outputs = tuple(each.float() for each in outputs) if isinstance(outputs, tuple) else outputs.float()
        loss = self.loss(outputs, labels[0] if len(labels) == 1 else labels)
        loss.backward()
        self.optimizer.step()
        return loss

    def predict(self, inputs):
        self.network.eval()
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=mode == "bf16"):
            return self.forward(*inputs)


trainers = {}


def trainer(name):
    return trainers.get(name) or trainers.setdefault(name, Trainer(name))


def train(name, steps):
    ms, loss, one = [], None, trainer(name)
    for _ in range(steps):
        begin = time.perf_counter()
        loss = one.step()
        ms.append((time.perf_counter() - begin) * 1e3)
    return {"ms": ms, "loss": loss.item()}


def predict(name, size, steps):
    ms, one = [], trainer(name)
    inputs = [image(x, one.first) for x in data.make(name, size)[0][0]]
    for _ in range(steps):
        begin = time.perf_counter()
        one.predict(inputs)
        ms.append((time.perf_counter() - begin) * 1e3)
    return {"ms": ms}


def median_ms(run, repeats):
    run()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        times.append((time.perf_counter() - begin) * 1e3)
    return sorted(times)[len(times) // 2]


def probe(request):
    """Single kernels: {"probe": "matmul", "m","k","n"} and {"probe": "conv", "shape", "filters", "kernel"}, {"probe": "copy"}."""
    dtype = torch.bfloat16 if mode == "bf16" else torch.float32
    repeats = request.get("repeats", 9)
    if request["probe"] == "matmul":
        m, k, n = request["m"], request["k"], request["n"]
        a, b = torch.randn(m, k, dtype=dtype), torch.randn(k, n, dtype=dtype)
        return {"ms": [median_ms(lambda: a @ b, repeats)]}
    if request["probe"] == "conv":
        n, h, w, c = request["shape"]
        layout = torch.channels_last if mode in ("channels_last", "bf16") else torch.contiguous_format
        x = torch.randn(n, c, h, w, dtype=dtype).contiguous(memory_format=layout)
        kernel = torch.randn(request["filters"], c, request["kernel"], request["kernel"], dtype=dtype).contiguous(memory_format=layout)
        return {"ms": [median_ms(lambda: F.conv2d(x, kernel, padding="same"), repeats)]}
    if request["probe"] == "copy":
        source, target = torch.ones(64 << 20, dtype=torch.float32), torch.empty(64 << 20, dtype=torch.float32)
        ms = median_ms(lambda: target.copy_(source), repeats)
        return {"ms": [ms], "gigabytesPerSecond": 2 * source.nbytes / ms / 1e6}
    raise ValueError(f"unknown probe {request['probe']}")


def handle(request):
    if "probe" in request:
        return probe(request)
    if "predict" in request:
        return predict(request["model"], request["predict"], request["steps"])
    return train(request["model"], request["steps"])


serve(f"torch {mode}", {"torch": torch.__version__, "python": sys.version.split()[0]}, import_ms, handle)
