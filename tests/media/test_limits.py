"""Memory that threads may hold at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest

from ganzoo.errors import DataError
from ganzoo.media.limits import InHand, check_bytes, check_pixels


@pytest.mark.parametrize(("size", "at_once"), [(1, 8), (30, 3), (60, 1), (1000, 1)])
def test_threads_wait_where_they_would_hold_too_much_at_once(size, at_once):
    in_hand, lock, full = InHand(100), Lock(), Event()
    held, most = 0, 0

    def work(_):
        nonlocal held, most
        with in_hand.take(size):
            with lock:
                held += 1
                most = max(most, held)
            if most == at_once:
                full.set()
            full.wait(10)  # so that all that may come are there
            with lock:
                held -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert most == at_once


def test_what_a_thread_holds_is_given_back_where_it_fails():
    in_hand = InHand(100)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), in_hand.take(100):
            raise ZeroDivisionError
    with in_hand.take(100):
        pass


def test_what_is_too_large_is_named_with_the_limit(monkeypatch):
    monkeypatch.setenv("GANZOO_MAX_PIXELS", "12")
    check_pixels("a.png", 4, 3)
    with pytest.raises(DataError, match=r"^a\.png is 13x1, of more than the 12 pixels"):
        check_pixels("a.png", 1, 13)
    check_bytes("a.png", 5, 5)
    with pytest.raises(DataError, match=r"^a\.png has 6 bytes, more than the 5 that are read"):
        check_bytes("a.png", 6, 5)
