"""`states` beside ss, netstat, cat and the kernel's own dumps, at 100, 10,000 and 100,000 sockets."""

import network
from measuring import Comparison, at_most

# Rounds of what takes seconds.
FEW = 7


def stages(quick):
    return ["1000"] if quick else ["100", "10000", "100000"]


def title(bench):
    return f"{int(bench.stage):,} sockets"


def comparisons(bench):
    count = int(bench.stage)
    ss, owners, netstat = map(bench.peer, ["ss -tan", "ss -tanp", "netstat -tan"])
    cat = bench.peer("cat /proc/net/tcp /proc/net/tcp6")
    plain = bench.timed("`tcptool states`", [bench.tool, "states"])
    dump = bench.floor("dump in C", "dump", "all")
    queues = bench.floor("dump of both queues in C", "dump", "queues")
    walk = bench.floor("walk over descriptors in C", "descriptors")

    def states(*words, peers, bars, **more):
        what = " ".join(("states",) + words)
        return Comparison(f"`{what}`", "ms", bench.ours("states", *words), peers, bars, **more)

    with network.sockets(count):
        limit = {100: at_most(1), 100_000: at_most(0.45)}.get(count)
        yield states(peers=[ss, dump], bars={ss.name: limit})
        yield states("--json", peers=[plain], bars={plain.name: at_most(1.5)})
        yield states("--summary", peers=[plain, ss], bars={})
        yield states("--source", "proc", peers=[cat, netstat],
                     bars={cat.name: at_most(1.25), netstat.name: at_most(0.6)})
        limit = at_most(0.15) if count == 100_000 else None
        yield states("--process", peers=[owners, walk], bars={owners.name: limit}, rounds=FEW)
        limit = at_most(1.2) if count == 100_000 else None
        yield states("--listeners", peers=[queues], bars={queues.name: limit})
        yield states("--listeners", "--oldest", peers=[bench.peer("ss -tniH")], bars={}, rounds=FEW)
        yield states("--listeners", "--process", peers=[bench.peer("ss -tlnpH")], bars={}, rounds=FEW)
        for words in [], ["--source", "proc"], ["--json"]:
            yield Comparison(
                f"`{' '.join(['states'] + words)}`, peak memory", "MB",
                bench.peak("tcptool", [bench.tool, "states"] + words),
                [] if words else [bench.peak(peer, peer.strip("`").split()) for peer in (ss.name, netstat.name)],
                own_bar=at_most(16), rounds=FEW)
