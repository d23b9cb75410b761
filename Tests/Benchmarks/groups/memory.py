"""The memory of a server that has idle connections, ten thousand of them."""

import contextlib
import os

import network
import programs
import serving
from measuring import Comparison, Contestant, Sample

FEW = 200


def stages(quick):
    return [""]


def title(bench):
    return "A server with idle connections: its own memory (Pss)"


def comparisons(bench):
    ours, *others = serving.servers(bench)
    many = 500 if bench.quick else 10_000
    few = [server for server in others if server.is_for_few]
    yield comparison(bench, many, [ours] + [server for server in others if server not in few])
    yield comparison(bench, FEW, [ours] + few)

    def growth():
        return Sample((with_idle(bench, ours, many) - with_idle(bench, ours, 0)) / many)

    yield Comparison("the same, for each connection", "bytes",
                     Contestant("tcptool", growth, serving.needs(bench, ours)), rounds=7)


def comparison(bench, count, servers):
    def contestant(server):
        return Contestant(server.name, lambda: Sample(with_idle(bench, server, count) / 1e6),
                          serving.needs(bench, server), server.floor)

    ours, *others = map(contestant, servers)
    what = f"`listen --keep-open --discard`, {count:,} connections"
    return Comparison(what, "MB", ours, others, rounds=7)


def with_idle(bench, server, count):
    """The bytes of a server that has so many connections, and nothing to do."""
    with server.running(bench, connections=count) as (program, port), clients(bench, port, count):
        network.await_queue(program, port, lambda waiting: waiting == 0)
        return proportional_set_size(program)


def proportional_set_size(program):
    """Bytes, with those of the processes that it has started."""
    total = 0
    for pid in programs.tree(program.pid):
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024


@contextlib.contextmanager
def clients(bench, port, count):
    """Holds so many connections to a port."""
    ours, theirs = os.pipe()
    told, tell = os.pipe()
    program = programs.Program([bench.bare("clients"), "idle", str(port), str(count)], ours, tell)
    os.close(ours), os.close(tell)
    try:
        with open(told) as output:
            if output.readline() != "ready\n":
                programs.wait(program)
                program.check()
        yield
    finally:
        os.close(theirs)
        if program.usage is None:
            programs.wait(program)
