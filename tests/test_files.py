import os
import sys
from pathlib import Path

import pytest

from ganzoo._files import cache_dir, locked, new_folder, only_one, replacing, sha256, swap_folder, write_json
from ganzoo.errors import GanzooError


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="surrogates not allowed"), replacing(path) as partial:
        partial.write_text("half" + chr(0xD800))  # a lone surrogate cannot be encoded
    assert path.read_text() == '{\n  "a": 1\n}\n'
    assert os.listdir(tmp_path) == ["x.json"]


def test_a_failing_write_names_the_path(tmp_path):
    with pytest.raises(GanzooError, match="written: No such file"), replacing(tmp_path / "no" / "x"):
        pass
    with pytest.raises(GanzooError, match=r"x .*: No space"), replacing(tmp_path / "x"):
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


def test_a_lock_keeps_others_out_and_clears_what_a_killed_process_left(tmp_path):
    kept = ["best/model.safetensors", "samples/1.png", ".hidden", ".tmp", "partial-x", "mine.partial-1.zip"]
    left = [".model.safetensors.partial-x1.safetensors", "samples/.1.png.partial-ab.png", ".tmpAb3xYz"]
    for name in (*kept, *left, ".best.partial-q/config.json", "checkpoints/.partial-z/gan.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(name)
    with locked(tmp_path, GanzooError("taken")):
        there = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
        assert there == sorted([*kept, ".lock"])
        assert os.listdir(tmp_path / "checkpoints") == []
        with pytest.raises(GanzooError, match="taken"), locked(tmp_path, GanzooError("taken")):
            pass


def test_the_lock_of_a_file_clears_what_a_killed_process_left_of_it_and_nothing_else(tmp_path):
    left = [".a[1].json.partial-x1.json", ".a[1].json.partial-q"]
    kept = [".a1.json.partial-x.json", ".b.json.partial-x.json", "a[1].json", "a[1].json.partial-x"]
    for name in (*left, *kept):
        (tmp_path / name).write_text(name)
    with only_one(tmp_path / "a[1].json", GanzooError("taken")):
        assert sorted(os.listdir(tmp_path)) == sorted([*kept, ".a[1].json.lock"])
        with replacing(tmp_path / "a[1].json"):  # another process, which comes too late, leaves this alone
            before = sorted(os.listdir(tmp_path))
            with pytest.raises(GanzooError, match="taken"), only_one(tmp_path / "a[1].json", GanzooError("taken")):
                pass
            assert sorted(os.listdir(tmp_path)) == before
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


def test_what_cannot_be_removed_neither_blocks_nor_keeps_the_lock(tmp_path, monkeypatch):
    (tmp_path / ".x.partial-1").write_text("")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: os.listdir(tmp_path / "gone"))
        for _ in range(2):
            with locked(tmp_path, GanzooError("taken")):
                pass
    assert (tmp_path / ".x.partial-1").exists()


def test_a_folder_that_was_about_to_be_replaced_gets_its_name_back(tmp_path, monkeypatch):
    new, final = tmp_path / ".best.partial-q", tmp_path / "best"
    for folder in (new, final):
        folder.mkdir()
        (folder / "x").write_text(folder.name)

    def killed(*_):
        raise KeyboardInterrupt

    # what the first rename had done when the second one was not reached
    final.rename(tmp_path / ".best.partial-q-old")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            swap_folder(new, final)
    assert not final.exists()
    with locked(tmp_path, GanzooError("taken")):
        assert (final / "x").read_text() == "best"
    assert sorted(os.listdir(tmp_path)) == [".lock", "best"]


def test_sha256(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")


def test_the_cache_folder_is_the_one_named_or_the_platforms(monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    monkeypatch.setenv("GANZOO_CACHE", "~/mine")
    assert cache_dir() == Path.home() / "mine"
    monkeypatch.delenv("GANZOO_CACHE")
    assert "ganzoo" in cache_dir().parts


@pytest.mark.skipif(sys.platform != "linux", reason="other platforms keep caches elsewhere")
def test_the_cache_folder_on_linux(monkeypatch, tmp_path):
    monkeypatch.delenv("GANZOO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "ganzoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path.home() / ".cache" / "ganzoo"


def test_a_new_folder_is_whole_or_absent(tmp_path):
    final = tmp_path / "deep" / "out"
    with pytest.raises(ValueError, match="surrogates not allowed"), new_folder(final) as partial:
        (partial / "a").write_text("half" + chr(0xD800))
    assert list(final.parent.iterdir()) == []
    final.mkdir()
    with new_folder(final) as partial:
        (partial / "a").write_text("x")
        assert list(final.iterdir()) == []
    assert [path.name for path in final.iterdir()] == ["a"]
    with pytest.raises(GanzooError, match=str(final)), new_folder(final) as partial:
        (partial / "b").write_text("y")
    assert [path.name for path in final.parent.iterdir()] == ["out"]
    assert [path.name for path in final.iterdir()] == ["a"]
