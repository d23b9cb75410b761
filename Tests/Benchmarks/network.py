"""The private network namespace that a benchmark runs in, and the sockets that are held there."""

import contextlib
import fcntl
import socket
import struct
import subprocess
import sys
import time

from programs import Failure

# One process may not have descriptors for all sockets.
PAIRS_PER_PROCESS = 8_000

HOLDER = """
import resource, socket, sys
place, pairs = int(sys.argv[1]), int(sys.argv[2])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
listener = socket.socket()
listener.bind((f"127.0.0.{place}", 9000))
listener.listen(64)
held = []
for number in range(pairs):
    client = socket.socket()
    client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    client.bind((f"127.0.1.{1 + number % 16}", 0))
    client.connect(listener.getsockname())
    held += [client.detach(), listener.accept()[0].detach()]
# One connection waits for accept(2).
waiting = socket.create_connection(listener.getsockname())
print("ready", flush=True)
sys.stdin.read()
"""


def inside(command):
    """The command that runs another one in a network namespace of its own."""
    return ["unshare", "--map-root-user", "--net"] + command


def raise_loopback():
    """What `ip link set lo up` does."""
    with socket.socket() as control:
        name = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, 0x8913, name))[1]  # SIOCGIFFLAGS
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))  # SIOCSIFFLAGS, IFF_UP


@contextlib.contextmanager
def sockets(count):
    """Processes that hold so many sockets, in pairs. They end with this one."""
    holders = []
    for place in range(-(-count // (2 * PAIRS_PER_PROCESS))):
        pairs = min(PAIRS_PER_PROCESS, count // 2 - place * PAIRS_PER_PROCESS)
        holders.append(subprocess.Popen([sys.executable, "-c", HOLDER, str(place + 1), str(pairs)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    try:
        for holder in holders:
            if holder.stdout.readline() != b"ready\n":
                raise Failure(f"{count} sockets could not be made; see 'ulimit -Hn'")
        yield
    finally:
        for holder in holders:
            holder.stdin.close()
        for holder in holders:
            holder.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accept_queue(port):
    """How many connections wait for accept(2) on a port; None where nobody listens there."""
    for path in "/proc/net/tcp", "/proc/net/tcp6":
        with open(path) as table:
            next(table)
            for line in table:
                fields = line.split()
                # Listeners come first.
                if fields[3] != "0A":
                    break
                if int(fields[1].rpartition(":")[2], 16) == port:
                    return int(fields[4].rpartition(":")[2], 16)
    return None


def await_queue(program, port, is_right):
    """Waits until the accept queue of a program's port is as it should be."""
    over = time.monotonic() + 30
    while not is_right(accept_queue(port)):
        if time.monotonic() > over:
            raise Failure(f"'{program}' does not serve its port")
        if program.usage is None and program.has_ended():
            program.reap()
            program.check()
            raise Failure(f"'{program}' ended before anything was sent")
        time.sleep(0.002)


def await_listener(program, port):
    await_queue(program, port, lambda waiting: waiting is not None)
