"""opinfo_ops.py: how a sample of PyTorch's OpInfo is said as a call of hone: make(sample) gives an op's name, its
inputs and the text of its attributes, as hone_call takes them. opinfo_nets.py has those of torch.nn.functional.
"""
import math

import torch

NUMBER = (int, float, bool)
DTYPES = {torch.float32: "f32", torch.float64: "f64", torch.int64: "i64", torch.int32: "i32", torch.uint8: "u8",
          torch.bool: "bool"}


class No(Exception):
    """hone's signature can't say it."""


def text(v):
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, (list, tuple, torch.Size)):
        return ",".join(text(x) for x in v) if len(v) else ""
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
        b = got["other"]
        if got["alpha"] != 1 or isinstance(got["alpha"], bool):
            if not alpha or not isinstance(b, torch.Tensor):
                raise No("alpha")
            return op + "_alpha", [s.input, b], attributes(alpha=number(got["alpha"]))
        if isinstance(b, torch.Tensor) and isinstance(s.input, torch.Tensor):
            return op, [s.input, b], ""
        if isinstance(b, NUMBER) and scalar and isinstance(s.input, torch.Tensor):
            return op + "_scalar", [s.input], attributes(s=int(b) if isinstance(b, bool) else b)
        raise No("a number on the left")
    return make


def number(v):
    return None if v is None else float(v) or "0"


def dtype_name(d):
    """The attribute dtype of ops that have one."""
    if d is not None and d not in DTYPES:
        raise No("dtype")
    return None if d is None else DTYPES[d]


def dims_of(d):
    return list(d) if isinstance(d, (list, tuple)) else [d]


def reduction(all_of, one, several, extra=(), as_dtype=False, **defaults):
    """name(x), name_dim(x, dim), name_dims(x, dims); extra arguments by name."""
    def make(s):
        got = bind(s, "dim", "keepdim", dim=None, keepdim=False, dtype=None, **defaults)
        if got["dtype"] is not None and not as_dtype:
            raise No("dtype")
        more = {k: got[k] for k in extra}
        suffix = ""
        if got["dtype"] is not None:
            more["dtype"], suffix = dtype_name(got["dtype"]), "_as"
        d, keep = got["dim"], got["keepdim"]
        if d is None or (isinstance(d, (tuple, list)) and len(d) == 0):
            if keep and several:
                return several, [s.input], attributes(keepdim=keep, **more)
            if keep or not all_of:
                raise No("keepdim over all")
            return all_of + suffix, [s.input], attributes(**more)
        if isinstance(d, int) and one:
            return one + suffix, [s.input], attributes(dim=d, keepdim=keep, **more)
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
        if got["dim"] is None:
            raise No("no dim")
        return op + ("_as" if got["dtype"] else ""), [s.input], attributes(dim=got["dim"], dtype=dtype_name(got["dtype"]))
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
    src = got.get("src")
    if got["reduce"] is not None: # add or multiply
        if not isinstance(src, torch.Tensor): # a number stands in a tensor
            src = torch.full_like(got["index"], src if src is not None else got["value"], dtype=s.input.dtype)
        return "scatter_reduce", [s.input, got["index"], src], attributes(
            dim=got["dim"], reduce={"add": "sum", "multiply": "prod"}[got["reduce"]])
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
    if got["dim"] is None:
        return "squeeze_all", [s.input], ""
    if not isinstance(got["dim"], int):
        return "squeeze_dims", [s.input], attributes(dims=list(got["dim"]))
    return "squeeze", [s.input], attributes(dim=got["dim"])


def loss(op, **defaults):
    def make(s):
        got = bind(s, "target", "weight", weight=None, reduction="mean", **defaults)
        target, weight = got.pop("target"), got.pop("weight")
        return op, [s.input, target] + ([weight] if weight is not None else []), attributes(**got)
    return make


def addmm(s):
    got = bind(s, "a", "b", beta=1, alpha=1)
    return "addmm_scaled", [s.input, got["a"], got["b"]], attributes(beta=number(got["beta"]), alpha=number(got["alpha"]))


def as_strided(s):
    got = bind(s, "size", "stride", "offset", storage_offset=None)
    offset = got.get("offset", got["storage_offset"])
    if s.input._base is not None: # size and offset are of what x is a part of
        offset = (s.input.storage_offset() if offset is None else offset) - s.input.storage_offset()
    return "as_strided", [s.input], attributes(size=list(got["size"]), stride=list(got["stride"]), offset=offset)


def to(s):
    wanted = [a.dtype if isinstance(a, torch.Tensor) else a for a in s.args]
    wanted = [a for a in wanted if isinstance(a, torch.dtype)]
    return "to", [s.input], attributes(dtype=dtype_name(wanted[0]))


def getitem(s):
    what = s.args[0]
    what = list(what) if isinstance(what, tuple) else [what]
    if len(what) == 1 and isinstance(what[0], slice):
        return "slice", [s.input], attributes(dim=0, start=what[0].start, end=what[0].stop, step=what[0].step)
    tensors = []
    for w in what:
        if w is Ellipsis or isinstance(w, slice) and w == slice(None):
            tensors.append(None)
        elif isinstance(w, (list, torch.Tensor)):
            tensors.append(torch.as_tensor(w))
        else:
            raise No("slices and numbers in one")
    while tensors[-1] is None:
        tensors.pop()
    return "index", [s.input] + tensors, ""


def index_put(s):
    got = bind(s, "indices", "values", accumulate=False)
    return "index_put", [s.input, got["values"]] + list(got["indices"]), attributes(accumulate=got["accumulate"])


def slice_(s):
    got = bind(s, "dim", "start", "end", "step", dim=0, start=None, end=None, step=None)
    return "slice", [s.input], attributes(**got)


def split(s):
    got = bind(s, "sizes", "dim", dim=0)
    return "split_with_sizes", [s.input], attributes(sizes=list(got["sizes"]), dim=got["dim"])


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
                    "logical_or logical_xor".split(), alpha=n in ("add", "sub"))
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
    "addmm": addmm, "addmm.decomposed": addmm, "as_strided": as_strided, "as_strided.partial_views": as_strided,
    "to": to, "__getitem__": getitem, "index_put": index_put, "slice": slice_, "split_with_sizes": split,
    "fill": lambda s: ("fill_", [s.input], attributes(value=number(bind(s, "value")["value"]))),
    "softmax.with_dtype": with_dim("softmax"), "log_softmax.with_dtype": with_dim("log_softmax"),
    "squeeze.multiple": squeeze,
    "var.unbiased": variance("var"), "std.unbiased": variance("std"), "var_mean.unbiased": variance("var_mean"),
    "std_mean.unbiased": variance("std_mean"),
    "addcmul": named("addcmul", "a", "b", inputs=("a", "b"), value=1.0),
    "addcdiv": named("addcdiv", "a", "b", inputs=("a", "b"), value=1.0),
    "sum": reduction("sum", "sum_dim", "sum_dims"), "mean": reduction("mean", "mean_dim", "mean_dims"),
    "amax": reduction("max_dims", None, "max_dims"), "amin": reduction("min_dims", None, "min_dims"),
    "nansum": reduction("nansum", "nansum_dim", "nansum_dims"),
    "nanmean": reduction("nanmean", "nanmean_dim", "nanmean_dims"),
    "count_nonzero": reduction("count_nonzero", "count_nonzero_dim", "count_nonzero_dims"),
    "any": reduction("any", "any_dim", "any_dims"), "all": reduction("all", "all_dim", "all_dims"),
    "prod": reduction("prod", "prod_dim", None, as_dtype=True), "argmax": reduction(None, "argmax", None),
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
