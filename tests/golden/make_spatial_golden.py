"""Makes pytorch_spatial.safetensors beside it: what PyTorch's convolutions, poolings, interpolations
and the like give for small inputs, and their gradients, computed in f64. Deterministic; torch 2.13 and
safetensors 0.8.0 made what is committed.

    python make_spatial_golden.py

A case has a name "number op attributes", as hone_call() takes them, and tensors whose names begin
with it: "|in0" .., "|out0" .. (a second one holds indices), and "|grad0" .. of the sum of out0 times
(1, 2, 3, 4, 5, 1, 2, ..) by the inputs that are floats. test_golden_spatial.c runs them.
"""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

place = pathlib.Path(__file__).parent
torch.manual_seed(15)
tensors, cases = {}, 0


def values(*shape):
    """Multiples of 1/32, which f32 holds, too."""
    return torch.randint(-64, 65, shape).double() / 32


def case(op, attributes, function, *inputs):
    global cases
    name = f"{cases:03} {op} {attributes}"
    cases += 1
    inputs = [t.clone().requires_grad_(t.is_floating_point()) for t in inputs]
    out = function(*inputs)
    out = out if isinstance(out, tuple) else (out,)
    weights = (torch.arange(out[0].numel(), dtype=torch.float64) % 5 + 1).view(out[0].shape)
    floats = [t for t in inputs if t.requires_grad]
    grads = torch.autograd.grad((out[0] * weights).sum(), floats)
    for kind, of in ("in", inputs), ("out", out), ("grad", grads):
        for i, t in enumerate(of):
            small = kind == "in" and t.is_floating_point()  # they are exact
            tensors[f"{name}|{kind}{i}"] = (t.float() if small else t).detach().contiguous()


def conv(op, attributes, function, x, w, b, **options):
    inputs = [values(*x), values(*w)] + ([values(b)] if b else [])
    case(op, attributes, lambda x, w, b=None: function(x, w, b, **options), *inputs)


conv("conv3d", "", F.conv3d, (2, 2, 3, 4, 3), (3, 2, 2, 2, 2), 3)
conv("conv3d", "stride=2,1,2 padding=1,0,2 dilation=1,2,1 groups=2", F.conv3d, (1, 4, 3, 4, 3),
     (4, 2, 2, 2, 3), 4, stride=(2, 1, 2), padding=(1, 0, 2), dilation=(1, 2, 1), groups=2)
conv("conv3d", "auto_pad=same dilation=1,2,1", F.conv3d, (2, 3, 4, 3), (2, 2, 2, 2, 3), 0,
     padding="same", dilation=(1, 2, 1))
conv("conv3d", "auto_pad=valid groups=3", F.conv3d, (1, 3, 2, 3, 3), (3, 1, 1, 2, 2), 3,
     padding="valid", groups=3)
conv("conv_transpose3d", "", F.conv_transpose3d, (1, 2, 2, 3, 2), (2, 3, 2, 2, 3), 3)
conv("conv_transpose3d", "stride=2,1,3 padding=1,0,1 output_padding=1,0,2 groups=2",
     F.conv_transpose3d, (2, 4, 2, 2, 2), (4, 1, 2, 2, 3), 2, stride=(2, 1, 3), padding=(1, 0, 1),
     output_padding=(1, 0, 2), groups=2)
conv("conv_transpose3d", "dilation=3,1,2 output_padding=2,0,1", F.conv_transpose3d,
     (2, 2, 2, 2), (2, 2, 2, 1, 2), 2, dilation=(3, 1, 2), output_padding=(2, 0, 1))
conv("conv_transpose2d", "stride=2,3 padding=1,0 output_padding=1,2", F.conv_transpose2d,
     (1, 2, 3, 2), (2, 2, 3, 2), 2, stride=(2, 3), padding=(1, 0), output_padding=(1, 2))
conv("conv_transpose1d", "stride=2 padding=1", F.conv_transpose1d, (2, 2, 4), (2, 3, 3), 3,
     stride=2, padding=1)

for attributes, options in (
        ("kernel_size=2", dict(kernel_size=2)),
        ("kernel_size=3,2,2 stride=1,2,1 padding=1,0,1 ceil_mode=true",
         dict(kernel_size=(3, 2, 2), stride=(1, 2, 1), padding=(1, 0, 1), ceil_mode=True)),
        ("kernel_size=2 stride=1 dilation=1,2,1",
         dict(kernel_size=2, stride=1, dilation=(1, 2, 1)))):
    case("max_pool3d", attributes, lambda x: F.max_pool3d(x, return_indices=True, **options),
         values(1, 2, 3, 5, 4))
