"""Makes layers.txt, pytorch_layers.safetensors and pytorch_state.safetensors beside it: every layer
that hone_nn_layer() makes, as PyTorch makes, prints, begins and trains it. A line of the text is a
layer's name, its arguments and what PyTorch prints, with a tab between them (\\n is a new line). The
tensors of line i (from 0, all f64) are "i.state.NAME", the state that PyTorch begins with; "i.in.K",
the inputs, "i.constant.K" those that aren't learned; "i.losses", those of 20 steps of SGD at a rate
of 0.05 on the parameters and the inputs. The loss is the mean of the output's squares, or the output
itself where that is a single number (the losses). pytorch_state.safetensors is a network's
state_dict, "network.x" and "network.y" what it makes of an input. Deterministic; torch 2.13 and
safetensors 0.8.0 made what is committed.

    python make_layers_golden.py
"""
import pathlib
import re

import torch
from safetensors.torch import save_file

place = pathlib.Path(__file__).parent
torch.manual_seed(16)
torch.set_default_dtype(torch.float64)


def r(*shape):
    return torch.randn(*shape)


def p(*shape):
    return torch.rand(*shape)


def logp(*shape):
    return torch.randn(*shape).log_softmax(1)


def ints(most, *shape):
    return torch.randint(most, shape)


def sign(*shape):
    return torch.randint(2, shape).double() * 2 - 1


def hidden(*shape):
    """A mask that hides a third, but not the first column."""
    mask = torch.rand(*shape) < 0.33
    mask[..., 0] = False
    return mask


def pooled(dims, *shape, stride=None):
    """The places of maxima."""
    pool = getattr(torch.nn.functional, f"max_pool{dims}d")
    return pool(torch.randn(*shape), 2, stride, return_indices=True)[1]


