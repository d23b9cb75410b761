"""One run of the program under one fault, in the namespaces of a worker, and the judgement of it."""

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import errors
import faults
from scenarios import SCENARIOS, Run

HERE = os.path.dirname(os.path.abspath(__file__))
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
LIMIT = 20
CRASHES = {signal.SIGILL, signal.SIGTRAP, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS,
           signal.SIGFPE, signal.SIGSYS, signal.SIGXFSZ, signal.SIGPIPE, signal.SIGQUIT}
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}


class World:
    """The place of many runs: one process, which is the first of its process namespace."""

    def __init__(self, binary):
        assert os.getpid() == 1, "the end of a run is the end of every other process here"
        self.binary = binary
        self.port = 2000
        self.root = "/tmp/faults"
        os.makedirs(self.root, exist_ok=True)
        mount("-t", "tmpfs", "-o", "size=64m", "none", self.root)

    def run(self, name, fault, verbose=False):
        """Returns what happened: `status`, `problems`, and what one needs to look into it."""
        scenario = BY_NAME[name]
        folder = os.path.join(self.root, "run")
        aside = os.path.join(self.root, "aside")
        for place in (folder, aside):
            os.makedirs(place)
        self.port = 2000 if self.port > 29_000 else self.port + 2
        run = Run(folder, self.port)
        words = fault.split("/")
        mounted = words[0] == "disk"
        if mounted:
            mount("-t", "tmpfs", "-o", "size=8m", "none", folder)
        try:
            scenario.prepare(run)
            if mounted:
                fill(folder, int(words[1]) * 4096)
            return self.carry_out(scenario, run, words, aside)
        finally:
            if run.standing:
                run.standing.close()
            if mounted:
                subprocess.run(["umount", "-l", folder], check=True)
            shutil.rmtree(folder)
            shutil.rmtree(aside)

    def carry_out(self, scenario, run, words, aside):
        trace = os.path.join(aside, "trace")
        command = [*scenario.prefix, *dressed(words, trace, scenario.has_threads), self.binary, *scenario.command(run)]
        closing = words[1] if words[0] == "closed" else ""
        if closing:
            text = 'exec "$@"' + "".join(f" {n}{'<' if n == '0' else '>'}&-" for n in closing)
            command = ["sh", "-c", text, "sh", *command]
        stdin, feed = self.open_input(scenario, run)
        stdout, drain = self.open_output(scenario, run, words)
        began = time.monotonic()
        # A pipe, so that no limit of file sizes keeps words back.
        said, stderr = os.pipe()
        words_said = []
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr,
                                   env=ENVIRONMENT, cwd=run.folder, start_new_session=True)
        os.close(stderr)
        listen = threading.Thread(target=read_all, args=(said, words_said))
        listen.start()
        os.close(stdin)
        os.close(stdout)
        if run.peer:
            run.peer.start()
        helpers = [threading.Thread(target=task) for task in (feed, drain) if task]
        for helper in helpers:
            helper.start()
        if words[0] == "stop":
            stop_and_continue(process, random.Random(f"{scenario.name} {words[1]}"))
        problems = []
        try:
            run.status = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            problems.append(f"it hangs: {where(process.pid)}")
            end_all()
            run.status = process.wait()
        seconds = time.monotonic() - began
        left = end_all(grace=2)
        if left:
            problems.append(f"it left processes behind: {left}")
        if run.peer and not run.peer.finish():
            problems.append("its peer hangs")
        for helper in helpers:
            helper.join()
        run.stdout = run.file(scenario.stdout) if scenario.stdout != "pipe" else b"".join(run.taken)
        run.stdout = run.stdout or b""
        listen.join()
        run.stderr = b"".join(words_said).decode(errors="replace")
        text = open(trace, encoding="utf-8", errors="replace").read() if os.path.exists(trace) else ""
        injected = "(INJECTED)" in text or words[0] not in INJECTED
        if words[0] == "signal":
            injected = "--- SIG" in text
        if not problems:
            problems = judge(scenario, run, words, text)
        return {
            "status": run.status, "problems": problems, "reached": injected, "seconds": seconds,
            "stderr": run.stderr[-2000:], "stdout": run.stdout[-500:].decode(errors="replace"),
            "trace": text if words[0] == "none" else text[-3000:], "command": command,
            "files": sorted(os.listdir(run.folder)),
        }

    def open_input(self, scenario, run):
        if scenario.stdin == "null":
            return os.open("/dev/null", os.O_RDONLY), None
        if scenario.stdin != "pipe":
            return os.open(run.path(scenario.stdin), os.O_RDONLY), None
        reader, writer = os.pipe()
        def feed():
            try:
                rest = memoryview(scenario.stdin_data)
                while rest:
                    rest = rest[os.write(writer, rest) :]
            except OSError:
                pass
            os.close(writer)
        return reader, feed

    def open_output(self, scenario, run, words):
        if words[0] == "output" and words[1] == "full":
            return os.open("/dev/full", os.O_WRONLY), None
        if words[0] == "output":
            reader, writer = os.pipe()
            os.close(reader)
            return writer, None
        if scenario.stdout != "pipe":
            return os.open(run.path(scenario.stdout), os.O_WRONLY | os.O_CREAT, 0o644), None
        reader, writer = os.pipe()
        return writer, lambda: read_all(reader, run.taken)


