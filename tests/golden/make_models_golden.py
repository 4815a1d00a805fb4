"""Makes, beside it, models.txt: the names and shapes of the named networks' states as torchvision
and Hugging Face have them; and pytorch_models.safetensors: small ones of them as PyTorch begins
them, a batch, the losses of 5 steps of SGD, and their outputs afterwards in evaluation. The modules
are written here as torchvision and transformers name them, so neither is needed. Deterministic;
torch 2.13 and safetensors 0.8.0 made what is committed.

    python make_models_golden.py
"""
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

place = pathlib.Path(__file__).parent


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                            nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, classes=1000, width=64):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        last = width
        for i in range(4):
            wide = width << i
            setattr(self, f"layer{i + 1}", nn.Sequential(BasicBlock(last, wide, 1 + (i > 0)),
                                                         BasicBlock(wide, wide)))
            last = wide
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(last, classes)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


class VGG(nn.Module):
    def __init__(self):
        super().__init__()
        layers, inputs = [], 3
        for wide in [64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0]:
            layers += [nn.Conv2d(inputs, wide, 3, padding=1), nn.ReLU()] if wide else [nn.MaxPool2d(2)]
            inputs = wide or inputs
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(),
                                        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
                                        nn.Linear(4096, 1000))


class Conv1D(nn.Module):
    def __init__(self, outputs, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * 0.2)
        self.bias = nn.Parameter(torch.randn(outputs) * 0.2)

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.c_attn = Conv1D(3 * width, width)
        self.c_proj = Conv1D(width, width)

    def forward(self, x):
        n, t, width = x.shape
        q, k, v = (part.view(n, t, self.heads, -1).transpose(1, 2)
                   for part in self.c_attn(x).split(width, 2))
        scores = q @ k.transpose(2, 3) / (width // self.heads) ** 0.5
        scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), -torch.inf)
        return self.c_proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, width))


class MLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_fc = Conv1D(4 * width, width)
        self.c_proj = Conv1D(width, 4 * width)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = MLP(width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT2LMHeadModel(nn.Module):
    def __init__(self, vocab=50257, context=1024, layers=12, heads=12, width=768):
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(vocab, width), "wpe": nn.Embedding(context, width),
            "h": nn.ModuleList(Block(width, heads) for _ in range(layers)),
            "ln_f": nn.LayerNorm(width)})
        self.lm_head = nn.Linear(width, vocab, bias=False)
        self.lm_head.weight = self.transformer["wte"].weight

    def forward(self, tokens):
        x = self.transformer["wte"](tokens) + self.transformer["wpe"](torch.arange(tokens.shape[1]))
        for block in self.transformer["h"]:
            x = block(x)
        return self.lm_head(self.transformer["ln_f"](x))


class LSTMModel(nn.Module):
    def __init__(self, vocab, width, hidden, layers):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.lstm = nn.ModuleList(nn.LSTM(hidden if i else width, hidden, batch_first=True)
                                  for i in range(layers))
        self.linear = nn.Linear(hidden, vocab)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for layer in self.lstm:
            x = layer(x)[0]
        return self.linear(x)


def write_names():
    with open(place / "models.txt", "w") as file, torch.device("meta"):
        for name, net in [("resnet18", ResNet()), ("vgg11", VGG()), ("gpt", GPT2LMHeadModel())]:
            numbers = sum(p.numel() for p in net.parameters())
            print(f"model {name} {numbers}", file=file)
            for key, t in net.state_dict().items():
                print(key, *t.shape, file=file)


def train(out, name, net, x, y):
    def scores():
        return net(x).flatten(0, -2)

    out |= {f"{name}.begin.{k}": v.clone() for k, v in net.state_dict().items()}
    optim = torch.optim.SGD(net.parameters(), lr=0.05)
    losses = []
    for _ in range(5):
        optim.zero_grad()
        loss = F.cross_entropy(scores(), y)
        loss.backward()
        optim.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        out |= {f"{name}.x": x, f"{name}.y": y, f"{name}.losses": torch.tensor(losses),
                f"{name}.evaluated": scores()}
    print(name, losses)


write_names()
torch.manual_seed(12)
out = {}
train(out, "resnet18", ResNet(5, 2), torch.randn(4, 3, 48, 48), torch.tensor([0, 1, 4, 2]))
train(out, "gpt", GPT2LMHeadModel(11, 6, 2, 2, 8), torch.randint(0, 11, (3, 5)),
      torch.randint(0, 11, (15,)))
train(out, "lstm", LSTMModel(7, 3, 5, 2), torch.randint(0, 7, (3, 5)), torch.randint(0, 7, (15,)))
save_file(out, place / "pytorch_models.safetensors")