# a layer, its arguments, its inputs; "c" before an input: a constant
plane, row, image = (3, 5), (2, 4, 7), (2, 4, 6, 5)
cases = [
    ("Linear", "5, 3", [r(4, 5)]),
    ("Linear", "5, 3, bias=False", [r(2, 4, 5)]),
    ("Bilinear", "5, 4, 3", [r(2, 3, 5), r(2, 3, 4)]),
    ("Bilinear", "5, 4, 3, bias=False", [r(6, 5), r(6, 4)]),
    ("Embedding", "6, 3", [ints(6, 2, 4)]),
    ("Embedding", "6, 3, padding_idx=-2", [torch.tensor([[0, 4, 5], [4, 1, 0]])]),
    ("RNNCell", "5, 3", [r(4, 5), r(4, 3)]),
    ("RNNCell", "5, 3, bias=False, nonlinearity='relu'", [r(4, 5)]),
    ("GRUCell", "5, 3", [r(4, 5), r(4, 3)]),
    ("GRUCell", "5, 3, bias=False", [r(5)]),
    ("LSTMCell", "5, 3", [r(4, 5), r(4, 3), r(4, 3)]),
    ("LSTMCell", "5, 3, False", [r(4, 5)]),
    ("MultiheadAttention", "6, 2", [r(4, 3, 6)]),
    ("MultiheadAttention", "6, 3, bias=False, batch_first=True", 
     [r(3, 4, 6), r(3, 5, 6), r(3, 5, 6)]),
    ("MultiheadAttention", "6, 2, batch_first=True, is_causal=True", [r(3, 4, 6)]),
    ("MultiheadAttention", "6, 2, is_causal=True", [r(4, 6)]),
    ("MultiheadAttention", "6, 2, kdim=3, vdim=5, add_bias_kv=True",
     [r(4, 2, 6), r(5, 2, 3), r(5, 2, 5), "c", hidden(2, 5)]),
    ("MultiheadAttention", "6, 2, add_zero_attn=True, batch_first=True",
     [r(2, 4, 6), r(2, 5, 6), r(2, 5, 6), "c", hidden(2, 5), "c", hidden(4, 5)]),
    ("MultiheadAttention", "6, 2, batch_first=True, is_causal=True",
     [r(2, 4, 6), r(2, 4, 6), r(2, 4, 6), "c", hidden(2, 4)]),
    ("MultiheadAttention", "6, 2", [r(4, 2, 6), r(5, 2, 6), r(5, 2, 6), "c", hidden(2, 5), "c",
                                    r(4, 4, 5)]),
    ("TransformerEncoderLayer", "4, 2, 6, dropout=0.0", [r(3, 2, 4)]),
    ("TransformerEncoderLayer",
     "4, 2, 6, 0.0, 'gelu', 1e-3, batch_first=True, norm_first=True, bias=False, is_causal=True",
     [r(2, 3, 4)]),
    ("TransformerEncoderLayer", "4, 2, dim_feedforward=6, dropout=0.0, batch_first=True",
     [r(2, 3, 4), "c", hidden(3, 3), "c", hidden(2, 3)]),
    ("TransformerDecoderLayer", "4, 2, 6, dropout=0.0", [r(3, 2, 4), r(5, 2, 4)]),
    ("TransformerDecoderLayer",
     "4, 2, 6, dropout=0.0, activation='gelu', batch_first=True, norm_first=True, is_causal=True",
     [r(2, 3, 4), r(2, 5, 4)]),
    ("TransformerDecoderLayer", "4, 1, 6, dropout=0.0, batch_first=True",
     [r(2, 3, 4), r(2, 5, 4), "c", hidden(3, 3), "c", hidden(3, 5), "c", hidden(2, 3), "c",
      hidden(2, 5)]),
    ("TransformerEncoder", "TransformerEncoderLayer(4, 2, 6, dropout=0.0, norm_first=True, "
     "dtype=torch.float64), 3, norm=LayerNorm(4, dtype=torch.float64), enable_nested_tensor=False",
     [r(3, 2, 4)]),
    ("TransformerDecoder", "TransformerDecoderLayer(4, 2, 6, dropout=0.0, batch_first=True, "
     "dtype=torch.float64), num_layers=2", [r(2, 3, 4), r(2, 5, 4)]),
    ("Transformer", "4, 2, 1, 2, 3, dropout=0.0, activation='gelu', layer_norm_eps=0.001, "
     "batch_first=True", [r(2, 3, 4), r(2, 5, 4)]),
    ("Conv1d", "4, 6, 3", [r(*row)]),
    ("Conv1d", "4, 6, 3, stride=2, padding=2, groups=2, padding_mode='reflect'", [r(*row)]),
    ("Conv1d", "4, 2, 4, padding='same', bias=False, padding_mode='circular'", [r(4, 7)]),
    ("Conv2d", "4, 6, 3", [r(*image)]),
    ("Conv2d", "4, 2, (3, 5), padding=(2, 1), padding_mode='replicate'", [r(*image)]),
    ("Conv2d", "4, 2, (2, 3), padding='same', dilation=2, padding_mode='reflect'", [r(*image)]),
    ("ConvTranspose1d", "4, 6, 3", [r(*row)]),
    ("ConvTranspose1d", "4, 6, 3, 2, 1, 1, groups=2, bias=False", [r(*row)]),
    ("ConvTranspose2d", "4, 6, 3", [r(*image)]),
    ("ConvTranspose2d", "4, 2, (3, 2), stride=(2, 3), padding=1, output_padding=(0, 1), groups=2, "
     "dilation=2", [r(*image)]),
    ("Conv2d", "4, 6, (3, 2), stride=(2, 1), padding=1, dilation=(1, 2), groups=2, bias=False",
     [r(*image)]),
    ("Conv2d", "4, 2, 3, padding='same'", [r(*image)]),
    ("Conv2d", "4, 2, 3, padding='valid'", [r(4, 6, 5)]),
    ("MaxPool2d", "2", [r(*image)]),
    ("MaxPool2d", "(3, 2), stride=2, padding=1, ceil_mode=True", [r(*image)]),
    ("MaxPool1d", "3", [r(*row)]),
    ("MaxPool1d", "2, 1, padding=1, dilation=2, ceil_mode=True", [r(4, 7)]),
    ("AvgPool1d", "3", [r(*row)]),
    ("AvgPool1d", "3, 2, 1, True, False", [r(*row)]),
    ("AvgPool2d", "(2, 3)", [r(*image)]),
    ("AvgPool2d", "3, stride=2, padding=1, ceil_mode=True, count_include_pad=False", [r(*image)]),
    ("AvgPool2d", "2, divisor_override=3", [r(*image)]),
    ("AdaptiveAvgPool1d", "3", [r(*row)]),
    ("AdaptiveAvgPool2d", "(4, 2)", [r(*image)]),
    ("AdaptiveAvgPool2d", "(None, 2)", [r(*image)]),
    ("AdaptiveMaxPool1d", "output_size=3", [r(*row)]),
    ("AdaptiveMaxPool2d", "2", [r(*image)]),
    ("BatchNorm1d", "4", [r(6, 4)]),
    ("BatchNorm1d", "4, eps=0.001, momentum=None, affine=False", [r(*row)]),
    ("BatchNorm2d", "4", [r(*image)]),
    ("BatchNorm2d", "4, momentum=0.5, track_running_stats=False, bias=False", [r(*image)]),
    ("BatchNorm3d", "4, 0.001", [r(2, 4, 3, 2, 2)]),
    ("LayerNorm", "5", [r(*image)]),
    ("LayerNorm", "(6, 5), eps=1e-3, bias=False", [r(*image)]),
    ("LayerNorm", "[5], elementwise_affine=False", [r(*image)]),
    ("GroupNorm", "2, 4", [r(*image)]),
    ("GroupNorm", "4, 4, eps=1e-3, affine=False", [r(*row)]),
    ("GroupNorm", "1, 4, bias=False", [r(*row)]),
    ("InstanceNorm1d", "4", [r(*row)]),
    ("InstanceNorm1d", "4, affine=True, track_running_stats=True", [r(4, 7)]),
    ("InstanceNorm2d", "4, eps=0.01, momentum=0.3, affine=True", [r(*image)]),
    ("InstanceNorm2d", "4, track_running_stats=True", [r(*image)]),
    ("InstanceNorm3d", "4", [r(2, 4, 3, 2, 2)]),
    ("RMSNorm", "5", [r(*image)]),
    ("RMSNorm", "(6, 5), eps=0.01, elementwise_affine=False", [r(*image)]),
    ("LocalResponseNorm", "3", [r(2, 5, 4)]),
    ("LocalResponseNorm", "2, alpha=0.5, beta=0.5, k=2.0", [r(*image)]),
    ("Dropout", "0", [r(*plane)]),
    ("Dropout", "p=0.0, inplace=True", [r(*plane)]),
    ("Dropout1d", "p=0.0", [r(*row)]),
    ("Dropout2d", "p=0.0", [r(*image)]),
    ("Dropout3d", "0.0", [r(2, 4, 3, 2, 2)]),
    ("ReLU", "", [r(*plane)]),
    ("ReLU", "inplace=True", [r(*plane)]),
    ("ReLU6", "True", [4 * r(*plane)]),
    ("LeakyReLU", "", [r(*plane)]),
    ("LeakyReLU", "0.2, True", [r(*plane)]),
    ("PReLU", "", [r(*plane)]),
    ("PReLU", "4, init=0.1", [r(*image)]),
    ("ELU", "", [r(*plane)]),
    ("ELU", "alpha=2, inplace=True", [r(*plane)]),
    ("SELU", "", [r(*plane)]),
    ("CELU", "0.5", [r(*plane)]),
    ("GELU", "", [r(*plane)]),
    ("GELU", "approximate='tanh'", [r(*plane)]),
    ("SiLU", "", [r(*plane)]),
    ("Mish", "True", [r(*plane)]),
    ("Sigmoid", "", [r(*plane)]),
    ("LogSigmoid", "", [r(*plane)]),
    ("Hardsigmoid", "inplace=True", [3 * r(*plane)]),
    ("Tanh", "", [r(*plane)]),
    ("Hardtanh", "", [r(*plane)]),
    ("Hardtanh", "-2.5, 0.5, inplace=True", [2 * r(*plane)]),
    ("Tanhshrink", "", [r(*plane)]),
    ("Softshrink", "", [r(*plane)]),
    ("Softshrink", "1e-05", [r(*plane)]),
    ("Hardshrink", "1", [r(*plane)]),
    ("Hardswish", "True", [3 * r(*plane)]),
    ("Softplus", "", [r(*plane)]),
    ("Softplus", "2, threshold=1.5", [r(*plane)]),
    ("Softsign", "", [r(*plane)]),
    ("Threshold", "0.1, 20", [r(*plane)]),
    ("GLU", "", [r(3, 6)]),
    ("GLU", "dim=0", [r(4, 3)]),
    ("Softmax", "dim=1", [r(*row)]),
    ("Softmax", "-1", [r(*row)]),
    ("Softmax2d", "", [r(*image)]),
    ("LogSoftmax", "1", [r(*row)]),
    ("Softmin", "dim=0", [r(*row)]),
    ("Identity", "", [r(*plane)]),
    ("Flatten", "", [r(*image)]),
    ("Flatten", "0, 1", [r(*image)]),
    ("Flatten", "start_dim=-3, end_dim=-2", [r(*image)]),
    ("Unflatten", "1, (2, 2)", [r(*image)]),
    ("Unflatten", "-1, (-1, 5)", [r(*image)]),
    ("PixelShuffle", "2", [r(2, 8, 3, 2)]),
    ("PixelUnshuffle", "2", [r(3, 4, 6)]),
    ("ChannelShuffle", "2", [r(*image)]),
    ("ZeroPad1d", "2", [r(*row)]),
    ("ZeroPad2d", "(1, 0, 2, 1)", [r(*image)]),
    ("ZeroPad3d", "1", [r(2, 2, 2, 2, 2)]),
    ("ConstantPad1d", "(0, 2), 0.5", [r(*row)]),
    ("ConstantPad2d", "(1, -1, 2, 1), value=3", [r(*image)]),
    ("ConstantPad3d", "1, -1.5", [r(2, 2, 2, 2, 2)]),
    ("ReflectionPad1d", "(3, 1)", [r(*row)]),
    ("ReflectionPad2d", "2", [r(*image)]),
    ("ReflectionPad3d", "1", [r(2, 2, 2, 2, 2)]),
    ("ReplicationPad1d", "3", [r(*row)]),
    ("ReplicationPad2d", "(0, 1, 2, 3)", [r(4, 6, 5)]),
    ("ReplicationPad3d", "1", [r(2, 2, 2, 2, 2)]),
    ("CircularPad1d", "2", [r(*row)]),
    ("CircularPad2d", "(1, 2, 3, 0)", [r(*image)]),
    ("CircularPad3d", "1", [r(2, 2, 2, 2, 2)]),
    ("CosineSimilarity", "", [r(4, 5), r(4, 5)]),
    ("CosineSimilarity", "dim=0, eps=1e-3", [r(4, 1), r(4, 5)]),
    ("PairwiseDistance", "", [r(4, 5), r(4, 5)]),
    ("PairwiseDistance", "p=3, eps=0.01, keepdim=True", [r(4, 5), r(4, 5)]),
    ("MSELoss", "", [r(*plane), r(*plane)]),
    ("MSELoss", "reduction='sum'", [r(*plane), r(*plane)]),
    ("L1Loss", "reduction='none'", [r(*plane), r(*plane)]),
    ("SmoothL1Loss", "beta=0.5", [r(*plane), r(*plane)]),
    ("SoftMarginLoss", "", [r(*plane), "c", sign(*plane)]),
    ("HuberLoss", "'sum', 0.7", [r(*plane), r(*plane)]),
    ("KLDivLoss", "reduction='batchmean'", [logp(*plane), "c", p(*plane)]),
    ("KLDivLoss", "log_target=True", [logp(*plane), "c", logp(*plane)]),
    ("PoissonNLLLoss", "full=True", [r(*plane), "c", 3 * p(*plane)]),
    ("PoissonNLLLoss", "log_input=False, eps=1e-6", [1 + p(*plane), "c", 3 * p(*plane)]),
    ("GaussianNLLLoss", "full=True, eps=1e-5, reduction='sum'",
     [r(*plane), "c", r(*plane), "c", 1 + p(*plane)]),
    ("HingeEmbeddingLoss", "0.5", [p(*plane), "c", sign(*plane)]),
    ("MarginRankingLoss", "margin=0.2", [r(6), r(6), "c", sign(6)]),
    ("CosineEmbeddingLoss", "0.1", [r(4, 5), r(4, 5), "c", sign(4)]),
    ("TripletMarginLoss", "2.0, p=2, swap=True", [r(4, 5), r(4, 5), r(4, 5)]),
    ("BCELoss", "", [0.25 + p(*plane) / 2, "c", p(*plane)]),
    ("BCEWithLogitsLoss", "", [r(*plane), "c", p(*plane)]),
    ("BCEWithLogitsLoss", "weight=torch.tensor([1., 2, 3, 4, 5]), pos_weight=torch.tensor([3.0])",
     [r(*plane), "c", p(*plane)]),
    ("MultiLabelSoftMarginLoss", "", [r(*plane), "c", ints(2, *plane).double()]),
    ("NLLLoss", "torch.tensor([1, 0.5, 2, 1, 1]), ignore_index=2",
     [logp(*plane), "c", torch.tensor([1, 2, 4])]),
    ("CrossEntropyLoss", "", [r(*plane), "c", ints(5, 3)]),
    ("CrossEntropyLoss", "ignore_index=1", [r(*plane), "c", torch.tensor([3, 1, 4])]),
    ("CrossEntropyLoss", "weight=torch.tensor([1, 0.5, 2, 1, 1]), label_smoothing=0.1",
     [r(*plane), "c", ints(5, 3)]),
    ("CrossEntropyLoss", "label_smoothing=0.1, reduction='sum'",
     [r(*plane), "c", r(*plane).softmax(1)]),
    ("Sequential", "Linear(5, 4, dtype=torch.float64), ReLU(inplace=True), "
     "Sequential(Linear(4, 2, bias=False, dtype=torch.float64), Tanh())",
     [r(3, 5)]),
    ("ModuleList", "Linear(2, 3, dtype=torch.float64), ReLU()", []),
    ("ModuleList", "ReLU(), ReLU(), Sequential(Tanh(), ReLU()), Sequential(Tanh(), ReLU()), "
     "Sequential(ReLU(), Tanh()), Sequential(ReLU(), Tanh(), Tanh()), ReLU(), ReLU(), ReLU()", []),
]


