"""Whether old-gan does what every user of the zoo counts on; run with ``pytest``."""

from ganzoo.testing import conformance


@conformance("old-gan", config={"width": 8, "latent_dim": 16})
def test_conformance(check):
    check()
