#!/usr/bin/env python3
"""Folders as transformers 5.24 writes them, small ones of GPT-2, BERT and ResNet, into tests/golden/folders, with
tokens or pictures and the outputs that PyTorch computed (outputs.safetensors); one of timm's form with
torchvision's names.

    make_folders_golden.py                writes them
    make_folders_golden.py --check HONE   has HONE write folders and reads them with transformers"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.modules["torchvision"] = None  # not needed, and a version that doesn't fit torch would stop transformers
import torch
import transformers
from safetensors.torch import load_file, save_file

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "folders")


def randomise(net):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, p in list(net.named_parameters()) + list(net.named_buffers()):
            if name.endswith("running_var"):
                p.copy_(torch.rand(p.shape, generator=generator) + 0.5)
            elif p.is_floating_point():
                p.copy_(torch.randn(p.shape, generator=generator) * 0.3)
    return net.eval()


def save(net, name, inputs, outputs, **options):
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    net.save_pretrained(folder, **options)
    for extra in ("generation_config.json", "README.md"):
        if os.path.exists(os.path.join(folder, extra)):
            os.remove(os.path.join(folder, extra))
    save_file({"x": inputs, "y": outputs.detach().contiguous()}, os.path.join(folder, "outputs.safetensors"))


def make():
    tokens = torch.tensor([[1, 2, 3, 4, 5], [9, 8, 7, 6, 0]])
    config = transformers.GPT2Config(vocab_size=10, n_positions=8, n_layer=2, n_head=2, n_embd=8)
    net = randomise(transformers.GPT2LMHeadModel(config))
    save(net, "gpt2", tokens, net(tokens).logits)
    save(net, "gpt2_shards", tokens, net(tokens).logits, max_shard_size="3KB")
    base = transformers.GPT2Model(config)
    base.load_state_dict(net.transformer.state_dict())
    save(base.eval(), "gpt2_base", tokens, net(tokens).logits)
    config = transformers.BertConfig(vocab_size=10, max_position_embeddings=8, num_hidden_layers=2,
                                     num_attention_heads=2, hidden_size=8, intermediate_size=16)
    net = randomise(transformers.BertModel(config))
    save(net, "bert", tokens, net(tokens).last_hidden_state)
    config.num_labels = 3
    net = randomise(transformers.BertForSequenceClassification(config))
    save(net, "bert_classes", tokens, net(tokens).logits)
    pictures = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    config = transformers.ResNetConfig(embedding_size=2, hidden_sizes=[2, 4, 8, 16], depths=[2, 2, 2, 2],
                                       layer_type="basic", num_labels=5)
    net = randomise(transformers.ResNetForImageClassification(config))
    save(net, "resnet", pictures, net(pictures).logits)


def check(hone):
    """Of each folder hone writes another, which transformers must read, with the same outputs."""
    classes = {"gpt2": transformers.GPT2LMHeadModel, "bert": transformers.BertModel,
               "bert_classes": transformers.BertForSequenceClassification}
    for name, cls in classes.items():
        folder = os.path.join(HERE, name)
        for options in ([], ["--shards", "1"]):
            out = os.path.join(tempfile.mkdtemp(), "")
            subprocess.run([hone, "convert", folder, out, *options], check=True)
            net = cls.from_pretrained(out).eval()
            files = load_file(os.path.join(folder, "outputs.safetensors"))
            got = net(files["x"])
            got = got.last_hidden_state if name == "bert" else got.logits
            assert torch.equal(got, files["y"]), name
            config = json.load(open(out + "config.json"))
            assert config["model_type"] in name
            print(f"{name} {' '.join(options)}: {len(os.listdir(out))} files, the same outputs")
            shutil.rmtree(out)
    config = transformers.GPT2Config(vocab_size=3000, n_positions=8, n_layer=2, n_head=2, n_embd=64)
    net, place = randomise(transformers.GPT2LMHeadModel(config)), os.path.join(tempfile.mkdtemp(), "")
    net.save_pretrained(place + "large")
    subprocess.run([hone, "convert", place + "large", place + "out/", "--shards", "1"], check=True)
    tokens = torch.tensor([[1, 2, 2999]])
    got = transformers.GPT2LMHeadModel.from_pretrained(place + "out").eval()(tokens).logits
    assert torch.equal(got, net(tokens).logits)
    print("gpt2 of two megabytes:", ", ".join(sorted(os.listdir(place + "out"))), "the same outputs")
    shutil.rmtree(place)


if __name__ == "__main__":
    check(sys.argv[2]) if len(sys.argv) > 2 else make()