def module(name, arguments):
    names = vars(torch.nn) | {"torch": torch, "nn": torch.nn}
    if name == "ModuleList":
        arguments = f"[{arguments}]"
    # hone's layers have it where PyTorch's forwards have it
    if not name.startswith("Fractional"):
        arguments = re.sub(r", is_causal=True|(?<=\d), output_size=(\(.*\)|\d+)", "", arguments)
    return eval(f"{name}({arguments})", names)


def triangle(n):
    return torch.ones(n, n, dtype=torch.bool).triu(1)


def call(layer, x, causal, output_size):
    """As hone_forward(layer, x..)."""
    if output_size:
        return layer(*x, output_size=output_size)
    if isinstance(layer, (torch.nn.LSTMCell, torch.nn.LSTM)) and len(x) > 1:
        return layer(x[0], tuple(x[1:]))
    if isinstance(layer, torch.nn.MultiheadAttention):
        q, k, v = x * 3 if len(x) == 1 else x[:3]
        mask = x[4] if len(x) > 4 else None
        if causal:
            mask = triangle(q.shape[1 if q.ndim == 3 and layer.batch_first else 0])
        return layer(q, k, v, key_padding_mask=x[3] if len(x) > 3 else None, attn_mask=mask)
    if isinstance(layer, (torch.nn.FractionalMaxPool2d, torch.nn.FractionalMaxPool3d)):
        layer._random_samples = x[1]
        return layer(x[0])
    if isinstance(layer, torch.nn.AdaptiveLogSoftmaxWithLoss):
        return layer(*x).loss if len(x) > 1 else layer.log_prob(*x)
    if causal:
        n = x[0].shape[1 if layer.self_attn.batch_first else 0]
        x = x + [triangle(n)]
    return layer(*x)


