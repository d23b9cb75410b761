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

# Newer than every source once the binary is, whether or not a build had anything to link: what is
# built is installed without the toolchain, which root may not have in PATH.
BUILT = $(SCRATCH)/built

BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
DIRS = $(BINDIR) $(MANDIR)/man1 $(MANDIR)/man7 $(BASHDIR) $(ZSHDIR) $(FISHDIR)
PAGES1 = $(notdir $(wildcard man/*.1))
PAGES7 = $(notdir $(wildcard man/*.7))

.PHONY: all test lint bench bench-readme docs install uninstall deb clean

all: $(BUILT)

$(BUILT): $(shell find Sources) Package.swift Makefile
	$(SWIFT) build -c release --product tcptool $(STATIC)
	touch $@

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
	TCPTOOL_RECORD=1 $(SWIFT) test --filter 'tcptoolTests|Guides|Sessions|Pictures'

install: $(BUILT)
	$(INSTALL) -d $(addprefix $(DESTDIR),$(DIRS))
	$(INSTALL) -m 755 $(BINARY) $(DESTDIR)$(BINDIR)/tcptool
	$(INSTALL) -m 644 man/*.1 $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 644 man/*.7 $(DESTDIR)$(MANDIR)/man7
	$(INSTALL) -m 644 completions/tcptool.bash $(DESTDIR)$(BASHDIR)/tcptool
	$(INSTALL) -m 644 completions/_tcptool $(DESTDIR)$(ZSHDIR)/_tcptool
	$(INSTALL) -m 644 completions/tcptool.fish $(DESTDIR)$(FISHDIR)/tcptool.fish

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/tcptool
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man1/,$(PAGES1) $(addsuffix .gz,$(PAGES1)))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man7/,$(PAGES7) $(addsuffix .gz,$(PAGES7)))
	rm -f $(DESTDIR)$(BASHDIR)/tcptool $(DESTDIR)$(ZSHDIR)/_tcptool $(DESTDIR)$(FISHDIR)/tcptool.fish

# A Debian package of what is installed: .build/tcptool_VERSION_ARCHITECTURE.deb.
deb: $(BUILT)
	.debian/build .build

clean:
	rm -rf .build
