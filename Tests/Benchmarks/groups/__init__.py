"""What is compared. A group is a module with `stages`, each in a network namespace of its own, the
`title` of a stage's table, and the `comparisons` of a stage, a generator that sets up what they need.
"""

import dataclasses
import os

import compiling
import programs
from measuring import Contestant, Sample

GROUPS = ["startup", "states", "flood", "probe", "accept", "memory", "transfer", "size"]


@dataclasses.dataclass
class Bench:
    """What is measured, and how. `directory` is for files that last as long as the whole run."""

    tool: str
    directory: str
    quick: bool
    stage: str

    def bare(self, name):
        return compiling.bare(name, self.directory)

    def timed(self, name, command, statuses=(0,), floor=False):
        """A contestant whose value is the milliseconds of a run from start to end. A command without
        a program is one that needs a compiler."""

        def run():
            program = programs.run(command, statuses)
            return Sample(program.seconds() * 1e3, program.cpu())

        return Contestant(name, run, needs=command[0] or "cc", floor=floor)

    def ours(self, *arguments, statuses=(0,)):
        return self.timed("tcptool", [self.tool, *arguments], statuses)

    def peer(self, command, statuses=(0,)):
        return self.timed(f"`{command}`", command.split(), statuses)

    def floor(self, name, program, *arguments):
        return self.timed(name, [self.bare(program), *arguments], floor=True)

    def peak(self, name, command):
        """A contestant whose value is the most memory in MB that a run had."""

        def run():
            program = programs.run(command, (0, 1), watch=0.0003)
            return Sample(program.peak * 1024 / 1e6, program.cpu())

        return Contestant(name, run, needs=command[0])
