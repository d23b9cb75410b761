"""The bare C programs of `bare/`, compiled when they are first needed."""

import os
import subprocess

import programs

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bare")


def bare(name, directory):
    """The path of a bare program; None where there is no compiler."""
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        compiler = next(filter(programs.found, ("cc", "gcc", "clang")), None)
        if compiler is None:
            return None
        subprocess.run([compiler, "-O2", "-o", path, os.path.join(SOURCES, name + ".c")], check=True)
    return path
