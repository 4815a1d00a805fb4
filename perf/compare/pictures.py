#!/usr/bin/env python3
"""Pictures a second from a folder of JPEG files: hone's loader against PyTorch's DataLoader with Pillow, in
turn, on this machine.

    perf/compare/pictures.py [--hone build/perf/pictures] [--python PYTHON] [--data DIR] [--n 10000]
                             [--workers 1,2] [--rounds 3]

PYTHON is an interpreter that has torch and Pillow (default: this one). Without --data it writes N JPEG files of
500 x 375 (quality 90, 4:2:0), the size of ImageNet's most frequent ones, in 10 classes: 200 pictures, each under 50 names. Both decode,
cut a random part, resize it to 224 x 224, flip and normalize it. Each round runs each contender once, in a process
of its own; the median counts.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

TORCH = """
import glob, math, os, random, sys, time
import numpy as np, torch
from PIL import Image
torch.set_num_threads(1)

class Folder(torch.utils.data.Dataset): # torchvision's ImageFolder, RandomResizedCrop, flip, ToTensor, Normalize
    mean = torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)

    def __init__(self, directory):
        self.classes = sorted(os.listdir(directory))
        self.files = [(f, k) for k, c in enumerate(self.classes) for f in sorted(glob.glob(f"{directory}/{c}/*"))]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        path, label = self.files[i]
        with open(path, "rb") as file:
            image = Image.open(file).convert("RGB")
        width, height = image.size
        area, aspect = width * height * random.uniform(0.08, 1), math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w = min(width, round(math.sqrt(area * aspect)))
        h = min(height, round(math.sqrt(area / aspect)))
        x, y = random.randint(0, width - w), random.randint(0, height - h)
        image = image.crop((x, y, x + w, y + h)).resize((224, 224), Image.BILINEAR)
        if random.random() < 0.5:
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        return pixels.sub_(self.mean).div_(self.std), label

loader = torch.utils.data.DataLoader(Folder(sys.argv[1]), 64, shuffle=True, num_workers=int(sys.argv[2]))
begin = time.perf_counter()
n = sum(len(y) for x, y in loader)
print(n / (time.perf_counter() - begin))
"""
LIST = "resized_crop:224+flip+normalize:0.485/0.456/0.406,0.229/0.224/0.225"


def write_pictures(directory, n):
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:375, 0:500]
    for i in range(n):
        folder = os.path.join(directory, f"class{i % 10}")
        path = os.path.join(folder, f"{i:05d}.jpg")
        os.makedirs(folder, exist_ok=True)
        if i >= 200:
            os.link(os.path.join(folder, f"{i % 200:05d}.jpg"), path)
            continue
        planes = [128 + 60 * np.sin(x / rng.uniform(5, 60) + i) + 50 * np.cos(y / rng.uniform(5, 60)) +
                  rng.normal(0, 8, x.shape) for _ in range(3)]
        Image.fromarray(np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)).save(path, quality=90)


def hone(options, directory, workers):
    out = subprocess.run([options.hone, directory, LIST, str(workers)], capture_output=True, text=True, check=True).stdout
    return float(out.split(" a second")[0].split()[-1])


def torch(options, directory, workers):
    out = subprocess.run([options.python, "-c", TORCH, directory, str(workers)], capture_output=True, text=True, check=True)
    return float(out.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hone", default="build/perf/pictures")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--data")
    parser.add_argument("--n", type=int, default=10000)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if not options.data:
            write_pictures(place, options.n)
        directory = options.data or place
        workers = [int(w) for w in options.workers.split(",")]
        speed = {(who, w): [] for who in ("hone", "torch") for w in workers}
        for _ in range(options.rounds):
            for w in workers:
                speed["hone", w].append(hone(options, directory, w))
                speed["torch", w].append(torch(options, directory, w))
    middle = {k: statistics.median(v) for k, v in speed.items()}
    print("workers  hone   torch  hone/torch   (pictures a second)")
    for w in workers:
        a, b = middle["hone", w], middle["torch", w]
        print(f"{w:7d} {a:6.0f} {b:6.0f} {a / b:10.2f}")
    if len(workers) > 1:
        first, last = workers[0], workers[-1]
        print(f"{last} workers are {middle['hone', last] / middle['hone', first]:.2f} times as fast as {first}: hone; "
              f"{middle['torch', last] / middle['torch', first]:.2f}: torch")


if __name__ == "__main__":
    main()
