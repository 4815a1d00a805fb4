#!/usr/bin/env python3
"""Writes halves.safetensors and halves.txt: what PyTorch makes of operands of bf16 and f16, and autocast.txt: its list.

    python3 make_halves_golden.py      (needs torch, safetensors)

A line of halves.txt is a call: op, attributes as hone_call takes them, how far the results may lie apart, in units of their
dtype's last place, whether there are gradients. Its operands are the tensors N.0, N.1 ... of the other file, N its number,
its results N.y0, ..., the gradient that comes in N.dy, those that come out N.g0, N.g1 ... 0 units are asked for where both
round the exact result once; sums, exponentials and what PyTorch rounds between its steps get more.

A line of autocast.txt: an op of hone's and what torch.autocast("cpu", bfloat16) makes of f32 operands ("lower": bf16) or of
bf16 ones ("f32").
"""
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(7)
BF16, F16 = torch.bfloat16, torch.float16
tensors, lines = {}, []


def add(op, attributes, units, f, *operands, grad=True):
    n = len(lines)
    floats = [t.is_floating_point() for t in operands]
    given = [t.detach().clone().contiguous().requires_grad_(grad and is_float) for t, is_float in zip(operands, floats)]
    y = f(*given)
    ys = list(y) if isinstance(y, (tuple, list)) else [y]
    for i, t in enumerate(operands):
        tensors[f"{n}.{i}"] = t.detach().clone().contiguous()
    for i, t in enumerate(ys):
        tensors[f"{n}.y{i}"] = t.detach().clone().contiguous()
    grad = grad and ys[0].requires_grad
    if grad:
        dy = torch.randn(ys[0].shape).to(ys[0].dtype)
        tensors[f"{n}.dy"] = dy
        ys[0].backward(dy)
        for i, t in enumerate(given):
            if t.grad is not None:
                tensors[f"{n}.g{i}"] = t.grad.clone().contiguous()
    lines.append(f"{op}|{attributes}|{units}|{int(grad)}|{len(operands)}|{len(ys)}")


