"""Connections a second that a server accepts, reads to their end and closes."""

import programs
import serving
from measuring import Comparison, Contestant, Sample


def stages(quick):
    return [""]


def title(bench):
    return "Short connections to a server"


def comparisons(bench):
    ours, *others = [contestant(bench, server) for server in serving.servers(bench)]
    yield Comparison("`listen --keep-open --discard`", "connections/s", ours, others)


def contestant(bench, server):
    count = 200 if bench.quick else 500 if server.is_for_few else 3000

    def run():
        with server.running(bench, connections=16) as (program, port):
            told, _ = programs.read([bench.bare("clients"), "short", str(port), str(count)])
        # The start of the server counts as little as its connections are many.
        return Sample(count / int(told) * 1e9, program.cpu() / count)

    return Contestant(server.name, run, serving.needs(bench, server), server.floor)
