"""Checkpoints: what goes in comes out, and each way to be wrong is refused in one sentence before anything is built."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from astarzero.envs import sliding
from astarzero.nets import NETS, checkpoint
from astarzero.nets.checkpoint import CheckpointError, load, revision, save
from astarzero.nets.evaluator import net_evaluator
from astarzero.nets.mlp import build_seeded

torch.set_num_threads(1)
DOMAIN = sliding.make("2x3")


def build(name="mlp", **sizes):
    plain = {"mlp": {"num_features": 36, "cost_scale": 4.5}, "resnet": {"feature_shape": (4, 3, 3)}}[name]
    config = NETS[name].config_type(**{"num_actions": 4, "width": 8, **plain, **sizes})
    return build_seeded(NETS[name], config, 0)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "net.safetensors"
    save(path, build(), DOMAIN, heads=("value",), command="astarzero train sliding", metrics={"steps": 3})
    return path


def rewrite(path, weights=None, **header):
    """The checkpoint at `path` with some words of its header changed (None: left out) and its tensors passed through `weights`."""
    with checkpoint.safe_open(path, framework="pt") as file:
        words = {**file.metadata(), **header}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, a safetensors file is no dict
    if weights is not None:
        tensors = weights(tensors)
    save_file(tensors, path, {key: word for key, word in words.items() if word is not None} or None)


@pytest.mark.parametrize("name", NETS)
def test_what_goes_in_comes_out(tmp_path, name):
    net, path = build(name), tmp_path / "deep" / "net.safetensors"
    metrics = {"loss": 0.1, "collapsed": {"value": False}}
    save(path, net, DOMAIN, heads=("prior", "value"), temperature=1.7, seed=5, command="astarzero train", metrics=metrics)
    found = load(path, DOMAIN)
    assert found.net.config == net.config and not found.net.training
    ours, theirs = net.state_dict(), found.net.state_dict()
    assert list(ours) == list(theirs) and all(torch.equal(ours[part], theirs[part]) for part in ours)
    assert (found.net_name, found.domain, found.heads, found.temperature, found.seed) == (name, DOMAIN.name, ("value", "prior"), 1.7, 5)
    assert (found.command, found.metrics, found.revision) == ("astarzero train", metrics, revision())
    states = DOMAIN.instance_sets["all"]()[:9]
    one, other = (net_evaluator(which, DOMAIN, ("value", "prior"), device="cpu").evaluate(states) for which in (net, found.net))
    assert np.array_equal(one.value, other.value) and np.array_equal(one.prior_logits, other.prior_logits)
    assert os.listdir(path.parent) == ["net.safetensors"]


def test_a_loaded_net_can_be_trained_on(good):
    net = load(good, DOMAIN).net
    net(torch.ones(1, 36))["value"].sum().backward()
    assert net.first.weight.grad is not None


def garble_config(**changes):
    return json.dumps({"num_features": 36, "num_actions": 4, "width": 8, "blocks": 2, "cost_scale": 4.5, **changes})


def edit(name, change, to=None):
    return lambda tensors: {**tensors, to or name: change(tensors[name])}


def without(name):
    return lambda tensors: {other: tensor for other, tensor in tensors.items() if other != name}


def with_ten(tensor):
    return torch.ones(10)


def with_nan(tensor):
    return torch.where(torch.arange(tensor.numel()).reshape(tensor.shape) == 3, torch.nan, tensor)


MALFORMED = {
    "missing file": (lambda path: path.unlink(), "There is no checkpoint at"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "There is no checkpoint at"),
    "empty": (lambda path: path.write_bytes(b""), "not a whole safetensors file"),
    "truncated weights": (lambda path: path.write_bytes(path.read_bytes()[:-10]), "not a whole safetensors file"),
    "truncated header": (lambda path: path.write_bytes(path.read_bytes()[:100]), "not a whole safetensors file"),
    "noise": (lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)), "not a whole safetensors file"),
    "a pickle": (lambda path: torch.save({"weight": torch.ones(3)}, path), "not a whole safetensors file"),
    "no metadata": (lambda path: save_file({"first.weight": torch.ones(8, 36)}, path), "has no 'format' in its header"),
    "no temperature": (lambda path: rewrite(path, temperature=None), "has no 'temperature' in its header"),
    "config no json": (lambda path: rewrite(path, config="{"), "has a garbled header"),
    "config of another net": (lambda path: rewrite(path, config='{"depth": 3}'), "has a garbled header"),
    "config a list": (lambda path: rewrite(path, config="[1]"), "has a garbled header"),
    "config far too deep": (lambda path: rewrite(path, config="[" * 100_000), "has a garbled header"),
    "width no number": (lambda path: rewrite(path, config=garble_config(width="8")), "garbled header .The net's width is '8'"),
    "width huge": (lambda path: rewrite(path, config=garble_config(width=10**12)), "garbled header .The net's width is 1000000000000"),
    "heads no json": (lambda path: rewrite(path, heads="value"), "has a garbled header"),
    "heads unknown": (lambda path: rewrite(path, heads='["policy"]'), "garbled header .Head 'policy' is not known"),
    "temperature no number": (lambda path: rewrite(path, temperature="warm"), "has a garbled header"),
    "temperature zero": (lambda path: rewrite(path, temperature="0"), "garbled header .the temperature 0.0 is not above 0"),
    "temperature nan": (lambda path: rewrite(path, temperature="nan"), "has a garbled header"),
    "seed no number": (lambda path: rewrite(path, seed="1.5"), "has a garbled header"),
    "metrics no json": (lambda path: rewrite(path, metrics="?"), "has a garbled header"),
    "metrics a number": (lambda path: rewrite(path, metrics="3"), "has a garbled header"),
    "another format": (lambda path: rewrite(path, format="1"), "has format 1, but only 2 is read here"),
    "another domain": (lambda path: rewrite(path, domain="countdown-4"), "was trained on countdown-4, not on sliding-2x3"),
    "other words": (lambda path: rewrite(path, num_words="2"), "another encoding of sliding-2x3.*num_words was 2 and is now 1"),
    "other features": (lambda path: rewrite(path, num_features="37"), "another encoding of sliding-2x3.*num_features was 37 and is now 36"),
    "other actions": (lambda path: rewrite(path, num_actions="5"), "num_actions was 5 and is now 4"),
    "config disagrees": (lambda path: rewrite(path, config=garble_config(num_features=37)), "num_features is 37, not 36"),
    "unknown net": (lambda path: rewrite(path, net="transformer"), "holds a net 'transformer', not one of mlp"),
    "a tensor less": (lambda path: rewrite(path, without("q.bias")), "disagree about the tensor 'q.bias'"),
    "a tensor more": (lambda path: rewrite(path, edit("q.bias", torch.Tensor.clone, "extra")), "disagree about the tensor 'extra'"),
    "another shape": (lambda path: rewrite(path, edit("q.bias", with_ten)), r"holds 'q.bias' as F32 \[10\], but its config says F32 \[4\]"),
    "another type": (lambda path: rewrite(path, edit("q.bias", torch.Tensor.double)), r"holds 'q.bias' as F64 \[4\]"),
    "not finite": (lambda path: rewrite(path, edit("first.weight", with_nan)), "has a weight in 'first.weight' that is not finite"),
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_checkpoint_is_refused_in_a_sentence(good, what):
    spoil, sentence = MALFORMED[what]
    spoil(good)
    with pytest.raises(CheckpointError, match=sentence) as refusal:
        load(good, DOMAIN)
    assert "\n" not in str(refusal.value) and str(refusal.value).endswith(".")


def test_the_untouched_file_is_not_refused(good):
    rewrite(good)
    assert load(good, DOMAIN).metrics == {"steps": 3}


def test_a_net_for_another_size_is_refused(good):
    with pytest.raises(CheckpointError, match="was trained on sliding-2x3-blank-first, not on sliding-3x3-blank-first"):
        load(good, sliding.make(3))
    with pytest.raises(CheckpointError, match="num_features was 36 and is now 64"):
        load(good, DOMAIN.with_(num_features=64))


def test_what_cannot_be_loaded_is_not_saved(tmp_path):
    sick = build()
    with torch.no_grad():
        sick.prior.bias[1] = torch.inf
    refusals = {
        "weight in 'prior.bias' that is not finite": sick,
        "num_features is 9, not 36": build(num_features=9),
        "Linear is in no line of nets.NETS": torch.nn.Linear(36, 4),
    }
    for sentence, net in refusals.items():
        with pytest.raises(ValueError, match=sentence):
            save(tmp_path / "net.safetensors", net, DOMAIN, heads=("value",))
    assert not os.listdir(tmp_path)


def test_a_save_that_is_cut_short_leaves_the_old_file(good, monkeypatch):
    before = good.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save(good, build(width=16), DOMAIN, heads=("q",))
    assert good.read_bytes() == before and os.listdir(good.parent) == [good.name]


def test_the_revision_is_a_commit_or_unknown(monkeypatch, tmp_path):
    word = revision()
    assert word == "unknown" or (len(word.removesuffix("-dirty")) == 40 and int(word.removesuffix("-dirty"), 16))
    monkeypatch.setattr(checkpoint, "ROOT", tmp_path)
    assert revision() == "unknown"
    (tmp_path / ".git").mkdir()  # not a repository
    assert revision() == "unknown"


def test_a_domain_that_differs_in_name_only_is_another_domain(good):
    with pytest.raises(CheckpointError, match="not on mine"):
        load(good, replace(DOMAIN, name="mine"))
