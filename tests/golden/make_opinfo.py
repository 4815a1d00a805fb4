#!/usr/bin/env python3
"""make_opinfo.py DIR [--small]: PyTorch's own test samples (torch.testing._internal's OpInfo) for the ops that hone
has, with what PyTorch gives: DIR/opinfo.safetensors and DIR/opinfo.txt, a line a sample:

    number op dtype inputs outputs rtol atol gradients pytorch_name attributes...

Tensor 12.i0 is sample 12's first input, 12.o0 its first output, 12.g0 the gradient by the input of the sum over
all float outputs y of y times 1, 1.5, 2, 1, 1.5 ... in row-major order. inputs has a letter each: t, a
tensor, g, one whose gradient is there, n, none. outputs: v, a value, - , one that isn't looked at (an index among
ties). A sample that hone's signature can't say has the op "-" and counts as a failure. Tolerances are those of
torch.testing.assert_close. --small keeps what is committed: the first samples of each op and dtype, and of those
the small ones.

    build/tests/test_opinfo    reads the committed ones, or those of HONE_OPINFO_DIR, and then prints the table
"""
import math
import sys
import warnings

import safetensors.torch
import torch
from torch.testing._internal.common_methods_invocations import op_db

warnings.filterwarnings("ignore")
torch.manual_seed(0)
torch.set_num_threads(1)
NAMES = {torch.float32: "f32", torch.float64: "f64", torch.int64: "i64", torch.bool: "bool"}
TOLERANCE = {torch.float32: (1.3e-6, 1e-5), torch.float64: (1e-7, 1e-7), torch.int64: (0, 0), torch.bool: (0, 0),
             torch.int32: (0, 0), torch.uint8: (0, 0)}
NUMBER = (int, float, bool)


class No(Exception):
    """hone's signature can't say it."""


def text(v):
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, (list, tuple, torch.Size)):
        return ",".join(text(x) for x in v) if len(v) else "()"
    if isinstance(v, float) and math.isinf(v):
        return "inf" if v > 0 else "-inf"
    return repr(v) if isinstance(v, float) else str(v)


def attributes(**kw):
    return " ".join(f"{k}={text(v)}" for k, v in kw.items() if v is not None)


def bind(sample, *names, **defaults):
    """The sample's arguments by name; what isn't named is refused."""
    got = dict(defaults)
    if len(sample.args) > len(names):
        raise No("more arguments")
    for name, value in zip(names, sample.args):
        got[name] = value
    for name, value in sample.kwargs.items():
        if name not in names and name not in defaults:
            raise No(name)
        got[name] = value
    return got


def unary(op):
    def make(s):
        bind(s)
        return op, [s.input], ""
    return make


def binary(op, scalar=True, alpha=False):
    def make(s):
        got = bind(s, "other", alpha=1)
        if got["alpha"] != 1:
            if not alpha or not isinstance(got["other"], torch.Tensor):
                raise No("alpha")
            return "axpy", None, None
        b = got["other"]
        if isinstance(b, torch.Tensor) and isinstance(s.input, torch.Tensor):
            return op, [s.input, b], ""
        if isinstance(b, NUMBER) and scalar and isinstance(s.input, torch.Tensor):
            return op + "_scalar", [s.input], attributes(s=int(b) if isinstance(b, bool) else b)
        raise No("a number on the left")
    return make


def dims_of(d):
    return list(d) if isinstance(d, (list, tuple)) else [d]


def reduction(all_of, one, several, extra=(), **defaults):
    """name(x), name_dim(x, dim), name_dims(x, dims); extra arguments by name."""
    def make(s):
        got = bind(s, "dim", "keepdim", dim=None, keepdim=False, dtype=None, **defaults)
        if got["dtype"] is not None:
            raise No("dtype")
        more = {k: got[k] for k in extra}
        d, keep = got["dim"], got["keepdim"]
        if d is None or (isinstance(d, (tuple, list)) and len(d) == 0):
            if keep and several:
                return several, [s.input], attributes(keepdim=keep, **more)
            if keep or not all_of:
                raise No("keepdim over all")
            return all_of, [s.input], attributes(**more)
        if isinstance(d, int) and one:
            return one, [s.input], attributes(dim=d, keepdim=keep, **more)
        if not several:
            raise No("several dims")
        if s.input.dim() == 0:
            return several, [s.input], attributes(keepdim=keep, **more)
        return several, [s.input], attributes(dims=dims_of(d), keepdim=keep, **more)
    return make


