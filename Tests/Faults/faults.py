"""The faults: which there are for a recorded run, and how a run gets one.

A fault is named by its words: `splice/ENOSPC/2` is the second splice(2) failing with ENOSPC. The
families are in FAMILIES; each has a function that lists the faults of a recording.
"""

import collections
import random
import re

from errors import ERRORS, EXCLUDED, MEMORY

# At so many occurrences of a call in a run each is tried, else the first two, two in the middle and the last two.
MOST_OCCURRENCES = 6
# Signals come at so many moments of each subcommand.
MOMENTS = 100
CALL = re.compile(r"^(\d+ +)?([a-z_][a-z0-9_]*)\(")


class Recording:
    """What a run without a fault did."""

    def __init__(self, trace, seconds):
        # strace counts the calls of each thread by themselves: here is the most that one has made.
        self.calls = collections.Counter()
        self.order = []
        of_thread = collections.Counter()
        for line in trace.splitlines():
            match = CALL.match(line)
            if match:
                call = match.group(2)
                of_thread[match.groups()] += 1
                number = of_thread[match.groups()]
                self.calls[call] = max(self.calls[call], number)
                self.order.append((call, number))
        self.seconds = seconds


def occurrences(count):
    if count <= MOST_OCCURRENCES:
        return range(1, count + 1)
    return sorted({1, 2, count // 3, 2 * count // 3, count - 1, count})


def calls(scenario, recording, unknown):
    for call, count in sorted(recording.calls.items()):
        if call in EXCLUDED or call in MEMORY:
            continue
        if call not in ERRORS:
            unknown.add(call)
            continue
        for error in ERRORS[call].split():
            for number in occurrences(count):
                yield f"{call}/{error}/{number}"


def memory(scenario, recording):
    for call in MEMORY:
        for number in range(1, recording.calls[call] + 1):
            yield f"memory/{call}/{number}"


def refusals(scenario, recording):
    for call in sorted(recording.calls):
        if call in ERRORS and call not in ("read", "write", "close", "epoll_wait", "fcntl"):
            for error in ("ENOSYS", "EPERM"):
                yield f"refused/{call}/{error}"


def empties(scenario, recording):
    if not scenario.name.startswith(("listen", "connect", "send", "recv")):
        return
    # Of standard input read(2) has the last word.
    for call in ("read", "splice", "sendfile") if scenario.name == "send" else ("splice", "sendfile"):
        for number in occurrences(recording.calls[call]):
            yield f"empty/{call}/{number}"


def limits(scenario, recording):
    for number in range(0, 16):
        yield f"nofile/{number}"
    for size in scenario.sizes:
        yield f"fsize/{size}"
    # From what the kernel cannot load to what is enough.
    for kilobytes in range(11_000, 12_800, 64):
        yield f"as/{kilobytes}"
    for kilobytes in range(256, 1_800, 64):
        yield f"data/{kilobytes}"


def surroundings(scenario, recording):
    for closed in ("0", "1", "2", "01", "02", "12", "012"):
        yield f"closed/{closed}"
    yield "output/full"
    yield "output/broken"
    for pages in scenario.disks:
        yield f"disk/{pages}"
    yield "proc/none"
    yield "proc/hidden"
    yield "proc/unreadable"
    for what in ("netlink", "userns", "namespaces"):
        for error in ("EPERM", "EACCES", "EAFNOSUPPORT" if what == "netlink" else "ENOSYS"):
            yield f"denied/{what}/{error}"
    if scenario.name.startswith("backlog-test"):
        yield "denied/limit/ENOSPC"


def pieces(scenario, recording):
    for seed in range(1, 5):
        yield f"short/{seed}"
    for seconds in (-86_400, 3_600, 1_000_000_000):
        yield f"clock/{seconds}"


def stops(scenario, recording):
    for seed in range(1, 4):
        yield f"stop/{seed}"


FAMILIES = {
    "call": "a system call fails once",
    "memory": "brk or mmap fails once",
    "refused": "a system call fails always, as in a sandbox or an old kernel",
    "empty": "a transfer says that its input has ended",
    "limit": "descriptors, memory and file sizes are limited",
    "place": "descriptors 0 to 2, the disk, /proc, netlink and namespaces",
    "pieces": "transfers are short; the time of day jumps",
    "stop": "SIGSTOP and SIGCONT at moments",
    "signal": "SIGTERM and SIGINT at moments",
}
FAMILY_OF = {
    "memory": "memory", "refused": "refused", "empty": "empty", "nofile": "limit", "fsize": "limit",
    "as": "limit", "data": "limit", "closed": "place", "output": "place", "disk": "place",
    "proc": "place", "denied": "place", "short": "pieces", "clock": "pieces", "stop": "stop",
    "signal": "signal",
}


def family(fault):
    return FAMILY_OF.get(fault.split("/")[0], "call")


def of(scenario, recording, unknown):
    """All faults of a form but the signals."""
    yield from calls(scenario, recording, unknown)
    for list_ in (memory, refusals, empties, limits, surroundings, pieces, stops):
        yield from list_(scenario, recording)


def signals(recordings, seed):
    """Moments of all forms of a subcommand: pairs of a form's name and a fault."""
    chance = random.Random(seed)
    groups = collections.defaultdict(list)
    for name, recording in recordings.items():
        command = next(c for c in ("listen", "connect", "send", "recv", "states", "backlog-test")
                       if name.startswith(c))
        for call, number in recording.order:
            if call not in ("execve", "exit_group"):
                groups[command].append((name, f"{call}/{number}"))
    for moments in groups.values():
        for signal in ("SIGTERM", "SIGINT"):
            for name, moment in chance.sample(moments, min(MOMENTS, len(moments))):
                yield name, f"signal/{signal}/{moment}"