def one(out):
    """A number of an output."""
    out = out[0] if isinstance(out, tuple) else out
    return out if out.ndim == 0 else out.square().mean()


def numbers(text):
    value = eval(text)
    return list(value) if isinstance(value, tuple) else [value]


lines, tensors = [], {}


def train(cases):
    for i, (name, arguments, inputs) in enumerate(cases, len(lines)):
        layer = module(name, arguments)
        printed = repr(layer).replace("\n", "\\n")
        # hone takes the numbers of a tensor as a list
        text = arguments.replace("torch.tensor(", "").replace("])", "]")
        lines.append("\t".join([name, text, printed]))
        for k, v in layer.state_dict().items():
            tensors[f"{i}.state.{k}"] = v.clone()
        given, learned, constant = [], list(layer.parameters()), False
        for x in inputs:
            if isinstance(x, str):
                constant = True
                continue
            tensors[f"{i}.{'constant' if constant else 'in'}.{len(given)}"] = x.clone()
            if not constant and x.is_floating_point():
                learned.append(x.requires_grad_())
            given.append(x)
            constant = False
        if not given:
            continue
        optim, losses = torch.optim.SGD(learned, lr=0.05), []
        for _ in range(20):
            optim.zero_grad()
            # a layer in place may not change a leaf
            x = [x * 1 if x.requires_grad else x for x in given]
            size = re.search("output_size=(.*)", arguments) if name.startswith("MaxUnpool") else None
            loss = one(call(layer, x, "is_causal=True" in arguments, size and numbers(size[1])))
            loss.backward()
            optim.step()
            losses.append(loss.item())
        tensors[f"{i}.losses"] = torch.tensor(losses)