def named(op, *names, inputs=(), rename=None, **defaults):
    """Tensors among the arguments that are called so are inputs, all others attributes."""
    def make(s):
        got = bind(s, *names, **defaults)
        tensors = [s.input] + [got.pop(n, None) for n in inputs]
        for t in tensors:
            if t is not None and not isinstance(t, torch.Tensor):
                raise No("no tensor")
        while tensors and tensors[-1] is None:
            tensors.pop()
        for k, v in got.items():
            if isinstance(v, torch.Tensor):
                raise No(k + " is a tensor")
        return op, tensors, attributes(**{(rename or {}).get(k, k): v for k, v in got.items()})
    return make


def variance(op):
    def make(s):
        got = bind(s, "dim", "keepdim", dim=None, keepdim=False, unbiased=None, correction=None)
        if s.args and isinstance(s.args[0], bool):
            got = {"dim": None, "keepdim": False, "unbiased": s.args[0], "correction": None}
        c = got["correction"] if got["correction"] is not None else 0 if got["unbiased"] is False else 1
        c = float(c) if c else "0"
        d = got["dim"]
        if d is None or (isinstance(d, (tuple, list)) and not len(d)) or s.input.dim() == 0:
            return op + "_dims", [s.input], attributes(correction=c, keepdim=got["keepdim"])
        return op + "_dims", [s.input], attributes(correction=c, keepdim=got["keepdim"], dims=dims_of(d))
    return make


def clamp(s):
    got = bind(s, "min", "max", min=None, max=None)
    low, high = got["min"], got["max"]
    if isinstance(low, torch.Tensor) or isinstance(high, torch.Tensor):
        return "clamp_tensor", [s.input, low, high], ""
    return "clamp", [s.input], attributes(min=low, max=high)


def pow_(s):
    b = s.args[0]
    if isinstance(s.input, NUMBER):
        raise No("a number on the left")
    return ("pow", [s.input, b], "") if isinstance(b, torch.Tensor) else ("pow_scalar", [s.input], attributes(s=b))


def lerp(s):
    end, w = s.args
    if isinstance(w, torch.Tensor):
        return "lerp", [s.input, end, w], ""
    return "lerp_scalar", [s.input, end], attributes(s=w)


def extreme(name):
    """max and min: over all, of one dim, of two tensors."""
    def make(s):
        if s.args and isinstance(s.args[0], torch.Tensor):
            return name + "imum", [s.input, s.args[0]], ""
        got = bind(s, "dim", "keepdim", dim=None, keepdim=False)
        if got["dim"] is None:
            return name, [s.input], ""
        return name + "_dim", [s.input], attributes(dim=got["dim"], keepdim=got["keepdim"])
    return make


def with_dim(op):
    def make(s):
        got = bind(s, "dim", "dtype", dtype=None, dim=None)
        if got["dtype"] is not None or got["dim"] is None:
            raise No("dtype")
        return op, [s.input], attributes(dim=got["dim"])
    return make


def listed(op):
    def make(s):
        got = bind(s, "dim", dim=0)
        return op, list(s.input), attributes(dim=got["dim"])
    return make


def shape_of(op, key):
    def make(s):
        given = s.args or tuple(s.kwargs.values())
        v = given[0] if len(given) == 1 else given
        v = list(v) if isinstance(v, (tuple, list, torch.Size)) else [v]
        if not v:
            raise No("no dims")
        return op, [s.input], attributes(**{key: v})
    return make


def product(op):
    def make(s):
        got = bind(s, "a", "b", beta=1, alpha=1)
        return op, [s.input, got["a"], got["b"]], attributes(beta=float(got["beta"]) or "0",
                                                             alpha=float(got["alpha"]) or "0")
    return make


