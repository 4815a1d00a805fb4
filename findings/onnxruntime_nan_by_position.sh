#!/bin/bash
# ONNX Runtime 1.32 on an x86-64 CPU: whether a NaN gets through a maximum depends on where it stands. MaxPool of one 3 x 3 window over 0 to 8
# gives NaN if it is the last but one, 7 if it takes the 8's place, and else 8 as if it weren't there; of a 2 x 2 window only the
# last gives NaN, and over a wider picture the same place in a window gives NaN in one column of windows and not in another.
# ReduceMax of 8 numbers gives NaN for a NaN in the first place, and in the places 1 and 3 takes the largest number, 7, away with
# it: 6 along rows, 7 along columns. ArgMax of 37 numbers names the NaN in every fourth place and the largest number elsewhere.
# Relu and Max (of two tensors) always keep it. So an exported network that PyTorch runs to NaN can answer with plausible numbers
# here, and a NaN in a result is no test of whether there was one. PyTorch, NumPy and hone give NaN in each of these cases.
#
# Needs Python 3.11 or newer with venv, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
cat >"$place/nan.py" <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

TYPES = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("int64"): TensorProto.INT64}


def run(op, *inputs, **attributes):
    names = [f"x{i}" for i in range(len(inputs))]
    graph = helper.make_graph(
        [helper.make_node(op, names, ["y"], **attributes)], "g",
        [helper.make_tensor_value_info(n, TYPES[x.dtype], x.shape) for n, x in zip(names, inputs)],
        [helper.make_tensor_value_info("y", TensorProto.INT64 if op == "ArgMax" else TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip(names, inputs)))[0]


def with_nan(*shape):
    """0, 1, 2 .. in the shape, a NaN in each place in turn."""
    for i in range(int(np.prod(shape))):
        x = np.arange(np.prod(shape), dtype=np.float32)
        x[i] = np.nan
        yield x.reshape(shape)


def firsts(op, *shape, **attributes):
    return [run(op, x, **attributes).ravel()[0].item() for x in with_nan(*shape)]


nan = float("nan")
axis = lambda i: np.array([i], np.int64)
seen = {
    "MaxPool 2 x 2": firsts("MaxPool", 1, 1, 2, 2, kernel_shape=[2, 2]),
    "MaxPool 3 x 3": firsts("MaxPool", 1, 1, 3, 3, kernel_shape=[3, 3]),
    "MaxPool of 3": firsts("MaxPool", 1, 1, 3, kernel_shape=[3]),
    "GlobalMaxPool 3 x 3": firsts("GlobalMaxPool", 1, 1, 3, 3),
    "ReduceMax of a row": [run("ReduceMax", x, axis(1), keepdims=0)[0].item() for x in with_nan(1, 8)],
    "ReduceMax of a column": [run("ReduceMax", np.repeat(x, 2, 1), axis(0), keepdims=0)[0].item() for x in with_nan(8, 1)],
}
found = [i for i, x in enumerate(with_nan(37)) if run("ArgMax", x, axis=0, keepdims=0) == i]
windows = [int(np.isnan(run("MaxPool", x, kernel_shape=[2, 2])).sum()) for x in with_nan(1, 1, 2, 8)]
kept = {op: all(np.isnan(run(op, *x)).all() for x in ((np.full(37, nan, np.float32),) * n,)) for op, n in (("Relu", 1), ("Max", 2))}

print(f"ONNX Runtime {onnxruntime.__version__}: a NaN in each place of 0, 1, 2 .. in turn")
for name, values in seen.items():
    print(f"{name:22}", values)
print("ArgMax of 37 finds the NaN in", found)
print("MaxPool 2 x 2 of 2 rows of 8: windows with NaN", windows)
print("all NaN stays NaN:", kept)

wanted = {
    "MaxPool 2 x 2": [3, 3, 3, nan],
    "MaxPool 3 x 3": [8, 8, 8, 8, 8, 8, 8, nan, 7],
    "MaxPool of 3": [2, 2, 1],
    "GlobalMaxPool 3 x 3": [8, 8, 8, 8, 8, 8, 8, nan, 7],
    "ReduceMax of a row": [nan, 6, 7, 6, 7, 7, 7, 6],
    "ReduceMax of a column": [nan, 7, 7, 7, 7, 7, 7, 6],
}
for name, values in wanted.items():
    assert np.array_equal(seen[name], values, equal_nan=True), f"this has changed: {name}"
assert found == list(range(0, 36, 4)), "this has changed: ArgMax"
assert windows == [0] * 9 + [1] * 7, "this has changed: MaxPool of 2 rows"
assert kept == {"Relu": True, "Max": True}, "this has changed: Relu, Max"
PY
"$place/venv/bin/python" "$place/nan.py"