train(cases)
# A state_dict as a file of its own, as PyTorch's users write it.
network = torch.nn.Sequential(
    torch.nn.Embedding(7, 6), torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(6, 2, 8, batch_first=True, dropout=0.0), 2,
        torch.nn.LayerNorm(6), enable_nested_tensor=False),
    torch.nn.Unflatten(1, (1, -1)), torch.nn.Conv2d(1, 3, (2, 3), padding="same"),
    torch.nn.BatchNorm2d(3), torch.nn.PReLU(3), torch.nn.ConvTranspose2d(3, 2, 2, stride=2),
    torch.nn.GroupNorm(2, 2), torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(),
    torch.nn.Linear(8, 3)).float()
x = ints(7, 3, 5)
network(x)
save_file(network.state_dict(), place / "pytorch_state.safetensors")
network.eval()
with torch.no_grad():
    tensors |= {"network.x": x, "network.y": network(x)}
# These came later: the numbers of what is above stay what they were.
volume = (2, 4, 4, 5, 3)
cases = [
    ("Conv3d", "4, 6, 2", [r(*volume)]),
    ("Conv3d", "4, 2, (2, 3, 1), stride=(1, 2, 2), padding=(1, 0, 1), dilation=(1, 2, 1), groups=2, "
     "bias=False", [r(*volume)]),
    ("Conv3d", "4, 2, (3, 2, 3), padding='same', padding_mode='circular'", [r(4, 4, 5, 3)]),
    ("ConvTranspose3d", "4, 6, 2", [r(*volume)]),
    ("ConvTranspose3d", "4, 2, (2, 3, 1), stride=(1, 2, 2), padding=(1, 0, 0), output_padding=(0, 1, "
     "0), groups=2, bias=False, dilation=(1, 2, 1)", [r(*volume)]),
    ("MaxPool1d", "2, 1, 1, 1, False, True", [r(*row)]),
    ("MaxPool3d", "2", [r(*volume)]),
    ("MaxPool3d", "(2, 3, 1), stride=(1, 2, 2), padding=(1, 1, 0), dilation=(2, 1, 1), "
     "ceil_mode=True", [r(4, 4, 5, 3)]),
    ("AvgPool3d", "(2, 3, 1)", [r(*volume)]),
    ("AvgPool3d", "3, 2, 1, True, False", [r(*volume)]),
    ("AvgPool3d", "2, divisor_override=5", [r(*volume)]),
    ("AdaptiveAvgPool3d", "(2, None, 2)", [r(*volume)]),
    ("AdaptiveAvgPool3d", "3", [r(*volume)]),
    ("AdaptiveMaxPool3d", "(3, 2, None)", [r(*volume)]),
    ("MaxUnpool1d", "2", [r(2, 3, 3), pooled(1, 2, 3, 7)]),
    ("MaxUnpool1d", "2, output_size=7", [r(2, 3, 3), pooled(1, 2, 3, 7)]),
    ("MaxUnpool2d", "2, stride=(2, 1)", [r(2, 3, 2, 3), pooled(2, 2, 3, 4, 4, stride=(2, 1))]),
    ("MaxUnpool2d", "2, output_size=(5, 4)", [r(2, 3, 2, 2), pooled(2, 2, 3, 5, 4)]),
    ("MaxUnpool3d", "2, padding=0", [r(2, 1, 2, 2, 1), pooled(3, 2, 1, 4, 4, 2)]),
    ("Unfold", "2", [r(*image)]),
    ("Unfold", "(2, 3), dilation=(2, 1), padding=1, stride=(1, 2)", [r(4, 6, 5)]),
    ("Fold", "(4, 5), 2", [r(2, 8, 12)]),
    ("Fold", "output_size=6, kernel_size=(2, 3), padding=(1, 0), stride=(2, 1)", [r(6, 16)]),
    ("Upsample", "scale_factor=2", [r(*row)]),
    ("Upsample", "(9, 4)", [r(*image)]),
    ("Upsample", "size=9, mode='linear'", [r(*row)]),
    ("Upsample", "scale_factor=(1.5, 2.25), mode='bilinear', align_corners=True", [r(*image)]),
    ("Upsample", "scale_factor=1.7, mode='bicubic'", [r(*image)]),
    ("Upsample", "None, 1.7, 'bicubic', False, True", [r(*image)]),
    ("Upsample", "scale_factor=(1.5, 2, 0.75), mode='trilinear'", [r(*volume)]),
    ("Upsample", "(5,), mode='nearest-exact'", [r(*row)]),
    ("UpsamplingNearest2d", "scale_factor=1.5", [r(*image)]),
    ("UpsamplingNearest2d", "(3, 7)", [r(*image)]),
    ("UpsamplingBilinear2d", "scale_factor=(2, 1.5)", [r(*image)]),
    ("UpsamplingBilinear2d", "size=4", [r(*image)]),
    ("RNN", "5, 3", [r(4, 2, 5)]),
    ("RNN", "5, 3, 2, 'relu', batch_first=True", [r(2, 4, 5), r(2, 2, 3)]),
    ("RNN", "5, 3, nonlinearity='tanh', bias=False, bidirectional=True", [r(4, 5), r(2, 3)]),
    ("GRU", "5, 3", [r(4, 2, 5)]),
    ("GRU", "5, 3, num_layers=2, batch_first=True, bidirectional=True", [r(2, 4, 5), r(4, 2, 3)]),
    ("GRU", "5, 3, 2, False, dropout=0", [r(4, 5)]),
    ("LSTM", "5, 3", [r(4, 2, 5)]),
    ("LSTM", "5, 3, 3, batch_first=True, bidirectional=True", [r(2, 4, 5), r(6, 2, 3), r(6, 2, 3)]),
    ("LSTM", "5, 3, 2, bias=False, dropout=0.0", [r(4, 5), r(2, 3), r(2, 3)]),
    ("EmbeddingBag", "6, 3", [ints(6, 2, 4)]),
    ("EmbeddingBag", "6, 3, None, 2.0, False, 'sum'",
     [ints(6, 7), torch.tensor([0, 2, 2]), r(7)]),
    ("EmbeddingBag", "6, 3, mode='max', include_last_offset=True, padding_idx=-2",
     [torch.tensor([0, 4, 4, 5, 1]), torch.tensor([0, 2, 5])]),
    ("AlphaDropout", "0.0", [r(*plane)]),
    ("FeatureAlphaDropout", "p=0.0, inplace=True", [r(*image)]),
]
train(cases)
# So did these.
cases = [
    ("LPPool1d", "3, 2", [1 + p(*row)]),
    ("LPPool2d", "2, (3, 2), stride=(1, 2)", [r(*image)]),
    ("LPPool2d", "norm_type=1.5, kernel_size=2, ceil_mode=True", [1 + p(4, 6, 5)]),
    ("LPPool3d", "2, 2, 1", [r(*volume)]),
    ("CTCLoss", "", [r(6, 2, 5).log_softmax(2), "c", torch.tensor([[1, 3, 3], [2, 4, 1]]), "c",
                     torch.tensor([6, 5]), "c", torch.tensor([3, 2])]),
    ("CTCLoss", "blank=4, reduction='sum', zero_infinity=True",
     [r(6, 2, 5).log_softmax(2), "c", torch.tensor([[1, 3, 3], [2, 0, 1]]), "c",
      torch.tensor([6, 5]), "c", torch.tensor([3, 2])]),
]
train(cases)
# So did these. The slopes of an RReLU in training are drawn: here they are all one.
cases = [
    ("FractionalMaxPool2d", "2, output_size=(3, 2)", [r(2, 4, 9, 7), "c", p(2, 4, 2)]),
    ("FractionalMaxPool2d", "(3, 1), output_ratio=(0.5, 0.9)", [r(2, 4, 9, 7), "c", p(2, 4, 2)]),
    ("FractionalMaxPool2d", "kernel_size=3, output_size=1", [r(4, 5, 6), "c", p(1, 4, 2)]),
    ("FractionalMaxPool3d", "(1, 2, 3), (4, 3, 2)", [r(2, 2, 6, 7, 8), "c", p(2, 2, 3)]),
    ("FractionalMaxPool3d", "2, output_ratio=0.5", [r(3, 6, 5, 8), "c", p(1, 3, 3)]),
    ("RReLU", "0.2, 0.2", [r(*plane)]),
    ("RReLU", "lower=-1, upper=-1.0, inplace=True", [r(*plane)]),
    ("MultiMarginLoss", "", [r(4, 5), "c", ints(5, 4)]),
    ("MultiMarginLoss", "2, 0.5, torch.tensor([1, 0.5, 2, 1, 3])", [r(4, 5), "c", ints(5, 4)]),
    ("MultiMarginLoss", "p=2, margin=2, weight=torch.tensor([1, 0.5, 2]), reduction='sum'",
     [r(3), "c", torch.tensor(1)]),
    ("MultiMarginLoss", "reduction='none'", [r(4, 5), "c", ints(5, 4)]),
    ("MultiLabelMarginLoss", "",
     [r(3, 4), "c", torch.tensor([[3, 0, -1, 1], [-1, 1, 2, 3], [2, 2, 0, 1]])]),
    ("MultiLabelMarginLoss", "reduction='sum'", [r(5), "c", torch.tensor([4, 1, -1, 0, -1])]),
    ("MultiLabelMarginLoss", "reduction='none'",
     [r(2, 4), "c", torch.tensor([[3, 0, 1, 2], [0, -1, -1, -1]])]),
    ("AdaptiveLogSoftmaxWithLoss", "8, 12, (3, 6), div_value=2.0",
     [r(6, 8), "c", torch.tensor([2, 11, 3, 5, 0, 6])]),
    ("AdaptiveLogSoftmaxWithLoss", "in_features=8, n_classes=12, cutoffs=[2], head_bias=True",
     [r(4, 8), "c", torch.tensor([1, 0, 1, 1])]),
    ("AdaptiveLogSoftmaxWithLoss", "8, 12, [4, 7, 9], 1.9, True", [r(8), "c", torch.tensor(8)]),
    ("AdaptiveLogSoftmaxWithLoss", "8, 12, [4, 7, 9], 1.5", [r(3, 8)]),
    ("LinearCrossEntropyLoss", "5, 7", [r(4, 5), "c", ints(7, 4)]),
    ("LinearCrossEntropyLoss", "5, 3, bias=True, reduction='sum', ignore_index=2, weight=torch.tensor([1, 0.5, 2])",
     [r(4, 5), "c", torch.tensor([0, 2, 1, 1])]),
    ("LinearCrossEntropyLoss", "4, 3, out_features=(2,), bias=True, label_smoothing=0.1",
     [r(5, 4), "c", ints(3, 5, 2)]),
]
train(cases)
(place / "layers.txt").write_text("\n".join(lines) + "\n")
save_file(tensors, place / "pytorch_layers.safetensors")
print(len(lines), "layers", sum(t.numel() for t in tensors.values()), "numbers")