def scatter(s):
    got = bind(s, "dim", "index", "src", reduce=None, value=None)
    if got["reduce"] is not None:
        raise No("reduce")
    src = got.get("src")
    if isinstance(src, torch.Tensor):
        return "scatter", [s.input, got["index"], src], attributes(dim=got["dim"])
    v = src if src is not None else got["value"]
    return "scatter_scalar", [s.input, got["index"]], attributes(dim=got["dim"], s=v)


def index_fill(s):
    dim, index, value = s.args
    if isinstance(value, torch.Tensor):
        raise No("a tensor as value")
    return "index_fill", [s.input, index], attributes(dim=dim, value=float(value))


def index_add(s):
    got = bind(s, "dim", "index", "source", alpha=1)
    return "index_add", [s.input, got["index"], got["source"]], attributes(dim=got["dim"], alpha=float(got["alpha"]) or "0")


def masked_fill(s):
    mask, value = s.args
    if isinstance(value, torch.Tensor):
        return "masked_fill", [s.input, mask, value], ""
    return "masked_fill_scalar", [s.input, mask], attributes(s=value)


def scatter_reduce(reduce):
    def make(s):
        got = bind(s, "dim", "index", "src", "reduce", include_self=True)
        return "scatter_reduce", [s.input, got["index"], got["src"]], attributes(
            dim=got["dim"], reduce=reduce, include_self=got["include_self"])
    return make


def repeat_interleave(s):
    got = bind(s, "repeats", "dim", dim=None)
    r, d = got["repeats"], got["dim"]
    if d is None:
        raise No("no dim")
    return (("repeat_interleave_tensor", [s.input, r], attributes(dim=d)) if isinstance(r, torch.Tensor)
            else ("repeat_interleave", [s.input], attributes(repeats=r, dim=d)))


def movedim(s):
    source, destination = s.args
    if not isinstance(source, int):
        if len(source) == 1:
            source, destination = source[0], destination[0]
        else:
            order = torch.movedim(torch.empty(list(range(2, 2 + s.input.dim()))), source, destination).shape
            return "permute", [s.input], attributes(dims=[n - 2 for n in order])
    return "movedim", [s.input], attributes(source=source, destination=destination)


def quantile(op):
    def make(s):
        got = bind(s, "q", "dim", "keepdim", dim=None, keepdim=False, interpolation="linear")
        q = got["q"] if isinstance(got["q"], torch.Tensor) else torch.tensor(got["q"], dtype=s.input.dtype)
        if got["dim"] is None:
            if got["keepdim"]:
                raise No("keepdim over all")
            return op, [s.input, q], attributes(interpolation=got["interpolation"])
        return op + "_dim", [s.input, q], attributes(dim=got["dim"], keepdim=got["keepdim"],
                                                     interpolation=got["interpolation"])
    return make


def median(op):
    def make(s):
        got = bind(s, "dim", "keepdim", dim=None, keepdim=False)
        if got["dim"] is None:
            return op, [s.input], ""
        return op + "_dim", [s.input], attributes(dim=got["dim"], keepdim=got["keepdim"])
    return make


def div(mode):
    def make(s):
        got = bind(s, "other", rounding_mode=None)
        return binary({None: "div", "floor": "floor_divide", "trunc": "trunc_divide"}[got["rounding_mode"]])(
            type(s)(s.input, args=(got["other"],)))
    return make


def unique(op):
    def make(s):
        got = bind(s, sorted=True, return_inverse=False, return_counts=False, dim=None)
        if got["dim"] is not None:
            raise No("dim")
        return op, [s.input], ""
    return make


def polygamma(s):
    n = [v for v in [*s.args, *s.kwargs.values()] if isinstance(v, int)]
    if len(n) != 1:
        raise No("n")
    return ("polygamma", [s.input], attributes(n=n[0])) if n[0] else ("digamma", [s.input], "")


def search(s):
    got = bind(s, "v", out_int32=False, right=False, side=None, sorter=None)
    if got["out_int32"] or got["sorter"] is not None or not isinstance(got["v"], torch.Tensor):
        raise No("i32, a sorter or a number")
    return "searchsorted", [s.input, got["v"]], attributes(right=got["right"] or got["side"] == "right")


