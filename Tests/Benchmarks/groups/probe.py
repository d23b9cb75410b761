"""`connect --probe` beside nc -z and a scan in C, over closed and silent ports."""

import contextlib
import socket

from measuring import Comparison

# `connect --probe` ends with the status of what failed, nc with 1.
CLOSED, SILENT, NC = 11, 12, 1
# Who connects to 28,232 of its own ephemeral ports now and then gets one as its source that it connects to,
# and so is connected with itself. nc takes that for an open port.
SOME_OPEN = 0


def stages(quick):
    return [""]


def title(bench):
    return "`connect --probe`"


def comparisons(bench):
    for last in [100] if bench.quick else [1000, 65535]:
        ports = f"1-{last}"
        yield Comparison(
            f"{last:,} closed ports", "ms",
            bench.ours("connect", "127.0.0.1", "--probe", ports, statuses=(CLOSED,)),
            [bench.peer(f"nc -z 127.0.0.1 {ports}", statuses=(NC, SOME_OPEN)),
             bench.floor("scan in C", "clients", "scan", "1", str(last))])
    with silent_ports(1 if bench.quick else 4) as ports:
        told = f"{ports[0]}-{ports[-1]}"
        yield Comparison(
            f"silent ports, 1 s each: {len(ports)}", "ms",
            bench.ours("connect", "127.0.0.1", "--probe", told, "--timeout", "1s", statuses=(SILENT,)),
            [bench.peer(f"nc -z -w 1 127.0.0.1 {told}", statuses=(NC,))], rounds=7)


@contextlib.contextmanager
def silent_ports(count):
    """Ports that do not answer, since the accept queues of their listeners are full."""
    ports = list(range(20_000, 20_000 + count))
    with contextlib.ExitStack() as held:
        for port in ports:
            listener = held.enter_context(socket.socket())
            listener.bind(("127.0.0.1", port))
            listener.listen(0)
            held.enter_context(socket.create_connection(("127.0.0.1", port)))
        yield ports
