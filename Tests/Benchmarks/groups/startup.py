"""Start-up: the version, and a table without sockets."""

from measuring import Comparison, at_most


def stages(quick):
    return [""]


def title(bench):
    return "Start-up"


def comparisons(bench):
    floor = bench.floor("an empty program", "empty")
    yield Comparison("`--version`", "ms", bench.ours("--version"), [bench.peer("ss --version"), floor],
                     bars={"`ss --version`": at_most(1)})
    # `states` ends with 1 where there is no socket.
    yield Comparison("`states`, no socket", "ms", bench.ours("states", statuses=(1,)),
                     [bench.peer("ss -tan"), floor], bars={"`ss -tan`": at_most(1)})
