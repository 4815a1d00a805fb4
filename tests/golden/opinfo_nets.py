"""opinfo_nets.py: as opinfo_ops.py, torch.nn.functional's convolutions, pooling, norms, padding, sampling, embedding,
attention and losses, and what is behind them.
"""
import torch

from opinfo_ops import MAP, No, attributes, bind, dims_of, named, number, unary


def places(v, dims):
    """A number of each place; one of all."""
    v = list(v) if isinstance(v, (tuple, list, torch.Size)) else [v]
    v = v * dims if len(v) == 1 else v
    return v[0] if dims == 1 else v


def conv(op, dims, transposed=False):
    def make(s):
        got = bind(s, "weight", "bias", "stride", "padding", "dilation", "groups", bias=None, stride=1, padding=0,
                   dilation=1, groups=1, **({"output_padding": 0} if transposed else {}))
        pad, auto = got["padding"], None
        if isinstance(pad, str):
            pad, auto = 0, {"valid": "valid", "same": "same"}[pad]
        more = {"output_padding": places(got["output_padding"], dims)} if transposed else {}
        return op, [s.input, got["weight"]] + ([got["bias"]] if got["bias"] is not None else []), attributes(
            stride=places(got["stride"], dims), padding=places(pad, dims), dilation=places(got["dilation"], dims),
            groups=got["groups"], auto_pad=auto, **more)
    return make


def max_pool(op, dims):
    def make(s):
        got = bind(s, "kernel_size", "stride", "padding", "dilation", "ceil_mode", stride=None, padding=0, dilation=1,
                   ceil_mode=False, return_indices=False)
        stride = got["stride"]
        stride = None if stride is None or stride == [] else places(stride, dims)
        return op, [s.input], attributes(
            kernel_size=places(got["kernel_size"], dims), stride=stride, padding=places(got["padding"], dims),
            dilation=places(got["dilation"], dims), ceil_mode=got["ceil_mode"])
    return make


def avg_pool(op, dims):
    def make(s):
        got = bind(s, "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override",
                   stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)
        got["stride"] = got["stride"] or None
        return op, [s.input], attributes(
            kernel_size=places(got["kernel_size"], dims), padding=places(got["padding"], dims),
            stride=None if got["stride"] is None else places(got["stride"], dims), ceil_mode=got["ceil_mode"],
            count_exclude_pad=not got["count_include_pad"], divisor_override=got["divisor_override"])
    return make


def adaptive(op, *names):
    def make(s):
        got = bind(s, "size", "return_indices", return_indices=False)
        size = got["size"]
        size = list(size) if isinstance(size, (tuple, list)) else [size] * len(names)
        size = [s.input.shape[i - len(names)] if n is None else n for i, n in enumerate(size)]
        return op, [s.input], attributes(**dict(zip(names, size)))
    return make


def trailing_none(tensors):
    while tensors and tensors[-1] is None:
        tensors.pop()
    return tensors


def batch_norm(*order):
    def make(s):
        got = bind(s, *order, mean=None, var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5)
        return "batch_norm", trailing_none([s.input] + [got[n] for n in ("mean", "var", "weight", "bias")]), attributes(
            training=got["training"], momentum=number(got["momentum"]), eps=number(got["eps"]))
    return make


def legit(s):
    if len(s.args) == 5: # no statistics
        return "batch_norm", trailing_none([s.input, None, None, s.args[0], s.args[1]]), attributes(
            training=s.args[2], momentum=number(s.args[3]), eps=number(s.args[4]))
    return batch_norm("weight", "bias", "mean", "var", "training", "momentum", "eps")(s)


def layer_norm(op="layer_norm", slots=("weight", "bias")):
    def make(s):
        got = bind(s, "shape", *slots, "eps", **{n: None for n in slots}, eps=None if op == "rms_norm" else 1e-5)
        return op, trailing_none([s.input] + [got[n] for n in slots]), attributes(
            n_dims=len(got["shape"]), eps=number(got["eps"]))
    return make


def native_group_norm(s):
    weight, bias, _, _, _, groups, eps = s.args
    return "group_norm", trailing_none([s.input, weight, bias]), attributes(num_groups=groups, eps=number(eps))


def group_norm(s):
    got = bind(s, "num_groups", "weight", "bias", "eps", weight=None, bias=None, eps=1e-5)
    return "group_norm", trailing_none([s.input, got["weight"], got["bias"]]), attributes(
        num_groups=got["num_groups"], eps=number(got["eps"]))


def instance_norm(s):
    got = bind(s, "mean", "var", "weight", "bias", mean=None, var=None, weight=None, bias=None, use_input_stats=True,
               momentum=0.1, eps=1e-5)
    if got["mean"] is not None or got["var"] is not None:
        raise No("running statistics")
    return "instance_norm", trailing_none([s.input, got["weight"], got["bias"]]), attributes(eps=number(got["eps"]))


