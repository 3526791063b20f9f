import os

import pytest

from ganzoo.errors import GanzooError
from ganzoo.files import replacing, sha256, write_json


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="surrogates not allowed"), replacing(path) as partial:
        partial.write_text("half" + chr(0xD800))  # a lone surrogate cannot be encoded
    assert path.read_text() == '{\n  "a": 1\n}\n'
    assert os.listdir(tmp_path) == ["x.json"]


def test_a_failing_write_names_the_path(tmp_path):
    with pytest.raises(GanzooError, match="cannot be written: No such file"), replacing(tmp_path / "no" / "x"):
        pass
    with pytest.raises(GanzooError, match="x cannot be written: No space"), replacing(tmp_path / "x"):
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == []


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    old = os.umask(0o022)
    try:
        write_json(tmp_path / "x", 1)
    finally:
        os.umask(old)
    if os.name == "posix":
        assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


def test_sha256(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")
