// The only place from which the program leaves: everything above returns, so that what it owns is closed.

internal import Glibc

exit(Program.run())