def pad(mode=None):
    def make(s):
        got = bind(s, "pad", "mode", "value", mode=mode or "constant", value=None)
        return "pad", [s.input], attributes(pad=list(got["pad"]), mode=got["mode"], value=number(got["value"]))
    return make


def constant_pad(s):
    got = bind(s, "pad", "value", value=0)
    return "pad", [s.input], attributes(pad=list(got["pad"]), value=number(got["value"]))


def interpolate(mode, corners=False):
    def make(s):
        got = bind(s, "size", "scale_factor", "mode", "align_corners", size=None, scale_factor=None, mode=mode,
                   align_corners=None, recompute_scale_factor=None, antialias=False)
        if got["antialias"]:
            raise No("antialias")
        dims = s.input.dim() - 2
        size, factor = got["size"], got["scale_factor"]
        return "interpolate", [s.input], attributes(
            size=None if size is None else dims_of(places(size, dims)),
            scale_factor=None if factor is None else [float(v) for v in dims_of(places(factor, dims))],
            mode=got["mode"], align_corners=corners or got["align_corners"] or None,
            recompute_scale_factor=got["recompute_scale_factor"])
    return make


def grid_sample(s):
    got = bind(s, "grid", "mode", "padding_mode", "align_corners", mode="bilinear", padding_mode="zeros",
               align_corners=False)
    mode, padding = got["mode"], got["padding_mode"]
    if isinstance(mode, int):
        mode, padding = ("bilinear", "nearest", "bicubic")[mode], ("zeros", "border", "reflection")[padding]
    return "grid_sample", [s.input, got["grid"]], attributes(mode=mode, padding_mode=padding,
                                                              align_corners=got["align_corners"])


def refuse_norm(got):
    """What an embedding can't say; a sparse gradient has the numbers of the dense one."""
    for name in ("max_norm", "scale_grad_by_freq"):
        if got.get(name):
            raise No(name)


def embedding(s):
    got = bind(s, "indices", "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse", padding_idx=None,
               max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False)
    refuse_norm(got)
    return "embedding", [got["indices"], s.input], attributes(padding_idx=got["padding_idx"])


def embedding_bag(s):
    got = bind(s, "indices", "offsets", "max_norm", "norm_type", "scale_grad_by_freq", "mode", "sparse",
               "per_sample_weights", "include_last_offset", "padding_idx", offsets=None, max_norm=None, norm_type=2.0,
               scale_grad_by_freq=False, mode="mean", sparse=False, per_sample_weights=None, include_last_offset=False,
               padding_idx=None)
    refuse_norm(got)
    return "embedding_bag", trailing_none([got["indices"], s.input, got["offsets"], got["per_sample_weights"]]), attributes(
        mode=got["mode"], padding_idx=got["padding_idx"], include_last_offset=got["include_last_offset"])


def dropout(s):
    got = bind(s, "p", "training", p=0.5, training=True)
    if got["training"] and 0 < got["p"] < 1:
        return "random", None, None
    return "dropout", [s.input], attributes(p=number(got["p"]), training=got["training"])


def attention(s):
    got = bind(s, "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa", attn_mask=None,
               dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False)
    if got["dropout_p"]:
        return "random", None, None
    return "scaled_dot_product_attention", trailing_none([s.input, got["key"], got["value"], got["attn_mask"]]), attributes(
        is_causal=got["is_causal"], scale=got["scale"], enable_gqa=got["enable_gqa"])


def softplus(s):
    got = bind(s, beta=1, threshold=20)
    if got["beta"] != 1 or got["threshold"] != 20:
        raise No("beta and threshold")
    return "softplus", [s.input], ""


def unfold(s):
    got = bind(s, "kernel_size", "dilation", "padding", "stride", dilation=1, padding=0, stride=1)
    return "unfold", [s.input], attributes(**{k: places(v, 2) for k, v in got.items()})


def unpool(op, dims):
    def make(s):
        got = bind(s, "indices", "kernel_size", "stride", "padding", "output_size", stride=None, padding=0,
                   output_size=None)
        size = got["output_size"]
        return op, [s.input, got["indices"]], attributes(
            kernel_size=places(got["kernel_size"], dims), padding=places(got["padding"], dims),
            stride=None if got["stride"] is None else places(got["stride"], dims),
            output_size=None if size is None else places(list(size)[-dims:], dims))
    return make


def margin_loss(op, *inputs, optional=(), **defaults):
    """Losses of several tensors; what isn't one of them is an attribute."""
    def make(s):
        got = bind(s, *inputs, *optional, reduction="mean", **{n: None for n in optional}, **defaults)
        tensors = [s.input] + [got.pop(n) for n in inputs] + [got.pop(n) for n in optional]
        return op, trailing_none(tensors), attributes(**{k: number(v) if isinstance(v, float) else v for k, v in got.items()})
    return make


