"""What a ``--data`` argument means, with nothing opened."""

from pathlib import Path

import pytest

from ganzoo.data.spec import DataSpec, named_sets
from ganzoo.errors import DataError
from ganzoo.registry import installed


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Work in a folder where a few names are paths."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "mnist", "a:b", "grey"):
        Path(name).mkdir()


def parsed(spec):
    return DataSpec.parse(spec, installed())


@pytest.mark.parametrize(
    ("spec", "kind", "name", "class_name"),
    [
        ("mnist", "registered", "mnist", None),  # though a folder has this name
        ("./mnist", "path", "./mnist", None),
        ("cifar10:horse", "registered", "cifar10", "horse"),
        ("mnist:x:y", "registered", "mnist", "x:y"),
        ("hf:me/zebras", "hub", "hf:me/zebras", None),
        ("hf:me/zebras:big", "hub", "hf:me/zebras", "big"),
        ("hf:me/zebras:big:one", "hub", "hf:me/zebras", "big:one"),
        ("photos", "path", "photos", None),
        ("photos:cat", "path", "photos", "cat"),
        ("photos:x:y", "path", "photos", "x:y"),
        ("a:b", "path", "a:b", None),
        ("a:b:cat", "path", "a:b", "cat"),
        ("grey", "path", "grey", None),
        ("nowhere", "path", "nowhere", None),
        ("holidays:cat", "path", "holidays:cat", None),
        ("images.npz", "path", "images.npz", None),
    ],
)
def test_one_set(spec, kind, name, class_name):
    found = parsed(spec)
    (one,) = found.sets
    assert (one.text, one.kind, one.name, one.class_name) == (spec, kind, name, class_name)
    assert (found.matched, found.degradation, found.pattern) == (False, None, "{}")


@pytest.mark.parametrize(
    ("spec", "sets", "matched", "degradation", "pattern"),
    [
        ("A=mnist,B=photos", ["mnist", "photos"], False, None, "A={},B={}"),
        ("A= mnist:3 , B= mnist:8 ", ["mnist:3", "mnist:8"], False, None, "A={},B={}"),
        ("A=x,y,B=z", ["x,y", "z"], False, None, "A={},B={}"),
        ("pairs:A=photos,B=hf:me/b", ["photos", "hf:me/b"], True, None, "pairs:A={},B={}"),
        ("pairs:photos", ["photos"], True, None, "pairs:{}"),
        ("pairs:hf:me/facades", ["hf:me/facades"], True, None, "pairs:{}"),
        ("grey:cifar10:horse", ["cifar10:horse"], True, "grey", "grey:{}"),
        ("lowres4:photos", ["photos"], True, "lowres4", "lowres4:{}"),
        ("pairs:grey", ["grey"], True, None, "pairs:{}"),  # a folder
    ],
)
def test_two_sets(spec, sets, matched, degradation, pattern):
    found = parsed(spec)
    assert [one.text for one in found.sets] == sets
    assert (found.matched, found.degradation, found.pattern) == (matched, degradation, pattern)


@pytest.mark.parametrize(
    ("spec", "fact"),
    [
        ("", "no name"),
        ("  ", "no name"),
        ("pairs:", "no name"),
        ("hf:zebras", "hf:owner/name"),
        ("A=hf:zebras,B=mnist", "hf:owner/name"),
        ("A=mnist", "A=DATA,B=DATA"),
        ("B=mnist,A=mnist", "A=DATA,B=DATA"),
        ("A=mnist,B=mnist,C=mnist", "A=DATA,B=DATA"),
        ("gray:photos", "'grey'"),
        ("pair:photos", "'pairs'"),
        ("pairs:grey:photos", "'grey:'"),
        ("grey:A=mnist,B=mnist", "'A='"),
        ("A=pairs:mnist,B=mnist", "'pairs:'"),
    ],
)
def test_what_is_no_spec(spec, fact):
    with pytest.raises(DataError) as raised:
        parsed(spec)
    assert fact in str(raised.value)
    assert named_sets(spec, installed()) is None
