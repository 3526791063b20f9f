"""No test, and so no dependency's telemetry, reaches another machine: tests/conftest.py guards every connection."""

import socket

import pytest


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("192.0.2.1", 80)),  # reserved for documentation: nothing answers there
        (socket.AF_INET, ("example.invalid", 80)),
        (socket.AF_INET6, ("2001:db8::1", 80, 0, 0)),
    ],
)
def test_a_connection_to_another_machine_fails(method, family, address):
    with socket.socket(family) as outward:
        outward.settimeout(0.1)  # were it not refused, the test would not wait
        with pytest.raises(pytest.fail.Exception, match="not the loopback"):
            getattr(outward, method)(address)


def test_the_loopback_is_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
