#!/usr/bin/env python3
"""Writes autocast_losses.txt: PyTorch's losses over 20 steps of four small networks under its autocast of bf16.

    python3 make_autocast_golden.py      (needs torch and numpy)

Weights and data come from make_training_golden.py's counter-based hash, the same in test_golden_autocast.c, so that neither has to be
stored: element i of hone's parameter number p (in its order and layout) is ((hash(p + 1, i) >> 40) / 2^24 - 0.5) * scale; of those with
one dim biases are 0 and norms' weights 1.
"""
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from make_training_golden import hashed

STEPS, DATA = 20, 1000  # DATA: the first stream of data


def real(stream, shape, scale):
    uniform = (hashed(stream, math.prod(shape)) >> np.uint64(40)).astype(np.float64) / 2.0**24
    return torch.from_numpy(((uniform - 0.5) * scale).astype(np.float32).reshape(shape))


def parameters(shapes, scale):
    made = []
    for i, shape in enumerate(shapes):
        if isinstance(shape, tuple):
            made.append(real(i + 1, shape, scale))
        else:  # biases are negative
            made.append(torch.zeros(-shape) if shape < 0 else torch.ones(shape))
    return [p.requires_grad_() for p in made]


def pictures(step, shape):
    """Ten patterns seen through noise."""
    label = torch.from_numpy((hashed(DATA + step, shape[0]) % np.uint64(10)).astype(np.int64))
    patterns = real(DATA - 1, (10, *shape[1:]), 4)
    return patterns[label] + real(DATA + 100 + step, shape, 2), label


def tokens(step, n, t, vocab):
    """Each is three times the one before it and something; a fifth are random."""
    h = hashed(DATA + step, n * (t + 1)).reshape(n, t + 1)
    all_ = np.zeros((n, t + 1), np.int64)
    for i in range(t + 1):
        noise = (h[:, i] >> np.uint64(32)) % np.uint64(5) == 0
        follows = (3 * all_[:, i - 1] + 1) % vocab if i else all_[:, 0]
        all_[:, i] = np.where(noise | (i == 0), (h[:, i] % np.uint64(vocab)).astype(np.int64), follows)
    return torch.from_numpy(all_[:, :-1].copy()), torch.from_numpy(all_[:, 1:].reshape(-1).copy())


# ---- the networks of hone's model files, on its layouts: weights of linear layers are [in, out]


def lenet(p, x):
    x = F.max_pool2d(F.relu(F.conv2d(x, p[0], p[1], padding=2)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, p[2], p[3])), 2).flatten(1)
    x = F.relu(F.linear(x, p[4].t(), p[5]))
    return F.linear(F.relu(F.linear(x, p[6].t(), p[7])), p[8].t(), p[9])


LENET = [(6, 1, 5, 5), -6, (16, 6, 5, 5), -16, (400, 120), -120, (120, 84), -84, (84, 10), -10]


def resnet(p, x):
    p = iter(p)

    def conv_norm(x, stride, padding):
        w, g, b = next(p), next(p), next(p)
        return F.batch_norm(F.conv2d(x, w, stride=stride, padding=padding), None, None, g, b, training=True)
    x = F.relu(conv_norm(x, 1, 1))
    for layer in range(4):
        for block in range(2):
            stride = 2 if layer and not block else 1
            y = conv_norm(F.relu(conv_norm(x, stride, 1)), 1, 1)
            x = F.relu(y + (conv_norm(x, stride, 0) if stride > 1 else x))
    return F.linear(x.mean((2, 3)), next(p).t(), next(p))


def resnet_shapes(width):
    shapes = [(width, 3, 3, 3), width, -width]
    for layer in range(4):
        for block in range(2):
            out = width << layer
            into = out // 2 if layer and not block else out
            shapes += [(out, into, 3, 3), out, -out, (out, out, 3, 3), out, -out]
            if layer and not block:
                shapes += [(out, into, 1, 1), out, -out]
    return shapes + [(width * 8, 10), -10]


def gpt(p, t):
    p, (n, length) = iter(p), t.shape
    wte, wpe = next(p), next(p)
    width, heads = wte.shape[1], 2
    x = F.embedding(t, wte) + F.embedding(torch.arange(length), wpe)
    for _ in range(2):
        y = F.layer_norm(x, (width,), next(p), next(p))
        q, k, v = (z.view(n, length, heads, -1).transpose(1, 2) for z in F.linear(y, next(p).t(), next(p)).split(width, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(n, length, width)
        x = x + F.linear(y, next(p).t(), next(p))
        y = F.layer_norm(x, (width,), next(p), next(p))
        y = F.gelu(F.linear(y, next(p).t(), next(p)), approximate="tanh")
        x = x + F.linear(y, next(p).t(), next(p))
    return F.linear(F.layer_norm(x, (width,), next(p), next(p)), wte).flatten(0, 1)


def gpt_shapes(vocab, context, width):
    shapes = [(vocab, width), (context, width)]
    for _ in range(2):
        shapes += [width, -width, (width, 3 * width), -3 * width, (width, width), -width, width, -width,
                   (width, 4 * width), -4 * width, (4 * width, width), -width]
    return shapes + [width, -width]


def lstm(p, t):
    x = F.embedding(t, p[0])
    for layer in range(2):
        w = p[1 + 4 * layer:5 + 4 * layer]
        zero = torch.zeros(1, t.shape[0], w[1].shape[1])
        x = torch.lstm(x, (zero, zero), w, True, 1, 0.0, True, False, True)[0]
    return F.linear(x, p[9].t(), p[10]).flatten(0, 1)


LSTM = [(32, 16), (96, 16), (96, 24), -96, -96, (96, 24), (96, 24), -96, -96, (24, 32), -32]

NETS = [
    ("lenet", lenet, LENET, 0.25, lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9), lambda i: pictures(i, (16, 1, 28, 28))),
    ("resnet18:num_classes=10,small=True,width=8", resnet, resnet_shapes(8), 0.25, lambda p: torch.optim.SGD(p, lr=0.004),
     lambda i: pictures(i, (16, 3, 32, 32))),
    ("gpt:layers=2,heads=2,width=32,vocab=64,context=16,dropout=0", gpt, gpt_shapes(64, 16, 32), 0.3,
     lambda p: torch.optim.AdamW(p, lr=0.005, weight_decay=0.01), lambda i: tokens(i, 8, 16, 64)),
    ("lstm:vocab=32,width=16,hidden=24,layers=2", lstm, LSTM, 1, lambda p: torch.optim.Adam(p, lr=0.02), lambda i: tokens(i, 8, 12, 32)),
]


def losses(forward, shapes, scale, optimizer, data, enabled=True):
    p = parameters(shapes, scale)
    optimizer, result = optimizer(p), []
    for i in range(STEPS):
        x, y = data(i)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            loss = F.cross_entropy(forward(p, x), y)
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "autocast_losses.txt")
    with open(path, "w") as f:
        f.write(f"# model, scale of weights, losses before steps 1 to {STEPS}, PyTorch {torch.__version__.split('+')[0]}; "
                "see make_autocast_golden.py\n")
        for model, forward, shapes, scale, optimizer, data in NETS:
            got, single = losses(forward, shapes, scale, optimizer, data), losses(forward, shapes, scale, optimizer, data, False)
            f.write(f"{model} {scale} " + " ".join(f"{x:.7g}" for x in got) + "\n")
            print(f"{model}: {got[0]:.4f} to {got[-1]:.4f}; from its f32 at most",
                  f"{max(abs(a - b) / b for a, b in zip(got, single)):.2%}")
