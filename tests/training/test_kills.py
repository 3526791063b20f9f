"""A run that is killed loses nothing that it does not make again."""

import pytest

from attacks.kills import kill_at_writes


@pytest.mark.slow
def test_a_run_killed_at_any_of_its_writes_ends_as_if_it_had_not_been(mnist, tmp_path):
    attack = kill_at_writes(mnist, tmp_path)
    assert attack.tried > 40
    assert not attack.failed