for dtype in (BF16, F16):
    other = F16 if dtype == BF16 else BF16

    def r(*shape, dtype=dtype, positive=False):
        t = torch.randn(shape)
        return ((t.abs() + 0.25) if positive else t).to(dtype)

    a, b, row, f32 = r(5, 7), r(5, 7), r(7), torch.randn(5, 7)
    for name, f in (("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("div", torch.div)):
        units = 2 if name == "div" else 0 # its gradient by b has steps
        add(name, "", units, f, a, b)
        add(name, "", 2, f, a, row) # the gradient of the row is a sum
        add(name, "", 2, f, a, f32)
        add(name, "", units, f, a, b.to(other))
        add(name, "", 0, f, a, torch.tensor(1.3), grad=False)
        add(name, "", 0, f, a, torch.arange(1, 8), grad=False)
    add("add_scalar", "s=0.3", 0, lambda x: x + 0.3, a)
    add("mul_scalar", "s=0.3", 0, lambda x: x * 0.3, a)
    add("maximum", "", 0, torch.maximum, a, b)
    for name, f in (("neg", torch.neg), ("abs", torch.abs), ("relu", torch.relu), ("sqrt", torch.sqrt), ("square", torch.square)):
        add(name, "", 2 if name == "sqrt" else 0, f, r(5, 7, positive=True) if name == "sqrt" else a)
    for name, f in (("exp", torch.exp), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid), ("gelu", F.gelu), ("silu", F.silu),
                    ("softplus", F.softplus), ("erf", torch.erf), ("sin", torch.sin)):
        add(name, "", 2, f, a)
    add("log", "", 2, torch.log, r(5, 7, positive=True))
    for name, f in (("eq", torch.eq), ("lt", torch.lt)):
        add(name, "", 0, f, a, b, grad=False)
        add(name, "", 0, f, a, f32, grad=False)
    add("sum", "", 1, torch.sum, a)
    add("sum_dim", "dim=1", 1, lambda x: x.sum(1), a)
    add("mean_dims", "dims=0", 1, lambda x: x.mean(0), a)
    add("max_dim", "dim=1", 0, lambda x: x.max(1).values, a, grad=False)
    add("argmax", "dim=0", 0, lambda x: x.argmax(0), a, grad=False)
    add("var_dim", "dim=1 correction=1", 2, lambda x: x.var(1), a)
    add("cumsum", "dim=1", 1, lambda x: x.cumsum(1), a)
    add("softmax", "dim=1", 2, lambda x: x.softmax(1), a)
    add("log_softmax", "dim=1", 4, lambda x: x.log_softmax(1), a)
    add("logsumexp", "dim=1", 2, lambda x: x.logsumexp(1), a)
    add("layer_norm", "", 16, lambda x, w, c: F.layer_norm(x, (7,), w, c), a, r(7), r(7))
    add("layer_norm", "", 16, lambda x, w, c: F.layer_norm(x, (7,), w, c), a, torch.randn(7), torch.randn(7))
    image = r(2, 4, 6, 5)
    add("group_norm", "num_groups=2", 6, lambda x, w, c: F.group_norm(x, 2, w, c), image, r(4), r(4))
    add("matmul", "", 2, torch.matmul, a, r(7, 3))
    add("matmul", "", 2, torch.matmul, r(3, 5, 7), r(3, 7, 4))
    add("linear", "", 2, lambda x, w, c: F.linear(x, w.t(), c), r(2, 3, 7), r(7, 4), r(4))
    add("conv2d", "padding=1", 10, lambda x, w, c: F.conv2d(x, w, c, padding=1), image, r(3, 4, 3, 3), r(3))
    add("max_pool2d", "kernel_size=2", 0, lambda x: F.max_pool2d(x, 2), image)
    add("avg_pool2d", "kernel_size=2", 1, lambda x: F.avg_pool2d(x, 2), image)
    add("mse_loss", "", 3, F.mse_loss, a, b)
    add("cat", "dim=1", 0, lambda x, y: torch.cat([x, y], 1), a, b)
    add("cat", "dim=0", 0, lambda x, y: torch.cat([x, y]), a, f32)
    add("stack", "", 0, lambda x, y: torch.stack([x, y]), a, b)
    add("where", "", 0, torch.where, a > 0, a, b)
    add("index_select", "dim=1", 0, lambda x, i: x.index_select(1, i), a, torch.tensor([3, 0, 3]))
    add("gather", "dim=1", 0, lambda x, i: x.gather(1, i), a, torch.tensor([[3], [0], [1], [2], [6]]))
    add("embedding", "", 0, lambda i, w: F.embedding(i, w), torch.tensor([2, 0, 4]), a)
    add("sort", "dim=1", 0, lambda x: x.sort(1), a, grad=False)
    add("pow_scalar", "s=3", 2, lambda x: x**3, a)
    add("clamp", "min=-0.5 max=0.5", 0, lambda x: x.clamp(-0.5, 0.5), a)
    add("masked_fill_scalar", "s=2.5", 0, lambda x, m: x.masked_fill(m, 2.5), a, a > 0)
    add("tril", "", 0, torch.tril, a)
    for to, name in ((torch.float32, "f32"), (torch.float64, "f64"), (other, "bf16" if other == BF16 else "f16"),
                     (torch.int64, "i64"), (torch.bool, "bool")):
        add("to", f"dtype={name}", 0, lambda x: x.to(to), a * 3, grad=False)
    hard = torch.tensor([0.0, -0.0, 1e-45, 1e-40, -3e-39, 6e-8, 2.0**-25, 65519.0, 65520.0, 3.39e38, float("inf"), float("-inf"),
                         float("nan"), 1 + 2.0**-8, 1 + 3 * 2.0**-8, 1 + 2.0**-11, 1 + 3 * 2.0**-11])
    add("to", "dtype=" + ("bf16" if dtype == BF16 else "f16"), 0, lambda x: x.to(dtype), hard, grad=False)
    add("to", "dtype=f32", 0, lambda x: x.float(), hard.to(dtype), grad=False)

save_file(tensors, os.path.join(HERE, "halves.safetensors"))
with open(os.path.join(HERE, "halves.txt"), "w") as out:
    out.write("\n".join(lines) + "\n")

# ---- autocast

x, h, one, image = torch.randn(4, 4), torch.randn(4, 4).to(BF16), torch.tensor([0, 1, 2, 3]), torch.randn(1, 2, 4, 4)
CALLS = {
    "matmul": lambda t: t @ t, "linear": lambda t: F.linear(t, t), "addmm": lambda t: torch.addmm(t, t, t),
    "baddbmm": lambda t: torch.baddbmm(t[None], t[None], t[None]), "prelu": lambda t: F.prelu(t, t[0, :1]),
    "conv2d": lambda t: F.conv2d(t[None, None], t[None, None]), "conv3d": lambda t: F.conv3d(t[None, None, None], t[None, None, None]),
    "conv_transpose2d": lambda t: F.conv_transpose2d(t[None, None], t[None, None]),
    "scaled_dot_product_attention": lambda t: F.scaled_dot_product_attention(t[None], t[None], t[None]),
    "softmax": lambda t: t.softmax(1), "log_softmax": lambda t: t.log_softmax(1), "layer_norm": lambda t: F.layer_norm(t, (4,)),
    "group_norm": lambda t: F.group_norm(t, 2), "gelu": F.gelu, "relu": F.relu, "add": lambda t: t + t, "sum": torch.sum,
    "mean": torch.mean, "exp": torch.exp, "pow_scalar": lambda t: t**3, "cumsum": lambda t: t.cumsum(0), "norm": torch.norm,
    "prod": torch.prod, "trace": torch.trace, "cdist": lambda t: torch.cdist(t, t), "quantile": lambda t: torch.quantile(t, 0.5),
    "mse_loss": lambda t: F.mse_loss(t, t), "l1_loss": lambda t: F.l1_loss(t, t), "smooth_l1_loss": lambda t: F.smooth_l1_loss(t, t),
    "huber_loss": lambda t: F.huber_loss(t, t), "cross_entropy": lambda t: F.cross_entropy(t, one),
    "nll_loss": lambda t: F.nll_loss(t, one), "kl_div": lambda t: F.kl_div(t, t),
    "binary_cross_entropy": lambda t: F.binary_cross_entropy(t.sigmoid(), t.sigmoid()),
    "binary_cross_entropy_with_logits": lambda t: F.binary_cross_entropy_with_logits(t, t),
    "poisson_nll_loss": lambda t: F.poisson_nll_loss(t, t), "hinge_embedding_loss": lambda t: F.hinge_embedding_loss(t, t),
    "margin_ranking_loss": lambda t: F.margin_ranking_loss(t, t, t), "gaussian_nll_loss": lambda t: F.gaussian_nll_loss(t, t, t.abs() + 1),
    "cosine_embedding_loss": lambda t: F.cosine_embedding_loss(t, t, one[:4] * 0 + 1),
    "triplet_margin_loss": lambda t: F.triplet_margin_loss(t, t, t), "avg_pool2d": lambda t: F.avg_pool2d(t[None], 2),
    "avg_pool3d": lambda t: F.avg_pool3d(t[None, None, None], 1), "max_pool3d": lambda t: F.max_pool3d(t[None, None, None], 1),
    "grid_sample": lambda t: F.grid_sample(t[None, None], t.reshape(1, 2, 4, 2)), "inverse": torch.inverse, "qr": torch.linalg.qr,
    "svd": torch.linalg.svd, "eigh": torch.linalg.eigh,
}
with open(os.path.join(HERE, "autocast.txt"), "w") as out:
    for op, f in CALLS.items():
        found = []
        for t in (x, h):
            with torch.autocast("cpu", dtype=BF16):
                y = f(t)
            found.append((y[0] if isinstance(y, tuple) else y).dtype)
        rule = "lower" if found[0] == BF16 else "f32" if found[1] == torch.float32 else "-"
        out.write(f"{op} {rule}\n")
