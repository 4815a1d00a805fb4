#!/usr/bin/env python3
"""Whole training steps of the networks people train: hone and its peers in turn, on this machine.

    perf/compare/train_nets.py [--nets build/perf/nets] [--hone build/hone] [--only lenet,resnet32,..] [--threads 2]
                               [--rounds 5] [--modes eager,channels_last,compile] [--seconds 1] [--no-jax] [--cpu]
                               [--dtype bf16 [--order tiles]] [--calm]

A contender is a process that stays: in each round each of them runs steps for about --seconds, one after the other. Peers: PyTorch
eager, with channels-last images (where there are images), and with the whole step (forward, backward, optimizer) in one
torch.compile, its optimizers fused; JAX, the step compiled as a whole, for mlp and lstm. Ratios are of medians over all
steps (of minima in brackets), to the best mode. A limit is the step's multiply-adds (of linear layers, convolutions and
attention, by the direct count; a first layer has no gradient by its input) at the peak rate of the register tile
measured by `hone bench` in this run, times the threads. Memory is the maximum of RssAnon while a round runs. --cpu: with
--threads 1 the time that a process computed instead of what passed, for machines that others compute on, too.
--dtype bf16: under autocast, hone and PyTorch alike (no JAX); one contender more is hone's own f32, "of hone's f32" its median over
hone's; the limit is that of bf16's register tile. --order tiles: hone sums products of bf16 in that order, AMX's.
Before and after each round `hone info` is asked what a line costs that another core has read, too (on virtual machines the cores
lie near for minutes, far for others); a note on standard error tells the range seen, after each row. --calm: a round is thrown away, for all
contenders alike, and run again if that was above 12 ns before or after it, as long as 3 times --rounds are enough for those still
to run; then rounds count as they are, which the note tells.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

# images or tokens, classes, optimizer, as in perf/train/nets.c
NETS = {
    "lenet": ((128, 1, 28, 28), 10, "sgd"),
    "resnet32": ((32, 3, 32, 32), 10, "momentum"),
    "resnet224": ((8, 3, 224, 224), 1000, "momentum"),
    "mobilenet": ((32, 3, 64, 64), 10, "momentum"),
    "mlp": ((256, 784), 10, "adam"),
    "gpt2": ((4, 64), 50257, "adamw"),
    "gpt2-512": ((2, 512), 50257, "adamw"),
    "gpt2-1024": ((2, 1024), 50257, "adamw"),
    "gpt-small": ((16, 128), 256, "adamw"),
    "lstm": ((32, 64), 96, "adam"),
}
IMAGES = ("lenet", "resnet32", "resnet224", "mobilenet")


# ---- PyTorch


def torch_model(name):
    import torch
    import torch.nn as nn
    import torch.nn.functional as F

    class BasicBlock(nn.Module):
        def __init__(self, a, b, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
            self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
            self.down = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)) if stride > 1 else None

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
            return F.relu(y + (self.down(x) if self.down else x), inplace=True)

    class GPTBlock(nn.Module):
        def __init__(self, width, heads):
            super().__init__()
            self.heads = heads
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x):
            n, t, width = x.shape
            q, k, v = self.qkv(self.ln1(x)).split(width, 2)
            q, k, v = (z.view(n, t, self.heads, width // self.heads).transpose(1, 2) for z in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(n, t, width)
            x = x + self.proj(y)
            return x + self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh"))

    class GPT(nn.Module):
        def __init__(self, words, context, layers, heads, width):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(words, width), nn.Embedding(context, width)
            self.blocks, self.ln = nn.ModuleList(GPTBlock(width, heads) for _ in range(layers)), nn.LayerNorm(width)
            nn.init.normal_(self.wte.weight, std=0.02)

        def forward(self, tokens):
            x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
            for block in self.blocks:
                x = block(x)
            return F.linear(self.ln(x), self.wte.weight).flatten(0, 1)

    class LSTM(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.lstm, self.out = nn.Embedding(96, 256), nn.LSTM(256, 256, 2, batch_first=True), nn.Linear(256, 96)

        def forward(self, tokens):
            return self.out(self.lstm(self.embed(tokens))[0]).flatten(0, 1)

    def resnet(classes, small):
        stem = [nn.Conv2d(3, 64, 3, 1, 1, bias=False)] if small else [nn.Conv2d(3, 64, 7, 2, 3, bias=False)]
        stem += [nn.BatchNorm2d(64), nn.ReLU(inplace=True)] + ([] if small else [nn.MaxPool2d(3, 2, 1)])
        blocks = [BasicBlock(a, b, s) for a, b, s in ((64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2),
                                                       (256, 256, 1), (256, 512, 2), (512, 512, 1))]
        return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))

    def depthwise(a, b, stride):
        return [nn.Conv2d(a, a, 3, stride, 1, groups=a, bias=False), nn.BatchNorm2d(a), nn.ReLU(inplace=True),
                nn.Conv2d(a, b, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]

    if name == "lenet":
        return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                             nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10))
    if name == "resnet32":
        return resnet(10, True)
    if name == "resnet224":
        return resnet(1000, False)
    if name == "mobilenet":
        layers = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)]
        for a, b, s in ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)):
            layers += depthwise(a, b, s)
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10))
    if name == "lstm":
        return LSTM()
    return GPT(256, 128, 6, 6, 384) if name == "gpt-small" else GPT(50257, 1024, 12, 12, 768)


def torch_inputs(name):
    import torch

    shape, values, _ = NETS[name]
    if len(shape) == 4 or name == "mlp":
        return torch.randn(*shape), torch.randint(0, values, shape[:1])
    return torch.randint(0, values, shape), torch.randint(0, values, (shape[0] * shape[1],))


def torch_step(name, mode, dtype):
    import torch
    import torch.nn.functional as F

    torch.manual_seed(0)
    model, (x, y) = torch_model(name), torch_inputs(name)
    if mode == "channels_last":
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    kind, parameters = NETS[name][2], list(model.parameters())
    if kind in ("sgd", "momentum"):
        optimizer = torch.optim.SGD(parameters, lr=0.001, momentum=0 if kind == "sgd" else 0.9, fused=True)
    else:
        optimizer = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind](parameters, lr=1e-4, fused=True)

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bf16"):
            loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    run = torch.compile(step) if mode == "compile" else step
    return lambda: run(x, y).item()


def flops(name):
    """Multiply-adds of a step times two: of modules by hooks; attention's (full rows; causal: half) by hand."""
    import torch

    model, (x, y) = torch_model(name), torch_inputs(name)
    total, first = [0], [True]

    def hook(module, inputs, out):
        n = module.weight[0].numel() * out.numel() if not isinstance(module, torch.nn.LSTM) else \
            sum(p.numel() for p in module.parameters() if p.ndim == 2) * inputs[0].shape[0] * inputs[0].shape[1]
        images = first[0] and not isinstance(module, torch.nn.LSTM) and name in IMAGES + ("mlp",)
        total[0] += 2 * n * (2 if images else 3)
        first[0] = False
    for m in model.modules():
        if isinstance(m, (torch.nn.Linear, torch.nn.Conv2d, torch.nn.LSTM)):
            m.register_forward_hook(hook)
    out = model(x)
    if name.startswith("gpt"):
        n, t = NETS[name][0]
        layers, width = (6, 384) if name == "gpt-small" else (12, 768)
        total[0] += 3 * 2 * out.numel() * width  # the head, whose weight is the embedding's
        total[0] += 7 * layers * n * t * (t + 1) // 2 * width * 2  # two products forward, five backward
    return total[0]


