"""check.py DIR: the files of cases.c by onnx's checker and by onnxruntime, against hone's own results. onnx 1.23 and
onnxruntime 1.32 were used."""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    x, y = np.load(path.with_suffix(".x.npy")), np.load(path.with_suffix(".y.npy"))
    got = onnxruntime.InferenceSession(path).run(None, {"input": x})[0]
    assert got.shape == y.shape and got.dtype == y.dtype, (path.name, got.shape, y.shape)
    error = np.abs(got - y).max() / np.abs(y).max()
    print(f"{path.name}: {len(model.graph.node)} nodes, largest difference {error:.1e} of the largest result")
    assert error < 2e-5, path.name