SAYING_FAILED = re.compile(r"^(\d+ +)?write\(2,.*INJECTED", re.M)
INJECTED = set(errors.ERRORS) | {"memory", "refused", "empty", "signal"}


def dressed(words, trace, has_threads):
    """The words in front of the program that bring the fault about."""
    strace = ["strace", "-qq", "-o", trace, *(["-f"] if has_threads else [])]
    kind = words[0]
    if kind == "none":
        return strace
    if kind == "memory":
        return [*strace, f"-etrace={words[1]}", f"-einject={words[1]}:error={errors.MEMORY[words[1]]}:when={words[2]}"]
    if kind == "refused":
        return [*strace, f"-etrace={words[1]}", f"-einject={words[1]}:error={words[2]}"]
    if kind == "empty":
        return [*strace, f"-etrace={words[1]}", f"-einject={words[1]}:retval=0:when={words[2]}"]
    if kind == "signal":
        return [*strace, f"-etrace={words[2]}", f"-einject={words[2]}:signal={words[1]}:when={words[3]}"]
    if kind in ("nofile", "fsize"):
        return ["prlimit", f"--{kind}={words[1]}:{words[1]}", "--"]
    if kind in ("as", "data"):
        size = int(words[1]) << 10
        return ["prlimit", f"--{kind}={size}:{size}", "--", *strace, "-e", "trace=execve,brk,mmap,fcntl"]
    if kind in ("short", "clock"):
        return [sys.executable, "-S", "-E", os.path.join(HERE, "tracer.py"), kind, words[1]]
    if kind == "denied" and words[1] == "limit":
        text = 'echo 0 > /proc/sys/user/max_user_namespaces; echo 0 > /proc/sys/user/max_net_namespaces; exec "$@"'
        return ["unshare", "-Ur", "sh", "-c", text, "sh"]
    if kind == "denied":
        return [sys.executable, "-S", "-E", os.path.join(HERE, "refuse.py"), *words[1:]]
    if kind == "proc":
        text = {
            "none": "mount -t tmpfs none /proc",
            "hidden": "mount -t proc -o subset=pid,hidepid=invisible none /proc",
            "unreadable": "touch /tmp/faults/aside/n; chmod 0 /tmp/faults/aside/n; "
            "for f in net/tcp net/tcp6 net/netstat net/snmp sys/net/core/somaxconn sys/fs/pipe-max-size self/maps; "
            "do mount --bind /tmp/faults/aside/n /proc/$f; done; "
            'set -- setpriv --bounding-set=-all --inh-caps=-all "$@"',
        }[words[1]]
        return ["unshare", "-m", "sh", "-e", "-c", text + '; exec "$@"', "sh"]
    if kind in ("closed", "output", "disk", "stop", "bare"):
        return []
    return [*strace, f"-etrace={kind}", f"-einject={kind}:error={words[1]}:when={words[2]}"]


