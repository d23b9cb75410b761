"""The flood of `backlog-test` beside the same connects from C."""

import json

import programs
from measuring import Comparison, Contestant, Sample, at_least, at_most


def stages(quick):
    return [""]


def title(bench):
    return "`backlog-test`"


def comparisons(bench):
    yield Comparison("`backlog-test`, start to end", "ms",
                     bench.ours("backlog-test"), own_bar=at_most(1000))
    for backlog in [128] if bench.quick else [128, 4096]:
        yield from floods(bench, backlog)


def floods(bench, backlog):
    # This namespace is private already.
    command = [bench.tool, "backlog-test", "--backlog", str(backlog), "--isolate", "never", "--json"]

    def report():
        return json.loads(programs.read(command)[0])

    connects = report()["connects"]

    def ours():
        told = report()
        return Sample(told["connects"] / told["flood_us"] * 1e6)

    def overflow():
        return Sample(report()["first_drop"]["us"] / 1e3)

    def bare():
        text, _ = programs.read([bench.bare("flood"), str(backlog), str(connects)])
        return Sample(connects / int(text.split()[0]) * 1e9)

    floor = Contestant("flood in C", bare, bench.bare("flood") or "cc", floor=True)
    yield Comparison(f"flood of a backlog of {backlog:,}", "connects/s", Contestant("tcptool", ours),
                     [floor], bars={floor.name: at_least(0.9)})
    if backlog == 4096:
        yield Comparison(f"first drop at a backlog of {backlog:,}", "ms",
                         Contestant("tcptool", overflow), own_bar=at_most(150))
