"""Each attack of `make attack`, a few times."""

import pytest

from attacks.bits import flip_bits, mutate
from attacks.crowds import list_in_parallel, sample_in_parallel
from attacks.kills import kill_at_random, kill_at_writes

pytestmark = pytest.mark.slow


def test_a_run_killed_at_any_of_its_writes_ends_as_if_it_had_not_been(mnist, tmp_path):
    attack = kill_at_writes(mnist, tmp_path, last=100)  # more than a step has
    assert attack.tried == 100
    assert not attack.failed


def test_a_run_killed_again_and_again_ends_as_if_it_had_not_been(mnist, tmp_path):
    assert not kill_at_random(mnist, tmp_path, 4).failed


def test_flipped_bits_in_a_run_are_found(mnist, tmp_path):
    attack = flip_bits(mnist, tmp_path, 3)
    assert attack.tried > 40
    assert not attack.failed


@pytest.mark.filterwarnings("ignore")
def test_mutated_files_are_read_or_refused(mnist, tmp_path):
    attack = mutate(mnist, tmp_path, 300)
    assert attack.tried == 300
    assert not attack.failed


def test_parallel_commands_all_answer(tmp_path):
    assert not list_in_parallel(tmp_path, 12).failed
    assert not sample_in_parallel(tmp_path, "dcgan-mnist-small", 4).failed