def cdist(s):
    got = bind(s, "b", "p", "compute_mode", p=2.0, compute_mode=None)
    return "cdist", [s.input, got["b"]], attributes(p=float(got["p"]) or "0")


def bucketize(s):
    got = bind(s, "boundaries", out_int32=False, right=False)
    if got["out_int32"] or not isinstance(s.input, torch.Tensor):
        raise No("i32, or a number")
    return "bucketize", [s.input, got["boundaries"]], attributes(right=got["right"])


def nonzero(s):
    if bind(s, as_tuple=False)["as_tuple"]:
        raise No("as_tuple")
    return "nonzero", [s.input], ""


def ordered(op):
    def make(s):
        got = bind(s, "dim", "descending", dim=-1, descending=False, stable=None)
        return op, [s.input], attributes(dim=got["dim"], descending=got["descending"])
    return make


def squeeze(s):
    got = bind(s, "dim", dim=None)
    if not isinstance(got["dim"], int):
        raise No("several dims")
    return "squeeze", [s.input], attributes(dim=got["dim"])


def loss(op, **defaults):
    def make(s):
        got = bind(s, "target", "weight", weight=None, reduction="mean", **defaults)
        target, weight = got.pop("target"), got.pop("weight")
        return op, [s.input, target] + ([weight] if weight is not None else []), attributes(**got)
    return make


MAP = {}
for n in ("neg abs sign exp log sqrt square reciprocal sigmoid tanh log1p expm1 rsqrt sin cos tan erf floor ceil trunc "
          "frac isnan isinf isfinite logical_not asin acos atan sinh cosh asinh acosh atanh log2 log10 exp2 erfinv "
          "lgamma digamma bitwise_not contiguous clone trace").split():
    MAP[n] = unary(n)
for n in "relu silu softsign mish hardsigmoid hardswish selu logsigmoid tanhshrink relu6".split():
    MAP["nn.functional." + n] = unary(n)
for n in ("mul pow atan2 hypot copysign xlogy heaviside floor_divide fmod remainder logaddexp eq ne lt le gt ge "
          "maximum minimum logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor bitwise_left_shift "
          "bitwise_right_shift add sub").split():
    MAP[n] = binary(n, scalar=n not in "atan2 hypot copysign xlogy heaviside logaddexp maximum minimum logical_and "
                    "logical_or logical_xor".split())
for n in range(5):
    MAP[f"polygamma.polygamma_n_{n}"] = lambda s: polygamma(s)
for mode in ("no_rounding_mode", "floor_rounding", "trunc_rounding"):
    MAP["div." + mode] = div(mode)
