#!/usr/bin/env python3
"""Files as numpy, safetensors, PyTorch and gguf write them, into tests/golden/files.

    make_files_golden.py              writes them (numpy 2.4, safetensors 0.8, torch 2.13, gguf 0.19, ml_dtypes)

test_files_golden.c reads them by hone. tests/cli/convert.py does it the other way round.

Element i of a tensor is i - 2 for signed integers, (i - 2) / 2 for floats, i for unsigned ones, i % 2 for bools,
and 2^(i - 2) for what has powers of two only; a tensor "NAME" is of shape [2, 3] unless its name says otherwise."""
import operator
import os
import pickle
import struct
import zipfile
from collections import OrderedDict

import gguf
import ml_dtypes
import numpy as np
import safetensors.torch
import torch

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")


def path(name):
    return os.path.join(HERE, name)


def floats(n=6):
    return (np.arange(n) - 2) / 2


def array(dtype, shape=(2, 3)):
    n = int(np.prod(shape))
    kind = np.dtype(dtype).kind
    values = {"f": floats(n), "c": floats(n), "i": np.arange(n) - 2, "u": np.arange(n), "b": np.arange(n) % 2}[kind]
    return values.astype(dtype).reshape(shape)


# ---- numpy


def numpy_files():
    le = {d: array("<" + d) for d in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8".split()}
    be = {"be_" + d: array(">" + d) for d in "f2 f4 f8 i2 i4 i8 u2 u4 u8".split()}
    more = {
        "b1": array("?"),
        "fortran": np.asfortranarray(array("<f4", (2, 3, 4))),
        "be_fortran": np.asfortranarray(array(">i4", (3, 2))),
        "one_row": np.asfortranarray(array("<f4", (1, 5))),  # both orders: fortran_order is False
        "zero_d": array("<f8", ()),
        "empty": array("<f4", (3, 0, 2)),
        "deep": array("<i4", (1,) * 9),
        "c8": array("<c8"),
        "text": np.array(["a", "bc"]),
        "objects": np.array([None, 1], dtype=object),
        "bf16": floats().astype(ml_dtypes.bfloat16),
        "e4m3": floats().astype(ml_dtypes.float8_e4m3fn),
        "e5m2": floats().astype(ml_dtypes.float8_e5m2),
        "large_u8": np.array([1 << 63], dtype="<u8"),
    }
    struct_ = {"struct": np.zeros(2, dtype=np.dtype([("x", "<i4"), ("y", "<f8")], align=True))}
    np.savez(path("numpy.npz"), **le, **be, **more, **struct_, allow_pickle=True)
    np.savez_compressed(path("numpy_compressed.npz"), a=array("<f4"), b=np.zeros(4000))
    np.savez(path("numpy_names.npz"), **{"a.npy": array("<i4"), "a": array("<f4"), "dir/b": array("<f8")})
    np.savez(path("numpy_none.npz"))
    old = zipfile.ZIP64_LIMIT
    zipfile.ZIP64_LIMIT = 16  # so that the central directory has zip64 records
    np.savez(path("numpy_zip64.npz"), x=array("<f4"), y=array("<i8"))
    zipfile.ZIP64_LIMIT = old
    read, write = os.pipe()
    with os.fdopen(write, "wb") as stream:
        np.savez(stream, x=array("<f4"))
    with os.fdopen(read, "rb") as stream, open(path("numpy_pipe.npz"), "wb") as out:
        out.write(stream.read())
    np.save(path("v1.npy"), array("<f4"))
    for version in (2, 3):
        with open(path("v%d.npy" % version), "wb") as out:
            np.lib.format.write_array(out, array("<f4"), version=(version, 0))
    np.save(path("fortran.npy"), np.asfortranarray(array("<f4", (2, 3, 4))))
    np.save(path("bf16.npy"), floats().astype(ml_dtypes.bfloat16))


# ---- safetensors


TORCH = {
    "F32": torch.float32, "F64": torch.float64, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32, "I64": torch.int64,
    "U8": torch.uint8, "U16": torch.uint16, "U32": torch.uint32, "U64": torch.uint64, "BOOL": torch.bool,
    "C64": torch.complex64,
}


def tensor(name, shape=(2, 3)):
    dtype = TORCH[name]
    n = int(np.prod(shape))
    if name[0] == "I":
        values = torch.arange(n) - 2
    elif name[0] == "U":
        values = torch.arange(n)
    elif name == "BOOL":
        values = torch.arange(n) % 2
    else:
        values = (torch.arange(n) - 2) / 2
    return values.to(dtype).reshape(shape)


def safetensors_files():
    state = {name: tensor(name) for name in TORCH}
    state["F8_E8M0"] = torch.tensor([0.25, 0.5, 1, 2, 4, 8]).to(torch.float8_e8m0fnu).reshape(2, 3)
    state["zero_d"] = tensor("F32", ())
    state["empty"] = tensor("F32", (3, 0, 2))
    safetensors.torch.save_file(state, path("dtypes.safetensors"), {"key": "value"})
    # every code of the small floats, with what PyTorch makes of it
    codes = {}
    for name in ("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"):
        x = torch.arange(256, dtype=torch.int32).to(torch.uint8).view(TORCH[name])
        codes[name] = x
        codes[name + ".f32"] = x.to(torch.float32)
    x = torch.arange(256, dtype=torch.int32).to(torch.uint8).view(torch.float8_e8m0fnu)
    codes["F8_E8M0"], codes["F8_E8M0.f32"] = x, x.to(torch.float32)
    safetensors.torch.save_file(codes, path("codes.safetensors"))


# ---- PyTorch


def torch_files():
    torch.manual_seed(0)
    torch.save({name: tensor(name) for name in TORCH}, path("dtypes.pt"))
    thousand = torch.arange(1000, dtype=torch.float32)
    two = torch.arange(12, dtype=torch.float32)
    parameter = torch.nn.Parameter(tensor("F32"))
    with_state = torch.nn.Parameter(tensor("F32"))
    with_state.note = "attribute"
    with_attribute = tensor("F32")
    with_attribute.note = "attribute"
    torch.save(
        {
            "ten": thousand[100:110],
            "first": two[:6].view(2, 3), "second": two[6:],
            "turned": tensor("F32").t(), "expanded": torch.ones(1, 3).expand(4, 3),
            "zero_d": tensor("F64", ()), "empty": tensor("F32", (3, 0, 2)),
            "negated": torch._neg_view(tensor("F32")), "conjugated": torch.conj(tensor("C64")),
            "parameter": parameter, "with_state": with_state, "with_attribute": with_attribute,
            "nested": {"list": [tensor("I64"), {"deep": tensor("U8")}], "tuple": (tensor("F32"), 1)},
            "epoch": 12, "lr": 0.1, "name": "hone", "nothing": None, "on": True, "large": 1 << 70, 3: tensor("I32"),
        },
        path("views.pt"),
    )
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    with torch.no_grad():
        net[0].weight.copy_(tensor("F32"))
    torch.save(net.state_dict(), path("state.pt"))
    optim = torch.optim.Adam(net.parameters())
    net(torch.ones(4, 3)).sum().backward()
    optim.step()
    torch.save({"model": net.state_dict(), "optimizer": optim.state_dict()}, path("checkpoint.pt"))
    torch.serialization.set_crc32_options(False)
    torch.save({"x": tensor("F32")}, path("no_crc.pt"))
    torch.serialization.set_crc32_options(True)
    torch.utils.serialization.config.save.storage_alignment = 4096
    torch.save({"x": tensor("F32")}, path("aligned.pt"))
    torch.utils.serialization.config.save.storage_alignment = 64
    torch.save({"x": tensor("F32")}, path("legacy.pt"), _use_new_zipfile_serialization=False)
    torch.save({"x": tensor("F32")}, path("protocol4.pt"), pickle_protocol=4)
    torch.save({"x": tensor("F32"), "key": operator.itemgetter(1)}, path("foreign.pt"))
    torch.save(net, path("module.pt"))
    torch.save(tensor("F32"), path("alone.pt"))


# ---- GGUF


def gguf_files():
    w = gguf.GGUFWriter(path("small.gguf"), "test")
    w.add_string("test.text", "value")
    w.add_uint32("test.number", 7)
    w.add_float32("test.real", 0.5)
    w.add_bool("test.on", True)
    w.add_array("test.list", ["a", "b"])
    wide = ((np.arange(64) - 30) / 4).astype(np.float32).reshape(2, 32)
    types = gguf.GGMLQuantizationType
    w.add_tensor("f32", array("<f4"))
    w.add_tensor("f16", array("<f2"))
    w.add_tensor("f64", array("<f8"))
    for name, kind in (("i8", "i1"), ("i16", "i2"), ("i32", "i4"), ("i64", "i8")):
        w.add_tensor(name, array("<" + kind))
    w.add_tensor("bf16", gguf.quants.quantize(array("<f4"), types.BF16), raw_dtype=types.BF16)
    for name, kind in (("q8_0", types.Q8_0), ("q4_0", types.Q4_0), ("mxfp4", types.MXFP4)):
        w.add_tensor(name, gguf.quants.quantize(wide, kind), raw_dtype=kind)
    for name, kind in (("q8_0", types.Q8_0), ("q4_0", types.Q4_0)):
        w.add_tensor(name + ".f32", gguf.quants.dequantize(gguf.quants.quantize(wide, kind), kind))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


# ---- llm.c: 256 int32 of header, then the tensors


def llmc_files():
    layers, heads, width, context, vocab, padded = 2, 2, 8, 4, 10, 16
    shapes = OrderedDict(wte=(padded, width), wpe=(context, width))
    per = [("ln1w", (width,)), ("ln1b", (width,)), ("qkvw", (3 * width, width)), ("qkvb", (3 * width,)),
           ("attprojw", (width, width)), ("attprojb", (width,)), ("ln2w", (width,)), ("ln2b", (width,)),
           ("fcw", (4 * width, width)), ("fcb", (4 * width,)), ("fcprojw", (width, 4 * width)), ("fcprojb", (width,))]
    for name, shape in per:
        shapes[name] = (layers,) + shape
    shapes.update(lnfw=(width,), lnfb=(width,))
    for version, dtype, name in ((3, np.float32, "llmc_f32.bin"), (5, ml_dtypes.bfloat16, "llmc_bf16.bin")):
        header = np.zeros(256, dtype="<i4")
        header[:8] = 20240326, version, context, vocab, layers, heads, width, padded
        with open(path(name), "wb") as out:
            out.write(header.tobytes())
            for k, shape in enumerate(shapes.values()):  # element i of tensor k is k + i % 100 / 4
                n = int(np.prod(shape))
                out.write((k + np.arange(n) % 100 / 4).astype(dtype).tobytes())


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    numpy_files()
    safetensors_files()
    torch_files()
    gguf_files()
    llmc_files()
