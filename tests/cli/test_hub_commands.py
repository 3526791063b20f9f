"""The commands that speak with the Hub, in this process and against the loopback."""

import json

import pytest
import yaml

import ganzoo
from ganzoo.publishing.publish import publish


@pytest.fixture
def published(alice, trained):
    return publish(trained, "alice/digits", license="mit")


def test_publish_prints_the_commit_and_a_registry_entry(call, alice, trained):
    done = call("publish", str(trained), "alice/digits", "--license", "mit")
    commit = alice.hub.repos["alice/digits"].refs["main"]
    assert done.code == 0
    first, rest = done.out.split("\n", 1)
    files = "README.md, config.json, model.safetensors, samples.png"
    assert first == f"published {files}: {alice.url}/alice/digits/commit/{commit}"
    entry = yaml.safe_load(rest[rest.index("models:") : rest.index("gan =")])["models"]["digits"]
    assert entry["weights"]["revision"] == commit
    assert rest.endswith('gan = ganzoo.load("hf:alice/digits")\n')


def test_publish_again(call, published, trained):
    done = call("publish", str(trained), "alice/digits")
    assert published.url in done.out


def test_publish_json(call, alice, trained):
    shown = json.loads(call("publish", str(trained), "alice/digits", "--json").out)
    assert shown["address"] == "hf:alice/digits"
    assert shown["commit"] == shown["entry"]["digits"]["weights"]["revision"]


def test_publish_options(call, alice, trained):
    done = call(
        "publish", str(trained), "alice/digits", "--private", "--discriminator", "--revision", "v1", "--message", "hi"
    )
    assert done.code == 0, done.err
    repo = alice.hub.repos["alice/digits"]
    assert repo.private
    assert "training.safetensors" in repo.at("v1").files
    assert repo.at("v1").title == "hi"
    done = call("publish", "dcgan-mnist", "alice/digits", "--create-pr")
    assert f"pull request: {alice.url}/alice/digits/discussions/1\n" in done.out


def test_publish_dry_run(call, alice, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("publish", str(trained), "alice/digits", "--dry-run")
    assert done.out.startswith("wrote publish/alice--digits: README.md, config.json, model.safetensors, samples.png\n")
    assert "licence" in done.err
    assert call("publish", str(trained), "alice/digits", "--dry-run").code == 1
    assert call("publish", str(trained), "alice/digits", "--dry-run", "--out", "b").code == 0
    assert call("publish", str(trained), "alice/digits", "--out", "c").code == 2
    assert alice.hub.repos == {}


def test_pull_fetches_ahead(call, alice, published, monkeypatch):
    from huggingface_hub import constants

    done = call("pull", "hf:alice/digits")
    assert done.code == 0
    assert done.out.startswith(f"hf:alice/digits@{published.commit}: ")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert ganzoo.load("hf:alice/digits").sample(1).shape == (1, 1, 28, 28)


def test_pull_the_discriminator_for_fine_tuning_offline(call, alice, trained, mnist, tmp_path, monkeypatch):
    from huggingface_hub import constants

    publish(trained, "alice/whole", discriminator=True)
    publish(trained, "alice/half")
    assert "training.safetensors (" in call("pull", "hf:alice/whole", "--discriminator").out
    assert "not published" in call("pull", "hf:alice/half", "--discriminator").out
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for name in ("whole", "half"):
        commit = alice.hub.repos[f"alice/{name}"].refs["main"]
        options = ("--data", str(mnist), "--images", "64", "--batch-size", "32", "--out", str(tmp_path / name))
        done = call("train", "--from", f"hf:alice/{name}@{commit}", *options)
        assert done.code == 0, done.err


def test_pull_verify(call, published):
    done = call("pull", "hf:alice/digits", "--verify")
    assert "  config.json: as on the Hub\n  model.safetensors: as on the Hub\n" in done.out


def test_pull_of_a_bundled_model(call):
    done = call("pull", ganzoo.list_models()[0], "--verify")
    assert done.code == 0
    assert "sha256 verified" in done.out


def test_list_hub(call, alice, published):
    alice.upload("bob/odd", {"README.md": b"---\nlibrary_name: ganzoo\nganzoo: x\nmodel-index: 3\n---\n"})
    publish("cgan-mnist", "alice/secret", private=True)
    done = call("list", "--hub")
    lines = done.out.splitlines()
    assert lines[0].split() == ["MODEL", "ON", "THE", "HUB", "ARCHITECTURE", "DATA", "UPDATED", "METRICS"]
    assert lines[1].split()[:2] == ["hf:alice/digits", "dcgan"]
    assert lines[2].startswith("hf:alice/secret (private)")
    assert "fd[mnist-classifier]@10k/test 0.1709" in lines[2]
    assert lines[3].split()[:2] == ["hf:bob/odd", "?"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--author", "alice"), ["alice/digits"]),
        (("--search", "other"), ["bob/other"]),
        (("--architecture", "dcgan"), ["alice/digits", "bob/other"]),
        (("--architecture", "cgan"), []),
        (("digits",), ["alice/digits"]),
        (("*/o*",), ["bob/other"]),
        (("o*",), ["bob/other"]),
        (("--limit", "1"), ["alice/digits"]),
    ],
)
def test_list_hub_filters(call, alice, published, options, names):
    alice.upload("bob/other", {p: b.content for p, b in alice.hub.repos["alice/digits"].at("main").files.items()})
    assert [one["name"] for one in json.loads(call("list", "--hub", "--json", *options).out)] == names
    if not names:
        assert call("list", "--hub", *options).out == "The Hub has no such model.\n"


