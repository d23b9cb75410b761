"""`send` and `recv` beside nc, ncat, socat, iperf3 and bare C over loopback."""

import contextlib
import dataclasses
import json
import os
import tempfile

import network
import programs
from measuring import Comparison, Contestant, Sample, at_least, at_most
from programs import Program

MEBIBYTE = 1 << 20


def stages(quick):
    return [""]


def title(bench):
    return f"Transfers of {mebibytes(bench):,} MiB over loopback"


def mebibytes(bench):
    return 16 if bench.quick else 1024


@dataclasses.dataclass(frozen=True)
class Ends:
    """A program that can send and receive. iperf3 tells its rate itself."""

    name: str
    receiver: list
    sender: list
    tells_rate: bool = False
    floor: bool = False


def iperf3(*more):
    return Ends(f"`{' '.join(('iperf3',) + more)}`", ["iperf3", "-s", "-1", "-p", "PORT"],
                ["iperf3", "-J", "-c", "127.0.0.1", "-p", "PORT", "-n", "SIZE", *more], tells_rate=True)


# The input and the output are those of the kind of transfer.
NC = Ends("nc", ["nc", "-d", "-l", "127.0.0.1", "PORT"], ["nc", "-N", "127.0.0.1", "PORT"])
OTHERS = [
    NC,
    Ends("ncat", ["ncat", "--recv-only", "-l", "127.0.0.1", "PORT"],
         ["ncat", "--send-only", "127.0.0.1", "PORT"]),
    Ends("socat", ["socat", "-u", "TCP-LISTEN:PORT,bind=127.0.0.1,reuseaddr", "STDOUT"],
         ["socat", "-u", "STDIN", "TCP:127.0.0.1:PORT"]),
]
IPERF3, ZERO_COPY = iperf3(), iperf3("-Z")
AS_FAST = {NC.name: at_least(1)}
TWICE = {NC.name: at_least(2)}
HALF = {NC.name: at_most(0.5)}


def comparisons(bench):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        with open(place + "/in", "wb") as file:
            block = os.urandom(MEBIBYTE)
            for _ in range(mebibytes(bench)):
                file.write(block)
        yield from kinds(bench, place)


def kinds(bench, place):
    sha = ["--digest", "sha256"]

    def ours(sender=(), receiver=()):
        return Ends("tcptool", [bench.tool, "recv", "-q", *receiver, "127.0.0.1", "PORT"],
                    [bench.tool, "send", "-q", *sender, "127.0.0.1", "PORT"])

    def floor(sender, receiver):
        bare = bench.bare("transfer")
        return Ends("transfer in C", [bare, "recv-" + receiver, "PORT"],
                    [bare, "send-" + sender, "PORT", "SIZE"], floor=True)

    def digest_alone():
        """What the digest takes by itself, whatever is done beside it."""
        size = mebibytes(bench) * MEBIBYTE
        program = programs.run([bench.bare("digest"), str(size)])
        return Sample(size * 8 / program.seconds() / 1e9, program.cpu())

    def copied():
        """The same bytes from file to file without a connection: whoever receives them has to write them."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(place + "/out")
        program = programs.run(["cp", place + "/in", place + "/out"])
        return Sample(mebibytes(bench) * MEBIBYTE * 8 / program.seconds() / 1e9, program.cpu())

    alone = Contestant("SHA-256 alone", digest_alone, "cc", floor=True)
    copy = Contestant("`cp`, no connection", copied, "cp", floor=True)

    def kind(what, source, sink, first, others, bars, cpu_bars, more=()):
        ends = [Contestant(end.name, lambda end=end: transfer(bench, end, source, sink, place),
                           end.sender[0] or "cc", end.floor) for end in [first] + others]
        return Comparison(what, "Gbit/s", ends[0], ends[1:] + list(more), bars, cpu_bars,
                          memory_bar=at_most(16), rounds=7)

    yield kind("file → thrown away", "file", "null", ours(), OTHERS + [IPERF3, ZERO_COPY, floor("file", "drop")],
               {NC.name: at_least(2.5), IPERF3.name: at_least(1.4)}, HALF)
    yield kind("made → thrown away", "null", "null", ours(sender=["--size", "SIZE"]),
               [IPERF3, ZERO_COPY, floor("made", "drop")],
               {IPERF3.name: at_least(1.3), ZERO_COPY.name: at_least(1.2)}, {})
    if bench.bare("transfer"):
        yield kind("pipe → pipe", "pipe", "pipe", ours(), OTHERS + [floor("pipe", "pipe")], TWICE, HALF)
    yield kind("file → file", "file", "file", ours(), OTHERS + [floor("file", "file")], TWICE, HALF, [copy])
    yield kind("file → thrown away, SHA-256 by the sender", "file", "null", ours(sender=sha), [NC], AS_FAST, {}, [alone])
    yield kind("file → thrown away, SHA-256 by both ends", "file", "null", ours(sha, sha), [NC], AS_FAST, {}, [alone])


def transfer(bench, ends, source, sink, place):
    """One transfer. What feeds and drains the pipes does so by splice(2), so that it hardly counts;
    the processor time is that of both ends, without theirs."""
    size = mebibytes(bench) * MEBIBYTE
    port = network.free_port()

    def filled(command):
        return [word.replace("PORT", str(port)).replace("SIZE", str(size)) for word in command]

    with tempfile.TemporaryFile() as told:
        with contextlib.ExitStack() as held:
            def kept(descriptor):
                held.callback(os.close, descriptor)
                return descriptor

            helpers = []
            stdin = stdout = None
            if sink == "file":
                stdout = kept(os.open(place + "/out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            elif sink == "pipe":
                end, stdout = map(kept, os.pipe())
                helpers.append(Program([bench.bare("transfer"), "sink"], stdin=end))
            receiver = Program(filled(ends.receiver), stdout=stdout)
            network.await_listener(receiver, port)
            if source != "null":
                stdin = kept(os.open(place + "/in", os.O_RDONLY))
            if source == "pipe":
                file, (stdin, end) = stdin, map(kept, os.pipe())
                helpers.append(Program([bench.bare("transfer"), "source"], file, end))
            sender = Program(filled(ends.sender), stdin, told.fileno())
        # This script's ends of the pipes are closed now, so that they can end.
        programs.wait(sender, receiver, watch=0.02)
        programs.wait(*helpers)
        for program in [sender, receiver] + helpers:
            program.check()
        rate = size * 8 / (max(sender.end, receiver.end) - sender.begin)
        if ends.tells_rate:
            told.seek(0)
            rate = json.load(told)["end"]["sum_received"]["bits_per_second"]
    if sink == "file" and os.path.getsize(place + "/out") != size:
        raise programs.Failure(f"{ends.name} wrote {os.path.getsize(place + '/out')} of {size} bytes")
    return Sample(rate / 1e9, sender.cpu() + receiver.cpu(),
                  max(sender.peak, receiver.peak) * 1024 / 1e6)
