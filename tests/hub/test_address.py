import pytest

from ganzoo.errors import HubError
from ganzoo.hub.address import Address, parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf:me/digits", Address("me/digits", "main")),
        ("hf:me/digits@v1.0", Address("me/digits", "v1.0")),
        ("hf:me/digits@refs/pr/3", Address("me/digits", "refs/pr/3")),
        (f"hf:a-b/C.d_e@{COMMIT}", Address("a-b/C.d_e", COMMIT)),
    ],
)
def test_an_address_is_parsed_and_printed_alike(text, address):
    assert parse(text) == address
    assert str(address) == text
    assert address.pinned == (COMMIT in text)


@pytest.mark.parametrize(
    "text",
    [
        "hf:", "hf:digits", "hf:/digits", "hf:me/", "hf:me/a/b", "hf:me/digits@", "hf:me/digits@a b",
        "hf:me/digits@../x", "hf:me/digits@/etc", "hf:../../etc/passwd", "hf:me/..", "hf:m e/x", "hf:me/x\n",
        "hf:me/digits@a@b", "hf:me/digits@-x", "hf:me/digits@HEAD", "hf:me/digits@x.lock", "hf:me/x@" + "y" * 300,
        "hf:-/x", "hf:me/a--b", "hf:me/" + "x" * 100, "hf:me/x.git", "hf:mé/x",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    with pytest.raises(HubError, match=r"owner/name|a branch, a tag"):
        parse(text)