def test_list_options_of_the_hub_need_it(call):
    done = call("list", "--author", "me")
    assert done.code == 2
    assert "--author goes with --hub" in done.err


def test_show_hub_fetches_no_weights(call, alice, published):
    before = len(alice.requests)
    done = call("show", "hf:alice/digits")
    assert done.code == 0
    for part in (
        "architecture  dcgan", "128 images, seed 0", "license       mit", f"Hub alice/digits at {published.commit}",
        "model.safetensors", 'ganzoo.load("hf:alice/digits")', "Intended use and limits",
    ):  # fmt: skip
        assert part in done.out, part
    assert not [line for line in alice.lines()[before:] if "safetensors" in line]
    assert alice.lines("storage").count("GET") == 0


def test_show_hub_json(call, published):
    shown = json.loads(call("show", "hf:alice/digits", "--json").out)
    assert shown["address"] == f"hf:alice/digits@{published.commit}"
    assert (shown["architecture"], shown["license"]) == ("dcgan", "mit")
    assert shown["files"]["model.safetensors"] == shown["weights"]["bytes"]


def test_show_hub_offline_from_the_cache(call, published, monkeypatch):
    from huggingface_hub import constants

    call("show", "hf:alice/digits")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "dcgan" in call("show", "hf:alice/digits").out


def test_show_hub_steers_no_terminal(call, alice, published):
    card = alice.hub.repos["alice/digits"].at("main").files["README.md"].content
    alice.upload("alice/digits", {"README.md": card + b"\n\x1b[31mred\x07 \xff\n"})
    out = call("show", "hf:alice/digits").out
    assert "red" in out
    assert all(letter.isprintable() or letter == "\n" for letter in out)


def test_train_from_a_model_of_the_hub(call, alice, published, mnist, tmp_path):
    out = tmp_path / "tuned"
    done = call(
        "train",
        "--from",
        "hf:alice/digits",
        "--data",
        str(mnist),
        "--images",
        "64",
        "--batch-size",
        "32",
        "--out",
        str(out),
    )
    assert done.code == 0, done.err
    assert json.loads((out / "config.json").read_text())["training"]["start"] == f"hf:alice/digits@{published.commit}"
    assert (out / "samples.png").exists()


def test_train_from_says_what_it_would_do(call, mnist):
    done = call("train", "--from", "dcgan-mnist", "--data", str(mnist), "--dry-run")
    assert done.code == 0
    assert "start" in done.out
    assert "-o base_channels           128" in done.out
    done = call("train", "cgan", "--from", "dcgan-mnist", "--data", str(mnist), "--dry-run")
    assert (done.code, done.err) == (1, "Error: dcgan-mnist is a dcgan, not a cgan: leave the architecture out\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("publish", "nothing", "me/x"), "No model or architecture"),
        (("pull", "hf:me/none"), "hf:me/none: the Hub has no such repository"),
        (("show", "hf:me/none"), "hf:me/none: the Hub has no such repository"),
        (("show", "hf:x"), "'hf:x'"),
        (("sample", "hf:me/none"), "hf:me/none: the Hub has no such repository"),
    ],
)
def test_errors_are_one_line(call, alice, arguments, text):
    done = call(*arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"Error: {text}") or text in done.err
    assert len(done.err.splitlines()) == 1


def test_errors_steer_no_terminal(call, alice, trained):
    config = json.loads((trained / "config.json").read_text())
    config["architecture"] = "x\x1b[31my\x07\u202e\x1b]0;t\x07"
    alice.upload("alice/x", {"config.json": json.dumps(config).encode(), "model.safetensors": b""})
    done = call("pull", "hf:alice/x")
    done = call("sample", "hf:alice/x")
    assert done.code == 1
    assert all(letter.isprintable() or letter == "\n" for letter in done.err)
