import pytest

from ganzoo.errors import ConfigError
from ganzoo.metrics import Protocol
from ganzoo.metrics.protocol import sign_of
from ganzoo.registry import installed

EXAMPLES = {
    "fd[pixels]@10k/test": Protocol("fd", "pixels", 10_000, "test"),
    "fid[inception,tf-resize]@50k/train": Protocol("fid", "inception,tf-resize", 50_000, "train"),
    "kd[timm:resnet18]@1234/test:5k#7": Protocol("kd", "timm:resnet18", 1_234, "test", 5_000, 7),
    "entropy[mnist]@2M": Protocol("entropy", "mnist", 2_000_000),
    "brightness@100": Protocol("brightness", None, 100),
    "ganzoo-x:fd[pixels:8]@1/train": Protocol("ganzoo-x:fd", "pixels:8", 1, "train"),
}


@pytest.mark.parametrize(("text", "protocol"), EXAMPLES.items())
def test_it_is_read_and_written(text, protocol):
    assert Protocol.parse(text) == protocol
    assert str(protocol) == text


@pytest.mark.parametrize(("text", "same"), [("fd[p]@10000/t", "fd[p]@10k/t"), (" fd[p]@1000k/t ", "fd[p]@1M/t")])
def test_there_is_one_way_to_write_it(text, same):
    assert str(Protocol.parse(text)) == same


@pytest.mark.parametrize(
    "text",
    ["", "fd", "fd[pixels]", "fd@/test", "fd[]@10k/test", "fd[a[b]]@1/t", "fd[p]@10K/t", "fd[p]@-1/t", "@1", "fd@1/"],
)
def test_the_error_for_an_invalid_protocol_shows_the_syntax(text):
    with pytest.raises(ConfigError, match=r"METRIC\[EXTRACTOR\]@IMAGES/SPLIT"):
        Protocol.parse(text)


@pytest.mark.parametrize("text", ["fd[p]@0/test", "fd[p]@10/test:0"])
def test_no_images_are_refused(text):
    with pytest.raises(ConfigError, match="no images"):
        Protocol.parse(text)


@pytest.mark.parametrize(
    ("protocol", "sign"), [("fd[pixels]@10k/test", 1), ("recall[pixels]@10k/test", -1), ("ssim@9/test", -1)]
)
def test_the_sign_of_a_value_says_which_is_better(protocol, sign):
    assert sign_of(protocol, installed()) == sign