for attributes, options in (
        ("kernel_size=2", dict(kernel_size=2)),
        ("kernel_size=3,2,2 stride=2 padding=1,1,0 ceil_mode=true",
         dict(kernel_size=(3, 2, 2), stride=2, padding=(1, 1, 0), ceil_mode=True)),
        ("kernel_size=3,2,2 stride=2 padding=1,0,1 ceil_mode=true count_exclude_pad=true",
         dict(kernel_size=(3, 2, 2), stride=2, padding=(1, 0, 1), ceil_mode=True,
              count_include_pad=False)),
        ("kernel_size=2,3,1 divisor_override=5",
         dict(kernel_size=(2, 3, 1), divisor_override=5))):
    case("avg_pool3d", attributes, lambda x: F.avg_pool3d(x, **options), values(1, 2, 3, 5, 4))
for size in ((2, 3, 4), (1, 1, 1), (5, 2, 7)):
    attributes = "depth=%d height=%d width=%d" % size
    case("adaptive_avg_pool3d", attributes, lambda x: F.adaptive_avg_pool3d(x, size),
         values(2, 3, 5, 4))
    case("adaptive_max_pool3d", attributes,
         lambda x: F.adaptive_max_pool3d(x, size, return_indices=True), values(2, 3, 5, 4))


def places(shape, of):
    """Different places of each plane."""
    n = 1
    for extent in shape[2:]:
        n *= extent
    rows = [torch.randperm(of)[:n] for _ in range(shape[0] * shape[1])]
    return torch.stack(rows).view(shape)


case("max_unpool1d", "kernel_size=2", lambda x, i: F.max_unpool1d(x, i, 2), values(2, 2, 3),
     places((2, 2, 3), 6))
case("max_unpool2d", "kernel_size=3,2 stride=2 padding=1,0",
     lambda x, i: F.max_unpool2d(x, i, (3, 2), 2, (1, 0)), values(1, 2, 3, 2),
     places((1, 2, 3, 2), 20))
case("max_unpool2d", "kernel_size=2 output_size=7,5",
     lambda x, i: F.max_unpool2d(x, i, 2, output_size=(7, 5)), values(1, 2, 3, 2),
     places((1, 2, 3, 2), 35))
case("max_unpool3d", "kernel_size=2", lambda x, i: F.max_unpool3d(x, i, 2), values(1, 2, 1, 2, 2),
     places((1, 2, 1, 2, 2), 32))

case("pixel_shuffle", "upscale_factor=2", lambda x: F.pixel_shuffle(x, 2), values(2, 8, 2, 3))
case("pixel_unshuffle", "downscale_factor=3", lambda x: F.pixel_unshuffle(x, 3), values(2, 3, 6))
windows = dict(kernel_size=(2, 3), dilation=(2, 1), padding=(1, 2), stride=(1, 2))
attributes = "kernel_size=2,3 dilation=2,1 padding=1,2 stride=1,2"
case("unfold", attributes, lambda x: F.unfold(x, **windows), values(2, 2, 4, 5))
case("fold", "height=4 width=5 " + attributes, lambda x: F.fold(x, (4, 5), **windows),
     values(2, 12, 16))

extents = {1: (7,), 2: (4, 5), 3: (2, 3, 4)}
sizes = {1: (11,), 2: (7, 3), 3: (3, 2, 5)}
for mode, dims in (("nearest", 1), ("nearest", 2), ("nearest", 3), ("nearest-exact", 1),
                   ("nearest-exact", 2), ("nearest-exact", 3), ("linear", 1), ("bilinear", 2),
                   ("bicubic", 2), ("trilinear", 3)):
    for corners in (False, True) if "linear" in mode or "cubic" in mode else (None,):
        for given, options in (
                ("size=" + ",".join(map(str, sizes[dims])), dict(size=sizes[dims])),
                ("scale_factor=1.7", dict(scale_factor=1.7)),
                ("scale_factor=0.6", dict(scale_factor=0.6)),
                ("scale_factor=2.3 recompute_scale_factor=true",
                 dict(scale_factor=2.3, recompute_scale_factor=True))):
            if "0.6" in given and (dims == 3 or corners):
                continue  # little that the others don't have
            case("interpolate", f"{given} mode={mode}" + (" align_corners=true" if corners else ""),
                 lambda x: F.interpolate(x, mode=mode, align_corners=corners, **options),
                 values(1, 1, *extents[dims]))

for mode in "bilinear", "nearest", "bicubic":
    for padding in "zeros", "border", "reflection":
        for corners in False, True:
            for dims in (2,) if mode == "bicubic" else (2, 3):
                grid = torch.rand(1, *(3, 4, 2)[3 - dims:], dims, dtype=torch.float64) * 3.4 - 1.7
                grid = (grid * 256).round() / 256 + 1 / 1024  # near no element and no half
                case("grid_sample",
                     f"mode={mode} padding_mode={padding} align_corners={str(corners).lower()}",
                     lambda x, grid: F.grid_sample(x, grid, mode, padding, corners),
                     values(1, 2, *(3, 4, 5)[3 - dims:]), grid)

file = place / "pytorch_spatial.safetensors"
save_file(tensors, file)
print(cases, "cases,", file.stat().st_size, "bytes")
