"""The tests' own guard: nothing but this machine can be reached."""

import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.com", 443), ("2001:db8::1", 80)])
def test_the_network_is_blocked(address: tuple[str, int]) -> None:
    with socket.socket() as plain:
        for reach in (plain.connect, plain.connect_ex):
            with pytest.raises(pytest.fail.Exception, match="the network is blocked"):
                reach(address)
    with pytest.raises(pytest.fail.Exception):
        socket.create_connection(address, timeout=1)


def test_this_machine_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
