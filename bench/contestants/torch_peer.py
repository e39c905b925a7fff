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
from torch import nn  # noqa: E402

import_ms = (time.perf_counter() - start) * 1e3

import data  # noqa: E402
from protocol import serve  # noqa: E402

mode = sys.argv[1]
threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
torch.set_num_threads(threads)
torch.manual_seed(1)


class QuestionAnswering(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(10000, 64) for _ in range(2)])
        self.lstms = nn.ModuleList([nn.LSTM(64, 32, batch_first=True) for _ in range(2)])
        self.answer = nn.Linear(64, 500)

    def forward(self, text, question):
        encoded = [lstm(embed(x))[1][0][0] for embed, lstm, x in zip(self.embeddings, self.lstms, (text, question))]
        return self.answer(torch.cat(encoded, 1))


class Bottleneck(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.conv1(F.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(F.relu(self.norm2(y)))], 1)


def densenet(growth=12, layers=16):
    channels = 2 * growth
    stages = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
    for block in range(3):
        for _ in range(layers):
            stages.append(Bottleneck(channels, growth))
            channels += growth
        if block < 2:
            stages += [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*stages, nn.BatchNorm2d(channels), nn.ReLU(), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(channels, 10))


def build(name):
    if name == "tiny":
        network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
        return network, torch.optim.SGD(network.parameters(), 0.01)
    if name == "mlp":
        hidden = lambda i: [nn.Linear(i, 512), nn.ReLU(), nn.Dropout(0.2)]  # noqa: E731
        network = nn.Sequential(*hidden(784), *hidden(512), nn.Linear(512, 10))
        return network, torch.optim.Adam(network.parameters(), 1e-3, eps=1e-7)
    if name == "convnet":
        network = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10))
        return network, torch.optim.Adam(network.parameters(), 1e-3, eps=1e-7)
    if name == "lstmqa":
        network = QuestionAnswering()
        return network, torch.optim.RMSprop(network.parameters(), 1e-3, alpha=0.9, eps=1e-7)
    network = densenet()
    assert sum(p.numel() for p in network.parameters()) == 769_162
    return network, torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)


class Trainer:
    def __init__(self, name):
        self.network, self.optimizer = build(name)
        inputs, labels = data.make(name)
        self.inputs = [self.to_torch(x) for x in inputs]
        self.labels = [torch.from_numpy(y) if y.ndim == 2 else torch.from_numpy(y).long() for y in labels]
        if mode in ("channels_last", "bf16"):
            self.network = self.network.to(memory_format=torch.channels_last)
        self.forward = torch.compile(self.network) if mode == "compile" else self.network
        self.count = 0

    def to_torch(self, x):
        if isinstance(x, tuple):
            return tuple(torch.from_numpy(part).long() for part in x)
        x = torch.from_numpy(x)
        if x.ndim == 4:  # channels come second in torch, whatever the layout in memory
            x = x.permute(0, 3, 1, 2)
            x = x.contiguous(memory_format=torch.channels_last if mode in ("channels_last", "bf16") else torch.contiguous_format)
        return (x,)

    def step(self):
        i = self.count % len(self.inputs)
        self.count += 1
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=mode == "bf16"):
            loss = F.cross_entropy(self.forward(*self.inputs[i]), self.labels[i])
        loss.backward()
        self.optimizer.step()
        return loss


trainers = {}


def train(name, steps):
    trainer = trainers.get(name) or trainers.setdefault(name, Trainer(name))
    ms, loss = [], None
    for _ in range(steps):
        begin = time.perf_counter()
        loss = trainer.step()
        ms.append((time.perf_counter() - begin) * 1e3)
    return {"ms": ms, "loss": loss.item()}


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
    return probe(request) if "probe" in request else train(request["model"], request["steps"])


serve(f"torch {mode}", {"torch": torch.__version__, "python": sys.version.split()[0]}, import_ms, handle)
