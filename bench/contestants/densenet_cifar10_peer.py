"""examples/densenet-cifar10.ts with PyTorch: the same network, first weights, pictures, augmentation, optimizer and rates.

Usage: densenet_cifar10_peer.py FOLDER TRAIN TEST EPOCHS SEED; the last line is `result` with the numbers as JSON.
"""
import json
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch_models import densenet

folder, (train_count, test_count, epochs, seed) = Path(sys.argv[1]), map(int, sys.argv[2:])
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
torch.manual_seed(seed)
BATCH, STRIDE = 64, 1 + 3 * 32 * 32


def load(files, count):
    rows = np.concatenate([np.fromfile(file, np.uint8).reshape(-1, STRIDE) for file in files])[:count]
    return torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).copy()), torch.from_numpy(rows[:, 0].astype(np.int64))


def prepared(images):
    return (images.float() / 255).contiguous(memory_format=torch.channels_last)


def augmented(images):
    """RandomCrop(32, padding=4) and RandomHorizontalFlip of each picture."""
    padded = F.pad(images, (4, 4, 4, 4))
    top, left = torch.randint(0, 9, (2, len(images))).tolist()
    crops = torch.stack([each[:, i:i + 32, j:j + 32] for each, i, j in zip(padded, top, left)])
    return prepared(torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, crops.flip(3), crops))


train, test = load(sorted(folder.glob("data_batch_*.bin")), train_count), load([folder / "test_batch.bin"], test_count)
network, optimizer, loss_of = densenet()
for module in network.modules():
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0, math.sqrt(2 / (module.kernel_size[0] * module.kernel_size[1] * module.out_channels)))
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
network = network.to(memory_format=torch.channels_last)

losses, accuracies, start = [], [], time.perf_counter()
for epoch in range(epochs):
    optimizer.param_groups[0]["lr"] = 0.1 if epoch < epochs / 2 else 0.01
    network.train()
    order = torch.randperm(len(train[0]))
    for at in range(0, len(order) - BATCH + 1, BATCH):
        chosen = order[at:at + BATCH]
        optimizer.zero_grad()
        loss = loss_of(network(augmented(train[0][chosen])), train[1][chosen])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if len(losses) % 20 == 0:
            print(f"step {len(losses)}: loss {losses[-1]:.4f}, {time.perf_counter() - start:.0f} s", flush=True)
    network.eval()
    with torch.no_grad():
        right = sum((network(prepared(x)).argmax(1) == y).sum().item() for x, y in zip(test[0].split(100), test[1].split(100)))
    accuracies.append(right / len(test[0]))
    print(f"epoch {epoch + 1}: test accuracy {accuracies[-1]:.4f}", flush=True)

print("result", json.dumps({"losses": losses, "accuracies": accuracies, "seconds": time.perf_counter() - start}))
