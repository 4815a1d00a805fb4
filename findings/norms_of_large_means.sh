#!/bin/bash
# Normalizing float32 whose mean is large beside its deviation (1000 and 1: raw sensor values, years, Kelvin): the variance as
# mean of squares less square of the mean has no digits left then, and who computes it so can't be told from the op's name. On a
# CPU PyTorch 2.13's group_norm of a contiguous tensor is right to 1e-4 and of the same tensor in channels_last wrong in the first
# digit; ONNX Runtime 1.32's LayerNormalization and InstanceNormalization are right, its GroupNormalization is not, and with a mean
# of 4000 gives NaN; Flax 0.12's LayerNorm, GroupNorm and BatchNorm (linen and nnx) are wrong unless use_fast_variance=False. A
# model moved from one of them to another, or to channels_last, computes something else. hone takes the mean off first.
#
# Needs Python 3.11 or newer with venv, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 onnx==1.23.2 onnxruntime==1.32.0
cat >"$place/norms.py" <<'PY'
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import flax
import jax.numpy as jnp
import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from flax import linen, nnx
from onnx import TensorProto, helper

CHANNELS, GROUPS = 32, 8


def onnx_norm(op, x, **attributes):
    n = x.shape[-1] if op == "LayerNormalization" else CHANNELS
    of = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node(op, ["x", "s", "b"], ["y"], **attributes)], "g",
                              [of("x", TensorProto.FLOAT, x.shape), of("s", TensorProto.FLOAT, [n]), of("b", TensorProto.FLOAT, [n])],
                              [of("y", TensorProto.FLOAT, x.shape)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x, "s": np.ones(n, np.float32), "b": np.zeros(n, np.float32)})[0]


def linen_norm(norm, x):
    n = x.shape[-1]
    params = {"params": {"scale": jnp.ones(n), "bias": jnp.zeros(n)}}
    if isinstance(norm, linen.BatchNorm):
        params["batch_stats"] = {"mean": jnp.zeros(n), "var": jnp.ones(n)}
        return np.asarray(norm.apply(params, x, mutable=["batch_stats"])[0])
    return np.asarray(norm.apply(params, x))


def errors(mean):
    x = (np.random.default_rng(0).standard_normal((4, CHANNELS, 8, 8)) + mean).astype(np.float32)
    t = torch.tensor(x)
    last, rows, eps = t.to(memory_format=torch.channels_last), x.reshape(4, CHANNELS, 64), 1e-5
    behind = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    layer = F.layer_norm(t.double().reshape(rows.shape), (64,)).numpy()
    group = F.group_norm(t.double(), GROUPS).numpy()
    batch = F.batch_norm(t.double(), None, None, training=True).numpy()
    instance = F.instance_norm(t.double()).numpy()
    front = (0, 3, 1, 2)
    seen = {
        "PyTorch layer_norm": (F.layer_norm(torch.tensor(rows), (64,)).numpy(), layer),
        "PyTorch group_norm, contiguous": (F.group_norm(t, GROUPS).numpy(), group),
        "PyTorch group_norm, channels_last": (F.group_norm(last, GROUPS).numpy(), group),
        "PyTorch batch_norm, channels_last": (F.batch_norm(last, None, None, training=True).numpy(), batch),
        "PyTorch instance_norm, channels_last": (F.instance_norm(last).numpy(), instance),
        "ONNX Runtime LayerNormalization": (onnx_norm("LayerNormalization", rows, axis=-1), layer),
        "ONNX Runtime InstanceNormalization": (onnx_norm("InstanceNormalization", x), instance),
        "ONNX Runtime GroupNormalization": (onnx_norm("GroupNormalization", x, num_groups=GROUPS), group),
        "Flax linen LayerNorm": (linen_norm(linen.LayerNorm(epsilon=eps), rows), layer),
        "Flax linen LayerNorm, use_fast_variance=False": (linen_norm(linen.LayerNorm(epsilon=eps, use_fast_variance=False), rows), layer),
        "Flax linen GroupNorm": (linen_norm(linen.GroupNorm(GROUPS, epsilon=eps), behind).transpose(front), group),
        "Flax linen BatchNorm": (linen_norm(linen.BatchNorm(False, epsilon=eps), behind).transpose(front), batch),
        "Flax nnx LayerNorm": (np.asarray(nnx.LayerNorm(64, epsilon=eps, rngs=nnx.Rngs(0))(rows)), layer),
    }
    return {name: float(np.abs(y - wanted).max()) for name, (y, wanted) in seen.items()}


print(f"PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}, Flax {flax.__version__}: largest error by mean, deviation 1")
by_mean = {mean: errors(mean) for mean in (10, 1000, 4000)}
for name in by_mean[10]:
    print(f"{name:46}", *(f"{mean}: {by_mean[mean][name]:.2g}" for mean in by_mean))
wrong = {name for name, error in by_mean[1000].items() if not error < 0.01}
assert wrong == {"PyTorch group_norm, channels_last", "ONNX Runtime GroupNormalization", "Flax linen LayerNorm",
                 "Flax linen GroupNorm", "Flax linen BatchNorm", "Flax nnx LayerNorm"}, f"this has changed: {wrong}"
assert all(by_mean[1000][name] > 0.1 for name in wrong), "this has changed"
assert np.isnan(by_mean[4000]["ONNX Runtime GroupNormalization"]), "this has changed"
PY
"$place/venv/bin/python" "$place/norms.py" 2>/dev/null
