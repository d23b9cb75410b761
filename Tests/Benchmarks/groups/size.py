"""The size of the program with the libraries that it needs."""

import os
import re

import programs
from measuring import Comparison, Contestant, Sample


def stages(quick):
    return [""]


def title(bench):
    return "Size of the program with its shared libraries"


def comparisons(bench):
    peers = [contestant(name, name) for name in ("ss", "nc", "ncat", "socat", "iperf3", "nginx")]
    yield Comparison("`tcptool`", "MB", contestant("tcptool", bench.tool), peers, rounds=1)


def contestant(name, program):
    path = programs.found(program)
    return Contestant(name, lambda: Sample(size(path) / 1e6), needs=path or program)


def size(path):
    told, _ = programs.read(["ldd", path], (0, 1))
    libraries = re.findall(r"(/\S+) \(0x", told)
    return sum(os.path.getsize(file) for file in [path] + libraries)