# ---- JAX


def jax_step(name):
    import jax
    import jax.numpy as jnp
    import numpy as np

    random = np.random.default_rng(0)
    shape, values, _ = NETS[name]

    def weight(*dims):
        return jnp.asarray(random.standard_normal(dims, dtype=np.float32) / dims[0] ** 0.5)
    if name == "mlp":
        x, y = jnp.asarray(random.standard_normal(shape, dtype=np.float32)), jnp.asarray(random.integers(0, values, shape[0]))
        parameters = [(weight(a, b), jnp.zeros(b)) for a, b in ((784, 4096), (4096, 4096), (4096, 10))]

        def scores(p, x):
            for i, (w, b) in enumerate(p):
                x = x @ w + b
                x = jax.nn.relu(x) if i < 2 else x
            return x
    else:
        x, y = (jnp.asarray(random.integers(0, values, shape)) for _ in range(2))
        y = y.reshape(-1)
        parameters = {"embed": weight(96, 256), "out": weight(256, 96), "bias": jnp.zeros(96),
                      "layers": [(weight(256, 1024), weight(256, 1024), jnp.zeros(1024)) for _ in range(2)]}

        def scores(p, tokens):
            h = p["embed"][tokens].swapaxes(0, 1)
            for w, u, b in p["layers"]:
                gates = h @ w + b

                def cell(state, g):
                    i, f, o, c = jnp.split(g + state[0] @ u, 4, axis=1)
                    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(c)
                    return (jax.nn.sigmoid(o) * jnp.tanh(c), c), jax.nn.sigmoid(o) * jnp.tanh(c)
                zero = jnp.zeros((tokens.shape[0], 256))
                h = jax.lax.scan(cell, (zero, zero), gates)[1]
            return (h.swapaxes(0, 1) @ p["out"] + p["bias"]).reshape(-1, 96)

    def loss(p, x, y):
        s = jax.nn.log_softmax(scores(p, x))
        return -s[jnp.arange(len(y)), y].mean()

    def adam(p, m, v, t, x, y):
        value, g = jax.value_and_grad(loss)(p, x, y)
        each = jax.tree_util.tree_map
        m, v = each(lambda m, g: 0.9 * m + 0.1 * g, m, g), each(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        p = each(lambda p, m, v: p - 1e-4 * (m / (1 - 0.9 ** t)) / (jnp.sqrt(v / (1 - 0.999 ** t)) + 1e-8), p, m, v)
        return value, p, m, v
    compiled = jax.jit(adam, donate_argnums=(0, 1, 2))
    zeros = jax.tree_util.tree_map(jnp.zeros_like, parameters)
    state = [parameters, zeros, jax.tree_util.tree_map(jnp.zeros_like, parameters), 0.0]

    def step():
        state[3] += 1
        value, *state[:3] = compiled(*state, x, y)
        return float(value)
    return step


# ---- contenders


def serve(name, mode, threads, clock, dtype):
    """For each number on standard input so many steps, and a line of milliseconds."""
    if mode == "flops":
        print(flops(name))
        return
    if mode == "jax":
        step = jax_step(name)
    else:
        import torch

        torch.set_num_threads(threads)
        step = torch_step(name, mode, dtype)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            begin = clock()
            step()
            times.append((clock() - begin) * 1e3)
        print(" ".join(f"{t:.4f}" for t in times), flush=True)


class Contender:
    def __init__(self, command, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), TORCHINDUCTOR_FREEZING="0")
        if threads == 1:
            environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.times, self.peak, self.steps = [], 0, 1

    def run(self, steps):
        self.child.stdin.write(f"{steps}\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline().split()
        if not line:
            sys.exit(f"{self.child.args}: no answer")
        return [float(t) for t in line]

    def watch(self, stop):
        while not stop.is_set():
            with open(f"/proc/{self.child.pid}/status") as f:
                rss = [int(line.split()[1]) for line in f if line.startswith("RssAnon")]
            self.peak = max([self.peak] + rss)
            stop.wait(0.002)

    def measure_memory(self):
        stop = threading.Event()
        watcher = threading.Thread(target=self.watch, args=(stop,))
        watcher.start()
        self.run(max(1, min(self.steps, 3)))
        stop.set()
        watcher.join()

    def end(self):
        self.child.stdin.close()
        self.child.wait()


def peak_rate(args):
    """GFLOP/s of the register tile on one thread."""
    with tempfile.NamedTemporaryFile("r") as out:
        subprocess.run([args.hone, "bench", "gemm", "--only", "matmul", "--size", "256x256x256:NN", "--dtype", args.dtype, "--threads", "1",
                        "--seconds", "1", "--json", out.name], check=True, stdout=subprocess.DEVNULL)
        row = json.loads(out.readline())
    return row["gflops"] / row["percent_of_peak"] * 100


FAR = 12  # ns a line between cores costs; with --calm rounds above it are run again


def line_ns(args):
    """What a line costs that another core has read, too; 0 where there is one core."""
    told = subprocess.run([args.hone, "info"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return next((float(line.split()[1]) for line in told.splitlines() if line.startswith("lines ")), 0.0)


def run_rounds(args, contenders):
    """All rounds of a network; a note about the cores during them."""
    kept, dropped, cost = [], [], line_ns(args)
    while len(kept) < args.rounds:
        times = [c.run(c.steps) for c in contenders]
        before, cost = cost, line_ns(args)
        worst = max(before, cost)
        spare = 2 * args.rounds - len(dropped)
        if args.calm and worst > FAR and spare > 0:
            dropped.append(worst)
            continue
        kept.append((min(before, cost), worst))
        for c, t in zip(contenders, times):
            c.times += t
    far = sum(worst > FAR for _, worst in kept)
    return (f"a line between cores took {min(low for low, _ in kept):.1f} to {max(worst for _, worst in kept):.1f} ns, "
            f"above {FAR} in {far} of {args.rounds} rounds" +
            (f"; {len(dropped)} rounds run again ({min(dropped):.1f} to {max(dropped):.1f} ns)" if dropped else ""))


def compare(args, name):
    python = [sys.executable, os.path.abspath(__file__), "--serve"]
    cpu, bf16 = ["--cpu"] * args.cpu, args.dtype == "bf16"
    mine = [args.nets, name, "--threads", str(args.threads)] + cpu
    contenders = {"hone": Contender(mine + ["--dtype", args.dtype], args.threads)}
    if bf16:
        contenders["hone f32"] = Contender(mine, args.threads)
    for mode in args.modes.split(","):
        if mode and (mode != "channels_last" or name in IMAGES):
            contenders[mode] = Contender(python + [name, mode, str(args.threads), args.dtype] + cpu, args.threads)
    if name in ("mlp", "lstm") and not args.no_jax and not bf16:
        contenders["jax"] = Contender(python + [name, "jax", str(args.threads)] + ["--cpu"] * args.cpu, args.threads)
    for c in contenders.values():
        c.run(2)
        c.steps = max(1, int(args.seconds * 1e3 / min(c.run(2))))
    note = run_rounds(args, contenders.values())
    for c in contenders.values():
        c.measure_memory()
        c.end()
    work = int(subprocess.run(python + [name, "flops", "1"], check=True, stdout=subprocess.PIPE, text=True).stdout)
    limit = work / (args.peak * 1e9 * args.threads) * 1e3
    mine, single = contenders.pop("hone"), contenders.pop("hone f32", None)
    best, low = (min(reduce(c.times) for c in contenders.values()) for reduce in (statistics.median, min))
    median = statistics.median(mine.times)
    memory = min(c.peak for m, c in contenders.items() if m != "jax")
    own = f" {statistics.median(single.times) / median:.2f} | {mine.peak / single.peak:.2f} |" if single else ""
    print(f"| {name} | {args.threads} | {median:.2f} | {min(mine.times):.2f} | " +
          ", ".join(f"{m} {statistics.median(c.times):.2f}" for m, c in contenders.items()) +
          f" | {best / median:.2f} ({low / min(mine.times):.2f}) | {limit:.1f} | {100 * limit / median:.0f} | "
          f"{mine.peak // 1024} | {mine.peak / memory:.2f} |" + own, flush=True)
    print(f"{name}: {note}", file=sys.stderr, flush=True)


def main():
    if len(sys.argv) >= 5 and sys.argv[1] == "--serve":
        return serve(sys.argv[2], sys.argv[3], int(sys.argv[4]), time.process_time if "--cpu" in sys.argv else time.perf_counter,
                     "bf16" if "bf16" in sys.argv else "f32")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default="build/perf/nets")
    parser.add_argument("--hone", default="build/hone")
    parser.add_argument("--only", default=",".join(NETS))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--modes", default="eager,channels_last,compile")
    parser.add_argument("--dtype", default="f32", choices=["f32", "bf16"])
    parser.add_argument("--order", choices=["pairs", "tiles"], help="of hone's sums of products of bf16")
    parser.add_argument("--no-jax", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--calm", action="store_true", help=f"run rounds again in which a line between cores took more than {FAR} ns")
    parser.add_argument("--peak", type=float, help="GFLOP/s of the register tile; otherwise it is measured")
    args = parser.parse_args()
    if args.order and args.dtype != "bf16":
        parser.error("--order is of --dtype bf16")
    if args.order:
        os.environ["HONE_BF16_ORDER"] = args.order
    if not args.peak:
        args.peak = peak_rate(args)
    print("| network | threads | hone ms | min | peers ms | best peer / hone (minima) | limit ms | % of limit | MB | of PyTorch's |" +
          " of hone's f32 | MB, of hone's f32 |" * (args.dtype == "bf16"))
    print("|---" * (12 if args.dtype == "bf16" else 10) + "|")
    for name in args.only.split(","):
        compare(args, name)


if __name__ == "__main__":
    main()
