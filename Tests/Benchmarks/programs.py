"""Programs that are started, waited for and ended: wall time, processor time, memory, output."""

import contextlib
import os
import select
import shutil
import signal
import tempfile
import time

# No run takes this long; one that does has gone wrong.
LIMIT = 120


class Failure(Exception):
    """A program did not do what it was to do."""


def found(name):
    return shutil.which(name)


class Program:
    """A running program. Descriptors that are not given are /dev/null."""

    running = set()

    def __init__(self, command, stdin=None, stdout=None):
        self.command, self.usage, self.peak = command, None, 0
        null = os.open(os.devnull, os.O_RDWR)
        self.errors = tempfile.TemporaryFile()
        ends = [null if stdin is None else stdin, null if stdout is None else stdout,
                self.errors.fileno()]
        actions = [(os.POSIX_SPAWN_DUP2, end, place) for place, end in enumerate(ends)]
        self.begin = time.monotonic()
        try:
            # This script ignores SIGPIPE; what it starts must not.
            self.pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions,
                                       setsigdef=[signal.SIGPIPE])
        finally:
            os.close(null)
        self.handle = os.pidfd_open(self.pid)
        Program.running.add(self)

    def __str__(self):
        return " ".join(self.command)

    def look(self):
        """Sees how much memory there is. What wait4(2) tells would include this script's, by which
        the program was started, and so would a look before execve(2)."""
        with contextlib.suppress(OSError), open(f"/proc/{self.pid}/status") as lines:
            name = os.path.basename(self.command[0])[:15]
            for line in lines:
                if line.startswith("Name:") and line.split()[1] != name:
                    return
                if line.startswith("VmHWM:"):
                    self.peak = max(self.peak, int(line.split()[1]))
                    return

    def has_ended(self, within=0):
        return bool(select.select([self.handle], [], [], within)[0])

    def reap(self):
        _, status, self.usage = os.wait4(self.pid, 0)
        self.end = time.monotonic()
        self.status = os.waitstatus_to_exitcode(status)
        os.close(self.handle)
        Program.running.discard(self)

    def check(self, statuses=(0,)):
        if self.status not in statuses:
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace").strip().splitlines()
            raise Failure(f"'{self}' ended with {self.status}: {said[-1] if said else 'no message'}")
        self.errors.close()

    def stop(self):
        """Ends it, and what it has started itself."""
        pids = tree(self.pid)
        if self.usage is None:
            os.kill(self.pid, signal.SIGTERM)
            if not self.has_ended(within=5):
                os.kill(self.pid, signal.SIGKILL)
            self.reap()
        for pid in pids[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def seconds(self):
        return self.end - self.begin

    def cpu(self):
        """User and system time in seconds, of this program and the children that it waited for."""
        return self.usage.ru_utime + self.usage.ru_stime


def tree(pid):
    """A process and its descendants."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError), open(f"/proc/{parent}/task/{parent}/children") as children:
            found += map(int, children.read().split())
    return found


def stop_all():
    for program in list(Program.running):
        program.stop()


def wait(*programs, watch=None, limit=LIMIT):
    """Waits until all have ended; looks at their memory every so many seconds, if that is asked."""
    over = time.monotonic() + limit
    waiting = {program.handle: program for program in programs}
    while waiting:
        for handle in select.select(list(waiting), [], [], limit if watch is None else watch)[0]:
            waiting.pop(handle).reap()
        if watch is not None:
            for program in waiting.values():
                program.look()
        if time.monotonic() > over:
            raise Failure(f"'{next(iter(waiting.values()))}' did not end within {limit} s")


def run(command, statuses=(0,), watch=None, output=None):
    """Runs a command to its end, its output thrown away or written to a file."""
    program = Program(command, stdout=output)
    wait(program, watch=watch)
    program.check(statuses)
    return program


def read(command, statuses=(0,)):
    """Runs a command and gives what it printed, and the program."""
    with tempfile.TemporaryFile() as file:
        program = run(command, statuses, output=file.fileno())
        file.seek(0)
        return file.read().decode(errors="replace"), program