def judge(scenario, run, words, trace):
    """What is wrong about a run that has ended."""
    found = []
    status, stderr = run.status, run.stderr
    if status == -signal.SIGPIPE and (words[:2] == ["output", "broken"] or "write(1" in trace and "EPIPE" in trace):
        # Nobody reads what it writes: as a shell expects it.
        return []
    if words[0] in ("as", "data") and "F_GETFD" not in trace:
        # The kernel, the C library or Swift's could not start the program.
        return []
    if status < 0 and -status in CRASHES:
        return [f"it crashed: {signal.Signals(-status).name}"]
    found += scenario.damage(run)
    for name in scenario.makes:
        if run.file(name) is not None and not is_whole(scenario, run, name):
            found.append(f"{name} has its name and is not whole")
    for name in os.listdir(run.folder):
        # A signal may come before the program can tell of it, and so before anything can come.
        is_empty = words[0] == "signal" and not run.file(name)
        if name.endswith(".tcptool-part") and name not in stderr and not is_empty \
                and "out of memory" not in stderr:
            found.append(f"{name} is left behind, and nothing is said about it")
    if status == 0:
        # Where there is no standard output, nothing can be said about what it would have got.
        hidden = words[0] == "closed" and "1" in words[1] or words[0] == "output"
        if not (hidden and scenario.stdout == "out" and not run.stdout and is_silent(scenario, run)):
            found += [f"status 0 after a loss: {complaint}" for complaint in scenario.complaints(run)]
        for name in scenario.makes:
            if run.file(name) is None:
                found.append(f"status 0, and {name} is missing")
        # Narration may be lost, but no answer.
        if scenario.said not in stderr:
            found.append(f"status 0, and {scenario.said!r} is not told")
    elif status == 70:
        found.append("it says that it has a bug")
    elif status > 0:
        found += message_problems(scenario, run, words, trace)
    elif words[0] != "signal":
        found.append(f"it ended by {signal.Signals(-status).name}")
    return found


def is_silent(scenario, run):
    """Whether nothing was to come on standard output."""
    return getattr(scenario, "output", "out") != "out"


def is_whole(scenario, run, name):
    content = run.file(name)
    if name == "port":
        return content == b"%d\n" % run.port
    if name == "svg":
        return content.endswith(b"</svg>\n")
    if name in ("capture", "samples"):
        return content.endswith(b"\n")
    number = int(name[-1]) - 1 if name[-1].isdigit() else 0
    return content == scenario.inward[number]


def message_problems(scenario, run, words, trace):
    if run.status in scenario.results and run.stdout:
        return []
    if "2" in (words[1] if words[0] == "closed" else ""):
        return []
    # What could not be written cannot be read.
    if SAYING_FAILED.search(trace) or words[0] in ("fsize", "disk") and not run.stderr:
        return []
    if not run.stderr.strip():
        return [f"status {run.status}, and nothing is said"]
    # The C library's resolver does not say which call failed.
    if run.status == 10:
        return []
    if words[0] in errors.ERRORS or words[0] == "refused":
        call, error = (words[0], words[1]) if words[0] != "refused" else words[1:3]
        names = [error, call, *errors.ALIASES.get(call, [])]
        # Results tell of failures too, and what is not known is said to be unknown.
        said = run.stderr + (run.stdout.decode(errors="replace") if scenario.results else "") \
            + (words[0] == "refused" and "unknown" in run.stderr) * call
        if not any(name in said for name in names):
            return [f"status {run.status}, and the message names neither {call} nor {error}"]
    return []


def read_all(descriptor, pieces):
    while piece := os.read(descriptor, 1 << 16):
        pieces.append(piece)
    os.close(descriptor)


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def fill(folder, rest):
    """Leaves so many bytes of a file system."""
    path = os.path.join(folder, "filler")
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        file.truncate(os.fstat(file.fileno()).st_size - rest)


def stop_and_continue(process, chance):
    for _ in range(4):
        time.sleep(chance.uniform(0, 0.02))
        if process.poll() is not None:
            return
        process.send_signal(signal.SIGSTOP)
        time.sleep(chance.uniform(0, 0.03))
        process.send_signal(signal.SIGCONT)


def others():
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def end_all(grace=0):
    """Waits for what is left of a run, then ends it. Returns what had to be ended."""
    limit = time.monotonic() + grace
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return []
        if time.monotonic() > limit:
            break
        time.sleep(0.005)
    left = [cmdline(pid) for pid in others()]
    if left:
        # From the first process of a process namespace: all others in it, and none elsewhere.
        os.kill(-1, signal.SIGKILL)
    return left


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace")[:100]
    except OSError:
        return "?"


def where(pid):
    """What the processes wait for."""
    text = []
    for one in others():
        try:
            with open(f"/proc/{one}/wchan") as file, open(f"/proc/{one}/syscall") as call:
                text.append(f"{cmdline(one)} in {file.read()} ({call.read().strip()[:40]})")
        except OSError:
            pass
    return "; ".join(text)
