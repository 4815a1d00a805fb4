#!/bin/bash
# A rounding that the program asks for does not happen once it is compiled: with PyTorch 2.13's torch.compile on a CPU
# x.bfloat16().float() is x, bit by bit, and likewise with float16, so a step of quantization written so does nothing; eager
# rounds. In JAX 0.10 on a CPU jax.jit keeps that pair where it is all there is, but what it is used for sees x unrounded:
# largest of |x.astype(bfloat16).astype(float32) - x| is 0. ONNX Runtime 1.32 on a CPU keeps the pair, too, but with an op
# without a float16 kernel between the two casts (Neg, Relu, Add, Sigmoid and most others) it drops both, also when told to
# optimize nothing: 70000 passes through a float16 graph as 70000, where float16 ends at 65504. What such a model is compared
# with should know it.
#
# Needs Python 3.11 or newer with venv, a C++ compiler, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 numpy jax==0.10.2 jaxlib==0.10.2 setuptools \
    onnx==1.23.2 onnxruntime==1.32.0
cat >"$place/rounding.py" <<'PY'
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper

torch.manual_seed(0)
x = torch.randn(4096)
for dtype in torch.bfloat16, torch.float16:
    def pair(x):
        return x.to(dtype).float()
    torch.compiler.reset()
    compiled, eager = torch.compile(pair)(x), pair(x)
    seen = torch.equal(compiled, x), torch.equal(eager, x)
    print(f"PyTorch {torch.__version__}, to {dtype} and back is the same bits: compiled {seen[0]}, eager {seen[1]}")
    assert seen == (True, False), "this has changed"

y = jnp.asarray(x.numpy())


def error(y):
    return jnp.abs(y.astype(jnp.bfloat16).astype(jnp.float32) - y).max()


seen = float(error(y)), float(jax.jit(error)(y))
print(f"JAX {jax.__version__}, largest error of rounding to bfloat16: {seen[0]:.4f}, under jit {seen[1]}")
assert seen[0] > 0.001 and seen[1] == 0, "this has changed"


def through_float16(op, level):
    nodes = [helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16)]
    if op:
        nodes.append(helper.make_node(op, ["h"], ["r"]))
    nodes.append(helper.make_node("Cast", ["r" if op else "h"], ["y"], to=TensorProto.FLOAT))
    of = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [of("x", TensorProto.FLOAT, [2])], [of("y", TensorProto.FLOAT, [2])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.array([70000, 0.1], np.float32)})[0]


for level in onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL:
    for op in None, "Relu":
        seen = through_float16(op, level)
        kept = np.array_equal(seen, np.array([70000, 0.1], np.float32))
        print(f"ONNX Runtime {onnxruntime.__version__}, {level}, 70000 and 0.1 to float16, {op or 'no op'}, and back: {seen}")
        assert kept == (op == "Relu"), "this has changed"
PY
TORCHINDUCTOR_CACHE_DIR="$place/cache" "$place/venv/bin/python" "$place/rounding.py"
