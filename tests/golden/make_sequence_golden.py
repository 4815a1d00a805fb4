"""Makes pytorch_sequence.safetensors beside it: recurrences over a sequence, attention, embedding_bag and losses, with what
PyTorch gives for them and the gradients of sum(result * weight), all f64. Deterministic; torch 2.13 and safetensors 0.8.0 made
what is committed.

    python make_sequence_golden.py
"""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

place = pathlib.Path(__file__).parent
torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
out = {}


def put(name, result, inputs):
    """result and the gradients that `weight.name` sends back to the inputs."""
    weight = torch.randn(result.shape)
    grads = torch.autograd.grad((result * weight).sum(), list(inputs.values()), allow_unused=True)
    out[f"{name}.result"], out[f"{name}.weight"] = result.detach(), weight
    for (key, value), grad in zip(inputs.items(), grads):
        out[f"{name}.{key}"] = value.detach()
        out[f"{name}.{key}.grad"] = torch.zeros_like(value) if grad is None else grad


def leaf(*shape):
    return torch.randn(*shape).requires_grad_()


# Two layers in both directions, batch first; output, h_n (and c_n) joined flat.
for name, make in [("rnn_tanh", torch.nn.RNN), ("gru", torch.nn.GRU), ("lstm", torch.nn.LSTM)]:
    net = make(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    inputs = {"x": leaf(2, 5, 3), "h0": leaf(4, 2, 4)}
    states = inputs["h0"]
    if name == "lstm":
        inputs["c0"] = leaf(4, 2, 4)
        states = (inputs["h0"], inputs["c0"])
    y, h = net(inputs["x"], states)
    inputs |= {f"w{i:02}": p for i, p in enumerate(net.parameters())}
    put(name, torch.cat([t.reshape(-1) for t in (y, *(h if name == "lstm" else (h,)))]), inputs)

# Lengths of several blocks; grouped heads, a triangle, a mask.
inputs = {"q": leaf(1, 2, 260, 3), "k": leaf(1, 1, 132, 3), "v": leaf(1, 1, 132, 2)}
put("causal", F.scaled_dot_product_attention(*inputs.values(), is_causal=True, enable_gqa=True), inputs)
inputs = {"q": leaf(2, 2, 9, 6), "k": leaf(2, 2, 11, 6), "v": leaf(2, 2, 11, 5)}
out["masked.mask"] = mask = torch.rand(9, 11) > 0.4
put("masked", F.scaled_dot_product_attention(*inputs.values(), attn_mask=mask, scale=0.7), inputs)

out["bag.at"], out["bag.offsets"] = at, offsets = torch.randint(0, 6, (9,)), torch.tensor([0, 2, 2, 5])
for mode in ("mean", "sum", "max"):
    inputs = {"w": leaf(6, 4)}
    put(f"bag_{mode}", F.embedding_bag(at, inputs["w"], offsets, mode=mode, padding_idx=2), inputs)

inputs = {"x": leaf(12, 3, 5)}
out["ctc.targets"], out["ctc.steps"], out["ctc.lengths"] = targets, steps, lengths = (
    torch.tensor([[1, 1, 2], [3, 4, 4], [2, 0, 0]]), torch.tensor([12, 9, 7]), torch.tensor([3, 2, 1]))
for reduction in ("mean", "sum", "none"):
    y = F.ctc_loss(F.log_softmax(inputs["x"], 2), targets, steps, lengths, reduction=reduction)
    put(f"ctc_{reduction}", y, inputs)

out["ce.target"] = target = torch.tensor([[1, -100, 3], [0, 2, 2]])
out["ce.class_weight"] = weight = torch.rand(4) + 0.5
for reduction in ("mean", "sum", "none"):
    inputs = {"x": leaf(2, 4, 3)}
    put(f"ce_{reduction}", F.cross_entropy(inputs["x"], target, weight, reduction=reduction, label_smoothing=0.1), inputs)
inputs = {"x": leaf(2, 4, 3), "p": torch.rand(2, 4, 3).softmax(1).requires_grad_()}
put("ce_probabilities", F.cross_entropy(inputs["x"], inputs["p"], weight, label_smoothing=0.2), inputs)

save_file({k: v.clone().contiguous() for k, v in out.items()}, place / "pytorch_sequence.safetensors")
print(len(out), "tensors")