MAP.update({
    "nonzero": nonzero,
    "pow": pow_, "lerp": lerp, "clamp": clamp, "where": lambda s: ("where", [s.args[0], s.input, s.args[1]], ""),
    "round": unary("round"), "round.decimals_0": named("round_decimals", decimals=0),
    "round.decimals_3": named("round_decimals", decimals=3),
    "round.decimals_neg_3": named("round_decimals", decimals=-3),
    "nan_to_num": named("nan_to_num", "nan", "posinf", "neginf", nan=None, posinf=None, neginf=None),
    "addcmul": named("addcmul", "a", "b", inputs=("a", "b"), value=1.0),
    "addcdiv": named("addcdiv", "a", "b", inputs=("a", "b"), value=1.0),
    "sum": reduction("sum", "sum_dim", "sum_dims"), "mean": reduction("mean", "mean_dim", "mean_dims"),
    "amax": reduction("max_dims", None, "max_dims"), "amin": reduction("min_dims", None, "min_dims"),
    "nansum": reduction("nansum", "nansum_dim", "nansum_dims"),
    "nanmean": reduction("nanmean", "nanmean_dim", "nanmean_dims"),
    "count_nonzero": reduction("count_nonzero", "count_nonzero_dim", "count_nonzero_dims"),
    "any": reduction("any", "any_dim", "any_dims"), "all": reduction("all", "all_dim", "all_dims"),
    "prod": reduction("prod", "prod_dim", None), "argmax": reduction(None, "argmax", None),
    "argmin": reduction(None, "argmin", None), "logsumexp": reduction(None, "logsumexp", "logsumexp_dims"),
    "aminmax": reduction("aminmax", "aminmax_dim", None),
    "var": variance("var"), "std": variance("std"), "var_mean": variance("var_mean"), "std_mean": variance("std_mean"),
    "max.reduction_no_dim": extreme("max"), "max.reduction_with_dim": extreme("max"), "max.binary": extreme("max"),
    "min.reduction_no_dim": extreme("min"), "min.reduction_with_dim": extreme("min"), "min.binary": extreme("min"),
    "median": median("median"), "nanmedian": median("nanmedian"),
    "mode": named("mode", "dim", "keepdim", dim=-1, keepdim=False),
    "kthvalue": named("kthvalue", "k", "dim", "keepdim", dim=-1, keepdim=False),
    "quantile": quantile("quantile"), "nanquantile": quantile("nanquantile"),
    "cumsum": with_dim("cumsum"), "cumprod": with_dim("cumprod"), "cummax": with_dim("cummax"),
    "cummin": with_dim("cummin"), "logcumsumexp": with_dim("logcumsumexp"),
    "softmax": with_dim("softmax"), "log_softmax": with_dim("log_softmax"),
    "reshape": shape_of("reshape", "shape"), "view": shape_of("reshape", "shape"),
    "permute": shape_of("permute", "dims"), "expand": shape_of("expand", "size"),
    "flip": shape_of("flip", "dims"), "repeat": shape_of("repeat", "repeats"),
    "transpose": named("transpose", "dim0", "dim1"), "unsqueeze": named("unsqueeze", "dim"), "squeeze": squeeze,
    "select": named("select", "dim", "index"), "movedim": movedim,
    "diagonal": named("diagonal", "offset", "dim1", "dim2", offset=None, dim1=None, dim2=None),
    "roll": lambda s: ("roll", [s.input], attributes(shifts=dims_of(bind(s, "shifts", "dims", dims=())["shifts"]),
                       dims=dims_of(bind(s, "shifts", "dims", dims=())["dims"]) or None)),
    "repeat_interleave": repeat_interleave, "tril": named("tril", "diagonal", diagonal=None),
    "triu": named("triu", "diagonal", diagonal=None), "cat": listed("cat"), "stack": listed("stack"),
    "gather": named("gather", "dim", "index", inputs=("index",)),
    "index_select": named("index_select", "dim", "index", inputs=("index",)),
    "scatter_add": named("scatter_add", "dim", "index", "src", inputs=("index", "src")), "scatter": scatter,
    "index_add": index_add,
    "index_copy": named("index_copy", "dim", "index", "source", inputs=("index", "source")),
    "index_fill": index_fill, "take": named("take", "index", inputs=("index",)),
    "take_along_dim": lambda s: (("take", [s.input, bind(s, "index", "dim", dim=None)["index"].reshape(-1)], "")
                                 if bind(s, "index", "dim", dim=None)["dim"] is None
                                 else named("take_along_dim", "index", "dim", inputs=("index",))(s)),
    "masked_fill": masked_fill, "masked_select": named("masked_select", "mask", inputs=("mask",)),
    "masked_scatter": named("masked_scatter", "mask", "source", inputs=("mask", "source")),
    "select_scatter": named("select_scatter", "src", "dim", "index", inputs=("src",)),
    "slice_scatter": named("slice_scatter", "src", "dim", "start", "end", "step", inputs=("src",)),
    "diagonal_scatter": named("diagonal_scatter", "src", "offset", "dim1", "dim2", inputs=("src",)),
    "diag_embed": named("diag_embed", "offset", "dim1", "dim2"), "diag": named("diag", "diagonal", diagonal=0),
    "rot90": lambda s: ("rot90", [s.input], attributes(k=bind(s, "k", "dims", k=1, dims=(0, 1))["k"] or "0",
                        dim0=bind(s, "k", "dims", k=1, dims=(0, 1))["dims"][0],
                        dim1=bind(s, "k", "dims", k=1, dims=(0, 1))["dims"][1])),
    "unflatten": named("unflatten", "dim", "sizes"),
    "searchsorted": search,
    "bucketize": bucketize,
    "unique": unique("unique"), "unique_consecutive": unique("unique_consecutive"),
    "sort": ordered("sort"),
    "argsort": ordered("argsort"),
    "topk": named("topk", "k", "dim", "largest", "sorted", dim=None, largest=None, sorted=None),
    "matmul": named("matmul", "b", inputs=("b",)), "__rmatmul__": lambda s: ("matmul", [s.args[0], s.input], ""),
    "mm": named("mm", "b", inputs=("b",)), "bmm": named("bmm", "b", inputs=("b",)),
    "mv": named("mv", "b", inputs=("b",)), "dot": named("dot", "b", inputs=("b",)),
    "outer": named("outer", "b", inputs=("b",)), "inner": named("inner", "b", inputs=("b",)),
    "kron": named("kron", "b", inputs=("b",)), "cross": named("cross", "b", "dim", inputs=("b",), dim=-1),
    "linalg.cross": named("cross", "b", "dim", inputs=("b",), dim=-1),
    "baddbmm": product("baddbmm"), "addbmm": product("addbmm"), "addmv": product("addmv"), "addr": product("addr"),
    "cdist": cdist,
    "nn.functional.pdist": named("pdist", "p", p=2.0),
    "nn.functional.bilinear": named("bilinear", "b", "w", "bias", inputs=("b", "w", "bias"), bias=None),
    "einsum": lambda s: ("einsum", list(s.input), attributes(equation=s.args[0].replace(" ", ""))),
    "nn.functional.leaky_relu": named("leaky_relu", "negative_slope", negative_slope=None, inplace=None),
    "nn.functional.elu": named("elu", "alpha", alpha=None, inplace=None),
    "nn.functional.celu": named("celu", "alpha", alpha=None, inplace=None),
    "nn.functional.hardtanh": named("hardtanh", "min_val", "max_val", min_val=None, max_val=None),
    "nn.functional.softshrink": named("softshrink", "lambd", lambd=None),
    "nn.functional.hardshrink": named("hardshrink", "lambd", lambd=None),
    "nn.functional.threshold": named("threshold", "threshold", "value"),
    "nn.functional.glu": named("glu", "dim", dim=None), "nn.functional.softmin": with_dim("softmin"),
    "nn.functional.prelu": named("prelu", "weight", inputs=("weight",)),
    "nn.functional.gelu": lambda s: ("gelu" if bind(s, approximate="none")["approximate"] == "none" else "gelu_tanh",
                                     [s.input], ""),
    "nn.functional.pixel_shuffle": named("pixel_shuffle", "upscale_factor"),
    "nn.functional.pixel_unshuffle": named("pixel_unshuffle", "downscale_factor"),
    "nn.functional.mse_loss": loss("mse_loss"), "nn.functional.l1_loss": loss("l1_loss"),
    "nn.functional.smooth_l1_loss": loss("smooth_l1_loss", beta=1.0),
    "nn.functional.huber_loss": loss("huber_loss", delta=1.0),
    "nn.functional.binary_cross_entropy": loss("binary_cross_entropy"),
    "nn.functional.kl_div": loss("kl_div", log_target=False),
    "nn.functional.cross_entropy": loss("cross_entropy_loss", ignore_index=-100, label_smoothing=0.0),
    "nn.functional.nll_loss": loss("nll_loss", ignore_index=-100),
})
for r in ("sum", "mean", "prod", "amax", "amin"):
    MAP["scatter_reduce." + r] = scatter_reduce(r)
