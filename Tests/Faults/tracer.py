"""A small tracer for what strace cannot do: transfers that are really short, and a clock that steps.

Run as `tracer.py short SEED COMMAND...` or `tracer.py clock SECONDS COMMAND...`; ends as the command
does. The length argument of a transfer is made smaller before the kernel sees it, so that no byte is
invented: the kernel moves fewer, and says how many. For the clock the vDSO is hidden from the
program, so that each reading is a system call, and readings of CLOCK_REALTIME jump to and fro.
"""

import ctypes
import os
import random
import signal
import struct
import sys

PTRACE_TRACEME, PTRACE_GETREGS, PTRACE_SETREGS = 0, 12, 13
PTRACE_POKEDATA, PTRACE_PEEKDATA, PTRACE_SYSCALL, PTRACE_SETOPTIONS = 5, 2, 24, 0x4200
TRACESYSGOOD, EXITKILL = 1, 1 << 20
REGISTERS = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
    "fs_base gs_base ds es fs gs"
).split()
AT_IGNORE, AT_SYSINFO_EHDR = 1, 33
# System calls of x86-64: number, and which register holds the length.
TRANSFERS = {0: "rdx", 1: "rdx", 40: "r10", 44: "rdx", 45: "rdx", 275: "r8"}
CLOCK_GETTIME = 228
AF_NETLINK = 16

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in REGISTERS]


def trace(request, pid, address=0, data=0):
    result = libc.ptrace(request, pid, ctypes.c_void_p(address), ctypes.c_void_p(data))
    if result == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), "ptrace")
    return result


def registers(pid):
    value = Registers()
    trace(PTRACE_GETREGS, pid, 0, ctypes.addressof(value))
    return value


def set_registers(pid, value):
    trace(PTRACE_SETREGS, pid, 0, ctypes.addressof(value))


def memory(pid, address, count):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        file.seek(address)
        return file.read(count)


def hide_vdso(pid):
    """Takes the vDSO out of the auxiliary vector of a program that begins."""
    place = registers(pid).rsp
    count = struct.unpack("<q", memory(pid, place, 8))[0]
    place += 8 * (count + 2)
    while memory(pid, place, 8) != bytes(8):
        place += 8
    place += 8
    while True:
        kind = struct.unpack("<Q", memory(pid, place, 8))[0]
        if kind == 0:
            return
        if kind == AT_SYSINFO_EHDR:
            trace(PTRACE_POKEDATA, pid, place, AT_IGNORE)
        place += 16


class Short:
    """Makes about every second transfer shorter, of files and streams."""

    def __init__(self, seed):
        self.random = random.Random(int(seed))
        self.netlink = set()

    def enters(self, pid, value):
        name = TRANSFERS.get(value.orig_rax)
        # A datagram that is read in part is lost, which no kernel does to a buffer that fits.
        if name is None or value.rdi in self.netlink:
            return
        length = getattr(value, name)
        if length > 1 and self.random.random() < 0.5:
            setattr(value, name, self.random.choice([1, 1 + length // 3, min(length, 100)]))
            set_registers(pid, value)

    def leaves(self, pid, value):
        if value.orig_rax == 41 and value.rdi == AF_NETLINK and value.rax < 1 << 63:
            self.netlink.add(value.rax)
        if value.orig_rax == 3:
            self.netlink.discard(value.rdi)


class Clock:
    """Lets the time of day jump by so many seconds at each reading, to and fro."""

    def __init__(self, seconds):
        self.seconds = int(seconds)
        self.jumped = 0

    def enters(self, pid, value):
        pass

    def leaves(self, pid, value):
        if value.orig_rax != CLOCK_GETTIME or value.rdi != 0 or value.rax != 0:
            return
        self.jumped = self.seconds - self.jumped
        now = struct.unpack("<q", memory(pid, value.rsi, 8))[0]
        trace(PTRACE_POKEDATA, pid, value.rsi, now + self.jumped)


def main(kind, argument, *command):
    change = {"short": Short, "clock": Clock}[kind](argument)
    pid = os.fork()
    if pid == 0:
        trace(PTRACE_TRACEME, 0)
        os.execvp(command[0], command)
    os.waitpid(pid, 0)
    trace(PTRACE_SETOPTIONS, pid, 0, TRACESYSGOOD | EXITKILL)
    if kind == "clock":
        hide_vdso(pid)
    inside, pending = False, 0
    while True:
        trace(PTRACE_SYSCALL, pid, 0, pending)
        _, status = os.waitpid(pid, 0)
        pending = 0
        if os.WIFEXITED(status):
            os._exit(os.WEXITSTATUS(status))
        if os.WIFSIGNALED(status):
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
            os.kill(os.getpid(), os.WTERMSIG(status))
        stop = os.WSTOPSIG(status)
        if stop != signal.SIGTRAP | 0x80:
            pending = 0 if stop == signal.SIGTRAP else stop
            continue
        inside = not inside
        value = registers(pid)
        (change.enters if inside else change.leaves)(pid, value)


if __name__ == "__main__":
    main(*sys.argv[1:])
