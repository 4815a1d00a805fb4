"""convert.py HONE FILES: what hone convert writes of tests/golden/files, read by numpy, safetensors and gguf."""
import subprocess
import sys

import gguf
import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

hone, files = sys.argv[1:]


def convert(*words):
    subprocess.run([hone, "convert", *words], check=True)


def expected(name, n=6):
    i = np.arange(n)
    if name[0] == "U" or name[0] == "u":
        return i
    if name in ("BOOL", "b1"):
        return i % 2
    return i - 2 if name[0] in "Ii" else (i - 2) / 2


# hone's own dtypes through each format, and those that it widens
source = np.load(files + "/numpy.npz")
keep = [k for k in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1 be_f4 be_i8".split()]
np.savez("in.npz", zero_d=source["zero_d"], empty=source["empty"], fortran=source["fortran"], **{k: source[k] for k in keep})
widened = {"f2": "f4", "i1": "i4", "i2": "i4", "u2": "i4", "u4": "i8", "u8": "i8"}

convert("in.npz", "out.npz")
out = np.load("out.npz")
assert set(out.files) == set(keep) | {"zero_d", "empty", "fortran"}
for k in keep:
    kind = k.replace("be_", "")
    assert out[k].dtype == np.dtype("?" if kind == "b1" else widened.get(kind, kind)), (k, out[k].dtype)
    assert np.array_equal(out[k].ravel(), expected(kind)) and out[k].shape == (2, 3), k
assert out["zero_d"].shape == () and out["zero_d"] == -1 and out["empty"].shape == (3, 0, 2)
assert np.array_equal(out["fortran"], source["fortran"])

convert("in.npz", "out.safetensors")
read = safetensors.numpy.load_file("out.safetensors")
for k in out.files:
    assert read[k].dtype == out[k].dtype and np.array_equal(read[k], out[k]), k

for dtype, torch_dtype in (("f16", torch.float16), ("bf16", torch.bfloat16)):
    values = np.concatenate([np.random.default_rng(0).standard_normal(10000) * 10.0 ** np.random.default_rng(1).integers(-9, 6, 10000),
                             [np.inf, -np.inf, np.nan, 65504, 65519.9, 65520, 1e-8, -6e-8, 0.0, -0.0, 3.4e38]])
    for wide in (np.float32, np.float64):
        x = values.astype(wide)
        np.save("x.npy", x)
        convert("x.npy", "half.safetensors", "--dtype", dtype)
        got = safetensors.torch.load_file("half.safetensors")["array"]
        if dtype == "f16":
            with np.errstate(over="ignore"):
                want = torch.from_numpy(x.astype(np.float16)) # rounds once, also from f64
        else:
            want = torch.from_numpy(x).to(torch_dtype)
        assert got.dtype == torch_dtype
        same = (got == want) | (got.isnan() & want.isnan())
        if wide is np.float64 and dtype == "bf16": # PyTorch rounds by way of f32, twice
            assert (~same).sum() <= 3
        else:
            assert bool(same.all()), (dtype, wide, got[~same], want[~same])

np.savez("some.npz", **{k: source[k] for k in ("f4", "f8", "i4", "i8", "f2")})
for floats, kind in (((), np.float32), (("--dtype", "f16"), np.float16)):
    convert("some.npz", "out.gguf", *floats)
    tensors = {t.name: t for t in gguf.GGUFReader("out.gguf").tensors}
    assert set(tensors) == {"f4", "f8", "i4", "i8", "f2"}
    for k, t in tensors.items():
        assert np.array_equal(t.data.ravel(), expected(k)), k
        assert list(t.shape) == [3, 2], (k, t.shape)
    assert tensors["f4"].data.dtype == kind
convert("out.safetensors", "shards.safetensors", "--shards", "1")
