"""The benchmark models in PyTorch: name to (network, optimizer, loss of outputs and labels)."""
import torch
import torch.nn.functional as F
from torch import nn


def sgd(network, rate, **options):
    return torch.optim.SGD(network.parameters(), rate, **options)


def adam(network):
    return torch.optim.Adam(network.parameters(), 1e-3, eps=1e-7)


def rmsprop(network):
    return torch.optim.RMSprop(network.parameters(), 1e-3, alpha=0.9, eps=1e-7)


def tiny():
    network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    return network, sgd(network, 0.01), F.cross_entropy


def mlp():
    def hidden(width):
        return [nn.Linear(width, 512), nn.ReLU(), nn.Dropout(0.2)]

    network = nn.Sequential(*hidden(784), *hidden(512), nn.Linear(512, 10))
    return network, adam(network), F.cross_entropy


def convnet():
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10))
    return network, adam(network), F.cross_entropy


class QuestionAnswering(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(10000, 64) for _ in range(2)])
        self.lstms = nn.ModuleList([nn.LSTM(64, 32, batch_first=True) for _ in range(2)])
        self.answer = nn.Linear(64, 500)

    def forward(self, text, question):
        encoded = [lstm(embed(x))[1][0][0] for embed, lstm, x in zip(self.embeddings, self.lstms, (text, question))]
        return self.answer(torch.cat(encoded, 1))


def lstmqa():
    network = QuestionAnswering()
    return network, rmsprop(network), F.cross_entropy


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
    network = nn.Sequential(*stages, nn.BatchNorm2d(channels), nn.ReLU(), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(channels, 10))
    return network, sgd(network, 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4), F.cross_entropy


def sepconv():
    channels, stages = 3, []
    for filters, pooled in ((32, False), (64, True), (64, False), (128, True), (64, False), (128, False)):
        stages += [nn.Conv2d(channels, channels, 3, groups=channels, bias=False), nn.Conv2d(channels, filters, 1), nn.ReLU()]
        if pooled:
            stages.append(nn.MaxPool2d(2))
        channels = filters
    network = nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 10))
    return network, rmsprop(network), F.cross_entropy


def conv_norm(channels, filters, kernel, strides=1):
    padding = tuple(side // 2 for side in kernel) if isinstance(kernel, tuple) else kernel // 2
    return nn.Sequential(nn.Conv2d(channels, filters, kernel, strides, padding, bias=False), nn.BatchNorm2d(filters))


class SqueezeBlock(nn.Module):
    def __init__(self, channels, filters, strides):
        super().__init__()
        self.body = nn.Sequential(
            conv_norm(channels, filters, (1, 3), strides), nn.ReLU(), conv_norm(filters, filters, (3, 1)), nn.ReLU(),
            conv_norm(filters, filters, (1, 3)), nn.ReLU(), conv_norm(filters, filters, (3, 1)))
        self.squeeze = nn.Sequential(nn.Linear(filters, filters // 4), nn.ReLU(), nn.Linear(filters // 4, filters), nn.Sigmoid())
        self.skip = conv_norm(channels, filters, 1, strides) if strides != 1 else nn.Identity()

    def forward(self, x):
        y = self.body(x)
        y = y * self.squeeze(y.mean((2, 3)))[:, :, None, None]
        return F.relu(self.skip(x) + y)


def bhc():
    channels, stages = 16, [conv_norm(3, 16, 3), nn.ReLU()]
    for filters, first in ((16, 1), (32, 2), (64, 2)):
        for strides in (first, 1, 1):
            stages.append(SqueezeBlock(channels, filters, strides))
            channels = filters
    network = nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 2))
    return network, sgd(network, 0.01, momentum=0.9, weight_decay=1e-4), F.cross_entropy


class AuthorProfile(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50000, 256)
        channels, stages = 256, []
        for filters, pooled in ((128, True), (256, False), (256, True), (256, False), (256, False)):
            stages += [nn.Conv1d(channels, filters, 5), nn.ReLU(), *([nn.MaxPool1d(5)] if pooled else [])]
            channels = filters
        self.tower = nn.Sequential(*stages, nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(256, 128), nn.ReLU())
        self.age, self.income, self.gender = nn.Linear(128, 1), nn.Linear(128, 10), nn.Linear(128, 1)

    def forward(self, posts):
        x = self.tower(self.embedding(posts).transpose(1, 2))
        return self.age(x), self.income(x), self.gender(x)


def profile_loss(outputs, labels):
    (age, income, gender), (years, band, sex) = outputs, labels
    return 0.25 * F.mse_loss(age, years) + F.cross_entropy(income, band) + 10 * F.binary_cross_entropy_with_logits(gender, sex)


def conv1d():
    network = AuthorProfile()
    return network, rmsprop(network), profile_loss


class ResidualBlock(nn.Module):
    def __init__(self, channels, filters, strides, first):
        super().__init__()
        self.body = nn.Sequential(
            conv_norm(channels, filters, 1, strides), nn.ReLU(), conv_norm(filters, filters, 3), nn.ReLU(),
            conv_norm(filters, 4 * filters, 1))
        self.skip = conv_norm(channels, 4 * filters, 1, strides) if first else nn.Identity()

    def forward(self, x):
        return F.relu(self.skip(x) + self.body(x))


def resnet50():
    channels, stages = 64, [conv_norm(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    for filters, blocks, strides in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            stages.append(ResidualBlock(channels, filters, strides if i == 0 else 1, i == 0))
            channels = 4 * filters
    network = nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))
    return network, sgd(network, 0.1, momentum=0.9), F.cross_entropy


BUILDERS = {
    "tiny": tiny, "mlp": mlp, "convnet": convnet, "lstmqa": lstmqa, "densenet": densenet, "sepconv": sepconv,
    "bhc": bhc, "bhc_first": bhc, "conv1d": conv1d, "resnet50": resnet50,
}
