# Builds, checks and installs tcptool. Needs a Swift toolchain (6.2 or later) and nothing else.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
INSTALL ?= install

# The release binary is statically linked, libc included, so that it can be copied into any
# container. The toolchain's own linker is used; it keeps quiet about getaddrinfo, which needs
# no shared library here (Sources/SocketCore/Names/Resolver.swift says why).
SCRATCH = .build/static
BINARY = $(SCRATCH)/release/tcptool
STATIC = --scratch-path $(SCRATCH) -Xswiftc -static-executable -Xswiftc -use-ld=lld -Xlinker -s

BINDIR = $(DESTDIR)$(PREFIX)/bin
MANDIR = $(DESTDIR)$(PREFIX)/share/man
BASHDIR = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHDIR = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISHDIR = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d

.PHONY: all test lint bench bench-readme docs install uninstall clean

all:
	$(SWIFT) build -c release --product tcptool $(STATIC)

test:
	$(SWIFT) test

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	.ci/layers

# Beside the peers that are here; GROUPS chooses, 'Tests/Benchmarks/run --list' tells of what.
bench: all
	Tests/Benchmarks/run --binary $(BINARY) $(GROUPS)

# The same, and the README's tables anew.
bench-readme: all
	Tests/Benchmarks/run --binary $(BINARY) --readme

# Writes the pages of man/, completions/ and the README's tables anew from the table of subcommands,
# and records the runs that the guides show.
docs:
	TCPTOOL_RECORD=1 $(SWIFT) test --filter 'tcptoolTests|Guides|Sessions'

install: all
	$(INSTALL) -d $(BINDIR) $(MANDIR)/man1 $(MANDIR)/man7 $(BASHDIR) $(ZSHDIR) $(FISHDIR)
	$(INSTALL) -m 755 $(BINARY) $(BINDIR)/tcptool
	$(INSTALL) -m 644 man/*.1 $(MANDIR)/man1
	$(INSTALL) -m 644 man/*.7 $(MANDIR)/man7
	$(INSTALL) -m 644 completions/tcptool.bash $(BASHDIR)/tcptool
	$(INSTALL) -m 644 completions/_tcptool $(ZSHDIR)/_tcptool
	$(INSTALL) -m 644 completions/tcptool.fish $(FISHDIR)/tcptool.fish

uninstall:
	rm -f $(BINDIR)/tcptool $(addprefix $(MANDIR)/man1/,$(notdir $(wildcard man/*.1)))
	rm -f $(addprefix $(MANDIR)/man7/,$(notdir $(wildcard man/*.7)))
	rm -f $(BASHDIR)/tcptool $(ZSHDIR)/_tcptool $(FISHDIR)/tcptool.fish

clean:
	rm -rf .build
