#!/usr/bin/env python3
"""train_by_name.py LIBRARY: trains a small network from Python, by hone_call alone (see hone/call.h)."""
import array
import ctypes as c
import sys


class List(c.Structure):  # hone_tensor_list
    _fields_ = [("at", c.POINTER(c.c_void_p)), ("n", c.c_int)]


class Scope(c.Structure):  # hone_scope
    _fields_ = [("mark", c.c_size_t)]


hone = c.CDLL(sys.argv[1])
for name, result, *arguments in [
        ("call", List, c.c_char_p, List, c.c_char_p), ("error_message", c.c_char_p), ("scope_enter", Scope),
        ("scope_leave", None, Scope), ("retain", c.c_void_p, c.c_void_p), ("release", None, c.c_void_p),
        ("randn_v", c.c_void_p, c.POINTER(c.c_int64)), ("zeros_v", c.c_void_p, c.POINTER(c.c_int64)),
        ("requires_grad_", c.c_void_p, c.c_void_p, c.c_bool), ("grad", c.c_void_p, c.c_void_p),
        ("backward", c.c_int, c.c_void_p), ("item", c.c_double, c.c_void_p), ("seed", None, c.c_uint64),
        ("set_grad_enabled", c.c_bool, c.c_bool), ("copy_in", c.c_int, c.c_void_p, c.c_void_p, c.c_size_t)]:
    function = getattr(hone, "hone_" + name)
    function.restype, function.argtypes = result, arguments


def call(op, *tensors, **attributes):
    text = " ".join(f"{name}={value}" for name, value in attributes.items())
    out = hone.hone_call(op.encode(), List((c.c_void_p * len(tensors))(*tensors), len(tensors)), text.encode())
    if not out.at:
        sys.exit(hone.hone_error_message().decode())
    return out.at[0]


def new(make, *extents, dtype=0, scale=None):  # HONE_F32; the list ends with HONE_END_DIM
    t = make((c.c_int64 * (len(extents) + 2))(dtype, *extents, -2**63))
    return hone.hone_retain(call("mul_scalar", t, s=scale) if scale else t)


hone.hone_seed(0)
x, y = new(hone.hone_randn_v, 256, 8), new(hone.hone_zeros_v, 256, dtype=2)
where = array.array("q", [i % 4 for i in range(256)])  # four classes around four centres
hone.hone_copy_in(y, where.buffer_info()[0], 8 * 256)
x = hone.hone_retain(call("add", x, call("index", new(hone.hone_randn_v, 4, 8, scale=2), y)))
parameters = [new(hone.hone_randn_v, 8, 32, scale=0.5), new(hone.hone_zeros_v, 32),
              new(hone.hone_randn_v, 32, 4, scale=0.2), new(hone.hone_zeros_v, 4)]
losses = []
for step in range(60):
    scope = hone.hone_scope_enter()
    w1, b1, w2, b2 = [hone.hone_requires_grad_(p, True) for p in parameters]
    loss = call("cross_entropy", call("linear", call("linear_relu", x, w1, b1), w2, b2), y)
    hone.hone_backward(loss)
    losses.append(hone.hone_item(loss))
    hone.hone_set_grad_enabled(False)
    for p in parameters:
        call("sub_", p, call("mul_scalar", hone.hone_grad(p), s=0.3))
        call("fill_", hone.hone_grad(p), value=0)
    hone.hone_set_grad_enabled(True)
    hone.hone_scope_leave(scope)
for t in (x, y, *parameters):
    hone.hone_release(t)
print("losses", *(f"{loss:.4f}" for loss in losses[::10]), f"{losses[-1]:.4f}")
falls = all(later < earlier for earlier, later in zip(losses[::10], losses[10::10]))
sys.exit(0 if falls and losses[-1] < 0.3 * losses[0] else "the losses don't fall as they should")