INDEX_AMONG_TIES = {"topk", "sort", "argsort", "mode", "median_dim", "nanmedian_dim", "kthvalue", "max_dim", "min_dim"}
NO_GRADIENT = {"heaviside", "floor_divide", "floor_divide_scalar", "unique", "unique_consecutive", "nonzero"}


def flat(y):
    return [t for t in (y if isinstance(y, (tuple, list)) else [y]) if isinstance(t, torch.Tensor)]


def run(op_info, sample, op, dtype, tensors):
    """Outputs, and gradients of the weighted sum by the inputs that have one."""
    wanted = [t is not None and t.is_floating_point() and op not in NO_GRADIENT for t in tensors]
    leaves = {id(t): t for t, w in zip(tensors, wanted) if w}
    for t in leaves.values():
        t.requires_grad_(True)
    y = flat(op_info(sample.input, *sample.args, **sample.kwargs))
    loss = None
    for t in y:
        if t.is_floating_point() and t.requires_grad:
            w = 1 + (torch.arange(t.numel()) % 3).to(t.dtype) / 2
            part = (t.reshape(-1) * w).sum()
            loss = part if loss is None else loss + part
    grads = {}
    if loss is not None and leaves:
        got = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        grads = {k: g for k, g in zip(leaves, got) if g is not None}
    if op.startswith("unique"): # values, inverse, counts: those that were asked for
        asked = [True, sample.kwargs.get("return_inverse", False), sample.kwargs.get("return_counts", False)]
        rest = iter(y)
        y = [next(rest) if a else None for a in asked]
    return [t if t is None else t.detach() for t in y], [grads.get(id(t)) if w else None for t, w in zip(tensors, wanted)]


