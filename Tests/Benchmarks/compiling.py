"""The bare C programs of `bare/`, compiled when they are first needed."""

import os
import subprocess

import programs

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bare")
INCLUDES = os.path.join(SOURCES, "../../../Sources/CLinux/include")


def bare(name, directory):
    """The path of a bare program; None where there is no compiler."""
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        compiler = next(filter(programs.found, ("cc", "gcc", "clang")), None)
        if compiler is None:
            return None
        # Below -O3 gcc leaves the rounds of a digest in a loop.
        subprocess.run([compiler, "-O3", "-I", INCLUDES, "-o", path, os.path.join(SOURCES, name + ".c")],
                       check=True)
    return path
