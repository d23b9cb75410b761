"""What is compared, how the turns are taken, and the statistics of it."""

import dataclasses
import statistics
import time
from collections.abc import Callable

import programs

LEAST_ROUNDS, MOST_ROUNDS, QUICK_ROUNDS = 7, 31, 2
# How many seconds the rounds of one comparison may take beyond the least number of them.
ENOUGH_SECONDS = 4


@dataclasses.dataclass(frozen=True)
class Sample:
    """One run: its value in the unit of the comparison, its processor seconds, its memory in MB."""

    value: float
    cpu: float | None = None
    memory: float | None = None


@dataclasses.dataclass(frozen=True)
class Contestant:
    """What is run. A floor is the least that any program has to do, not another tool."""

    name: str
    run: Callable[[], Sample]
    needs: str | None = None
    floor: bool = False


@dataclasses.dataclass(frozen=True)
class Bar:
    """A limit that the issues set. A bar of the ratio belongs to one peer, by its name."""

    relation: str
    limit: float

    def judged(self, of, value):
        met = value <= self.limit if self.relation == "≤" else value >= self.limit
        return {"of": of, "relation": self.relation, "limit": self.limit, "value": value, "met": met}


def at_most(limit):
    return Bar("≤", limit)


def at_least(limit):
    return Bar("≥", limit)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """tcptool beside others. Ratios are tcptool's value by the peer's."""

    what: str
    unit: str
    ours: Contestant
    peers: list = dataclasses.field(default_factory=list)
    bars: dict = dataclasses.field(default_factory=dict)
    cpu_bars: dict = dataclasses.field(default_factory=dict)
    own_bar: Bar | None = None
    memory_bar: Bar | None = None
    rounds: int = MOST_ROUNDS


def spread(values):
    values = [value for value in values if value is not None]
    if not values:
        return None
    low, _, high = statistics.quantiles(values, n=4, method="inclusive") if values[1:] else values * 3
    return {"median": statistics.median(values), "q1": low, "q3": high,
            "min": min(values), "max": max(values)}


def take_turns(contestants, rounds, until):
    """The samples of each contestant, round by round, and what went wrong. Whoever comes first in
    one round comes last in the next, so that a machine that slows down slows down all of them. A
    contestant that fails is out."""
    samples = {contestant.name: [] for contestant in contestants}
    failures = {}
    begin = time.monotonic()
    done = 0
    while done < rounds:
        for contestant in contestants if done % 2 == 0 else contestants[::-1]:
            if contestant.name not in failures:
                try:
                    samples[contestant.name].append(contestant.run())
                except programs.Failure as failure:
                    programs.stop_all()
                    failures[contestant.name] = str(failure)
                    del samples[contestant.name]
        spent = time.monotonic() - begin
        done += 1
        if time.monotonic() > until or (done >= LEAST_ROUNDS and spent > ENOUGH_SECONDS):
            break
    return samples, failures


def measure(comparison, quick, until):
    """The rows of a comparison, one a peer, and the contestants that are left out with the reason."""
    everybody = [comparison.ours] + comparison.peers
    missing = {contestant.name: f"{contestant.needs} is not there" for contestant in everybody
               if contestant.needs and not programs.found(contestant.needs)}
    if comparison.ours.name in missing:
        return [], missing, {}
    contestants = [contestant for contestant in everybody if contestant.name not in missing]
    if not quick:
        # What is read for the first time is read from elsewhere.
        take_turns(contestants, 1, until)
    samples, failures = take_turns(
        contestants, QUICK_ROUNDS if quick else comparison.rounds, until)
    return rows(comparison, contestants, samples), missing, failures


def ratios(ours, theirs, key):
    pairs = [(getattr(a, key), getattr(b, key)) for a, b in zip(ours, theirs)]
    return spread([a / b for a, b in pairs if a is not None and b])


def rows(comparison, contestants, samples):
    ours = samples.get(comparison.ours.name)
    if ours is None:
        return []
    peers = [peer for peer in contestants[1:] if peer.name in samples]
    result = [row(comparison, ours, peer, samples[peer.name]) for peer in peers]
    own = row(comparison, ours, None, [])
    if comparison.own_bar:
        own["bars"].append(comparison.own_bar.judged("value", own["tcptool"]["median"]))
    if own["bars"] or not result:
        result.append(own)
    if comparison.memory_bar:
        memory = [Sample(sample.memory) for sample in ours]
        most = row(dataclasses.replace(comparison, unit="MB", what="peak memory, " + comparison.what),
                   memory, None, [])
        most["bars"].append(comparison.memory_bar.judged("value", most["tcptool"]["max"]))
        result.append(most)
    return result


def row(comparison, ours, peer, theirs):
    result = {
        "what": comparison.what, "unit": comparison.unit, "rounds": len(ours),
        "tcptool": spread([sample.value for sample in ours]),
        "tcptool_cpu_seconds": spread([sample.cpu for sample in ours]),
        "peer": peer and peer.name, "floor": bool(peer and peer.floor), "bars": [],
    }
    if peer:
        result |= {
            "peer_value": spread([sample.value for sample in theirs]),
            "peer_cpu_seconds": spread([sample.cpu for sample in theirs]),
            "ratio": ratios(ours, theirs, "value"), "cpu_ratio": ratios(ours, theirs, "cpu"),
        }
        for of, bars in ("ratio", comparison.bars), ("cpu_ratio", comparison.cpu_bars):
            if bars.get(peer.name) and result[of]:
                result["bars"].append(bars[peer.name].judged(of, result[of]["median"]))
    return result