def main():
    out, small = sys.argv[1], "--small" in sys.argv[2:]
    tensors, lines, number = {}, [], 0
    for info in op_db:
        name = info.name + ("." + info.variant_test_name if info.variant_test_name else "")
        make = MAP.get(name)
        if not make:
            continue
        for dtype in NAMES:
            if dtype not in info.dtypes:
                continue
            kept = 0
            for sample in info.sample_inputs("cpu", dtype, requires_grad=False):
                if small and kept >= (3 if dtype in (torch.float32, torch.float64) else 2):
                    break
                try:
                    op, inputs, text_ = make(sample)
                    if inputs is None:
                        raise No("alpha")
                    if any(t is not None and not isinstance(t, torch.Tensor) for t in inputs):
                        raise No("a number instead of a tensor")
                except (No, KeyError, IndexError, TypeError, ValueError) as why:
                    if small:
                        continue
                    lines.append(f"{number} - {NAMES[dtype]} - - 0 0 - {name} {str(why).replace(' ', '_')}")
                    number += 1
                    continue
                try:
                    y, grads = run(info, sample, op, dtype, inputs)
                except Exception as why:
                    print(name, NAMES[dtype], type(why).__name__, str(why)[:80], file=sys.stderr)
                    continue
                size = sum(t.numel() for t in inputs + y if t is not None)
                if small and size > 300:
                    continue
                if any(t is not None and t.dtype in (torch.complex64, torch.complex128, torch.float16, torch.bfloat16)
                       for t in inputs + y):
                    continue
                y_name = "".join("-" if t is None or op in INDEX_AMONG_TIES and t.dtype == torch.int64 and (i > 0 or op == "argsort")
                                 else "v" for i, t in enumerate(y))
                letters = "".join("n" if t is None else "t" if g is None else "g" for t, g in zip(inputs, grads))
                r, a = TOLERANCE[y[0].dtype if y[0].dtype in TOLERANCE else dtype]
                if dtype.is_floating_point:
                    r, a = TOLERANCE[dtype]
                lines.append(f"{number} {op} {NAMES[dtype]} {letters or '-'} {y_name} {r} {a} "
                             f"{'g' if 'g' in letters else '-'} {name} {text_}".rstrip())
                for i, (t, g) in enumerate(zip(inputs, grads)):
                    if t is not None:
                        tensors[f"{number}.i{i}"] = t.detach().clone().contiguous()
                    if g is not None:
                        tensors[f"{number}.g{i}"] = g.detach().clone().contiguous()
                for i, t in enumerate(y):
                    if y_name[i] == "v":
                        tensors[f"{number}.o{i}"] = t.clone().contiguous()
                number += 1
                kept += 1
    safetensors.torch.save_file(tensors, out + "/opinfo.safetensors")
    with open(out + "/opinfo.txt", "w") as f:
        f.write("\n".join(lines) + "\n")
    print(f"{len(lines)} samples of {len({l.split()[8] for l in lines})} of PyTorch's ops")


main()
