"""Refuses a system call to a command for good, as a sandbox does: `refuse.py WHAT ERRNO COMMAND...`.

WHAT is `netlink` (socket(2) of AF_NETLINK), `userns` (unshare(2) and clone(2) with CLONE_NEWUSER) or
`namespaces` (unshare(2) altogether). A filter of seccomp(2) for x86-64.
"""

import ctypes
import errno
import os
import struct
import sys

LOAD, EQUAL, SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000
NUMBER, ARGUMENT = 0, 16
CLONE_NEWUSER, AF_NETLINK = 0x10000000, 16
SOCKET, CLONE, UNSHARE = 41, 56, 272


def filters(what, error):
    refusal, allowance = (RETURN, 0, 0, ERROR | error), (RETURN, 0, 0, ALLOW)

    def rule(number, *test):
        body = [*test, refusal, allowance]
        return [(LOAD, 0, 0, NUMBER), (EQUAL, 0, len(body), number), *body]

    flags = [(LOAD, 0, 0, ARGUMENT), (SET, 0, 1, CLONE_NEWUSER)]
    family = [(LOAD, 0, 0, ARGUMENT), (EQUAL, 0, 1, AF_NETLINK)]
    return {
        "netlink": rule(SOCKET, *family),
        "userns": rule(UNSHARE, *flags) + rule(CLONE, *flags),
        "namespaces": rule(UNSHARE),
    }[what] + [allowance]


def main(what, name, *command):
    code = b"".join(struct.pack("HBBI", *line) for line in filters(what, getattr(errno, name)))
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    # PR_SET_NO_NEW_PRIVS, then PR_SET_SECCOMP with SECCOMP_MODE_FILTER.
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
