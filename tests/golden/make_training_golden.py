#!/usr/bin/env python3
"""Writes synthetic.txt and mnist.txt: PyTorch's first 100 losses of the 784-100-10 network.

    python3 make_training_golden.py [MNIST_DIR]      (needs torch and numpy; without MNIST_DIR only synthetic.txt)

Batches of 100 in order, cross entropy, SGD with lr 0.5. Weights and synthetic images come from a counter-based hash,
the same in test_golden_training.c, so that neither has to be stored:

    hash(stream, i) = the SplitMix64 finaliser of (stream << 32 | i) * 0x9E3779B97F4A7C15, modulo 2^64
    weight          = ((hash >> 40) / 2^24 - 0.5) * scale, in doubles, rounded to f32; biases are 0
"""
import gzip
import os
import sys

import numpy as np
import torch

STEPS, BATCH, PIXELS, HIDDEN, CLASSES = 100, 100, 784, 100, 10
WEIGHT1, WEIGHT2, PROTOTYPE, PIXEL, LABEL = range(1, 6)  # streams


def hashed(stream, n):
    with np.errstate(over="ignore"):
        z = (np.uint64(stream) << np.uint64(32)) + np.arange(n, dtype=np.uint64)
        z *= np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def weight(stream, rows, columns, scale):
    uniform = (hashed(stream, rows * columns) >> np.uint64(40)).astype(np.float64) / 2.0**24
    w = ((uniform - 0.5) * scale).astype(np.float32).reshape(rows, columns)
    return torch.from_numpy(w).requires_grad_()


def synthetic():
    """Ten random patterns of about 16 % white pixels, each seen through noise; a fifth of the labels is random."""
    n = STEPS * BATCH
    label = hashed(LABEL, n)
    pattern = (label % np.uint64(CLASSES)).astype(np.int64)
    known = (label >> np.uint64(32)) % np.uint64(5) != 0
    other = ((label >> np.uint64(40)) % np.uint64(CLASSES)).astype(np.int64)
    prototypes = (hashed(PROTOTYPE, CLASSES * PIXELS) >> np.uint64(56)).reshape(CLASSES, PIXELS) < 40
    h = hashed(PIXEL, n * PIXELS).reshape(n, PIXELS)
    white = prototypes[pattern] ^ ((h >> np.uint64(56)) < 64)
    images = np.where(white, (h >> np.uint64(48)) & np.uint64(255), np.uint64(0)).astype(np.uint8)
    return images, np.where(known, pattern, other)


def mnist(directory):
    def read(name, skip):
        path = os.path.join(directory, name)
        opener = gzip.open if os.path.exists(path + ".gz") else open
        with opener(path + ".gz" if opener is gzip.open else path, "rb") as f:
            return np.frombuffer(f.read(), np.uint8)[skip:]

    n = STEPS * BATCH
    images = read("train-images-idx3-ubyte", 16).reshape(-1, PIXELS)[:n]
    return images, read("train-labels-idx1-ubyte", 8)[:n].astype(np.int64)


def losses(images, labels):
    X, Y = torch.from_numpy(images.astype(np.float32)) / 255, torch.from_numpy(labels)
    W1, W2 = weight(WEIGHT1, PIXELS, HIDDEN, 0.1875), weight(WEIGHT2, HIDDEN, CLASSES, 0.375)
    b1, b2 = torch.zeros(HIDDEN, requires_grad=True), torch.zeros(CLASSES, requires_grad=True)
    optimizer = torch.optim.SGD([W1, b1, W2, b2], lr=0.5)
    result = []
    for x, y in zip(X.split(BATCH), Y.split(BATCH)):
        loss = torch.nn.functional.cross_entropy(torch.relu(x @ W1 + b1) @ W2 + b2, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


def write(name, data):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    with open(path, "w") as f:
        f.write(f"# losses before steps 1 to {STEPS}, PyTorch {torch.__version__.split('+')[0]};"
                " see make_training_golden.py\n")
        f.writelines(f"{loss:.9g}\n" for loss in losses(*data))
    print("wrote", path)


if __name__ == "__main__":
    torch.set_num_threads(1)
    write("synthetic.txt", synthetic())
    if len(sys.argv) > 1:
        write("mnist.txt", mnist(sys.argv[1]))