MAP.update({
    "nn.functional.adaptive_avg_pool1d": adaptive("adaptive_avg_pool1d", "length"),
    "nn.functional.adaptive_avg_pool2d": adaptive("adaptive_avg_pool2d", "height", "width"),
    "nn.functional.adaptive_avg_pool3d": adaptive("adaptive_avg_pool3d", "depth", "height", "width"),
    "nn.functional.adaptive_max_pool1d": adaptive("adaptive_max_pool1d", "length"),
    "nn.functional.adaptive_max_pool2d": adaptive("adaptive_max_pool2d", "height", "width"),
    "nn.functional.adaptive_max_pool3d": adaptive("adaptive_max_pool3d", "depth", "height", "width"),
    "nn.functional.batch_norm": batch_norm("mean", "var", "weight", "bias", "training", "momentum", "eps"),
    "nn.functional.batch_norm.without_cudnn": batch_norm("mean", "var", "weight", "bias", "training", "momentum", "eps"),
    "native_batch_norm": batch_norm("weight", "bias", "mean", "var", "training", "momentum", "eps"),
    "_native_batch_norm_legit": legit,
    "nn.functional.layer_norm": layer_norm(), "native_layer_norm": layer_norm(),
    "nn.functional.rms_norm": layer_norm("rms_norm", ("weight",)),
    "nn.functional.group_norm": group_norm, "native_group_norm": native_group_norm,
    "nn.functional.instance_norm": instance_norm,
    "constant_pad_nd": constant_pad, "nn.functional.pad.constant": pad("constant"),
    "nn.functional.pad.reflect": pad("reflect"), "nn.functional.pad.replicate": pad("replicate"),
    "nn.functional.pad.replicate_negative": pad("replicate"), "nn.functional.pad.circular": pad("circular"),
    "nn.functional.upsample_bilinear": interpolate("bilinear", corners=True),
    "nn.functional.upsample_nearest": interpolate("nearest"),
    "nn.functional.grid_sample": grid_sample, "grid_sampler_2d": grid_sample, "grid_sampler_3d": grid_sample,
    "nn.functional.embedding": embedding, "nn.functional.embedding_bag": embedding_bag,
    "nn.functional.dropout": dropout, "nn.functional.softplus": softplus, "nn.functional.unfold": unfold,
    "nn.functional.scaled_dot_product_attention": attention,
    "nn.functional.one_hot": lambda s: ("one_hot", [s.input], attributes(**bind(s, "num_classes", num_classes=-1))),
    "nn.functional.binary_cross_entropy_with_logits": margin_loss(
        "binary_cross_entropy_with_logits", "target", optional=("weight", "pos_weight")),
    "nn.functional.multilabel_soft_margin_loss": margin_loss("multilabel_soft_margin_loss", "target", optional=("weight",)),
    "nn.functional.hinge_embedding_loss": margin_loss("hinge_embedding_loss", "target", margin=None),
    "nn.functional.margin_ranking_loss": margin_loss("margin_ranking_loss", "input2", "target", margin=None),
    "nn.functional.cosine_embedding_loss": margin_loss("cosine_embedding_loss", "input2", "target", margin=None),
    "nn.functional.triplet_margin_loss": margin_loss("triplet_margin_loss", "positive", "negative", margin=None, p=None,
                                                     eps=None, swap=None),
    "nn.functional.gaussian_nll_loss": margin_loss("gaussian_nll_loss", "target", "var", full=None, eps=None),
    "nn.functional.poisson_nll_loss": margin_loss("poisson_nll_loss", "target", log_input=None, full=None, eps=None),
})
for d in (1, 2, 3):
    MAP[f"nn.functional.conv{d}d"] = conv(f"conv{d}d", d)
    MAP[f"nn.functional.conv_transpose{d}d"] = conv(f"conv_transpose{d}d", d, True)
    MAP[f"nn.functional.max_pool{d}d"] = max_pool(f"max_pool{d}d", d)
    MAP[f"nn.functional.avg_pool{d}d"] = avg_pool(f"avg_pool{d}d", d)
    MAP[f"nn.functional.max_unpool{d}d"] = MAP[f"nn.functional.max_unpool{d}d.grad"] = unpool(f"max_unpool{d}d", d)
for m in ("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear"):
    MAP["nn.functional.interpolate." + m] = interpolate(m)

# ---- linear algebra

MAP.update({
    "linalg.det": unary("det"), "linalg.slogdet": unary("slogdet"),
    "linalg.inv": unary("inverse"), "linalg.solve": named("solve", "b", "left", inputs=("b",), left=None),
    "linalg.solve_triangular": named("solve_triangular", "b", "upper", "left", "unitriangular", inputs=("b",), left=None,
                                     unitriangular=None),
})
