# Veneer: `make` says what there is. The rules only call cargo and install; what they need is in scripts/host-packages.

PREFIX ?= /usr
DESTDIR ?=
# STATIC=yes carries glibc along, for an initramfs without it: 0.75 MiB more. dracut's initramfs has a libc in any case, so the small form is the default.
STATIC ?= no

CARGO ?= cargo
INSTALL ?= install
PKG_CONFIG ?= pkg-config
# Naming the target keeps crt-static away from build scripts and proc macros, which cannot be static.
TARGET ?= $(shell rustc -vV | sed -n 's/^host: //p')
TARGET_DIR ?= $(or $(CARGO_TARGET_DIR),target)
RELEASE = $(TARGET_DIR)/$(TARGET)/release

# Where systemd, udev and dracut look, whatever PREFIX is. Older Debian says /lib, which is a link into /usr.
pkgdir = $(patsubst /lib/%,/usr/lib/%,$(or $(shell $(PKG_CONFIG) --variable=$(2) $(1) 2>/dev/null),$(3)))
unitdir = $(call pkgdir,systemd,systemdsystemunitdir,/usr/lib/systemd/system)
generatordir = $(call pkgdir,systemd,systemdsystemgeneratordir,/usr/lib/systemd/system-generators)
tmpfilesdir = $(call pkgdir,systemd,tmpfilesdir,/usr/lib/tmpfiles.d)
udevdir = $(call pkgdir,udev,udevdir,/usr/lib/udev)
dracutmodulesdir = $(call pkgdir,dracut,dracutmodulesdir,/usr/lib/dracut/modules.d)
dracutconfdir = $(call pkgdir,dracut,dracutconfdir,/usr/lib/dracut/dracut.conf.d)
bindir = $(PREFIX)/bin
mandir = $(PREFIX)/share/man
libexecdir = $(PREFIX)/lib/veneer

# veneer-generator is a name of veneer-assemble: one file for the initramfs, half the size of two.
PROGRAMS = veneer-assemble veneer
BUILT = $(addprefix $(RELEASE)/,$(PROGRAMS))
# Left out where there is no scdoc to make them.
PAGES = $(if $(shell command -v scdoc),$(patsubst docs/man/%.scd,$(TARGET_DIR)/man/%,$(wildcard docs/man/*.scd)))
SHELL_FILES = scripts/host-packages packaging/guarded/dpkg dracut-module/59veneer/module-setup.sh $(wildcard tests/*.sh tests/rpm/*.sh .ci/run qemu-harness/*/*.sh)

.PHONY: help build man install check check-all crash versions demo screenshots bench clean

help:
	@echo 'make build                          the programs, optimized, into $(RELEASE) (STATIC=yes|no)'
	@echo 'make man                            the manual pages, into $(TARGET_DIR)/man (needs scdoc; install leaves them out without)'
	@echo 'make install [DESTDIR=] [PREFIX=]   programs, units, udev rule, dracut module; builds only what is not there'
	@echo 'make check                          formatting, clippy, shellcheck, all tests, all boots in virtual machines'
	@echo 'make crash                          every kill, every power cut, every hostile store, a million inputs a parser'
	@echo 'make versions                       version orders and dependency checks against those of dpkg, apt, rpm and pacman'
	@echo 'make check-all                      check, and the virtual machines that take longer'
	@echo 'make fuzz-rebase [CASES=] [SEED=]   random rebases against the model, CASES of each form of a base'
	@echo 'make demo                           the story in a virtual machine: install, reboot, update, still there'
	@echo 'make screenshots                    docs/pictures of the command on a real machine (needs rsvg-convert)'
	@echo 'make bench                          sizes and times'
	@echo 'make clean                          remove what was built'

build:
	RUSTFLAGS='$(strip $(RUSTFLAGS) $(if $(filter yes,$(STATIC)),-C target-feature=+crt-static))' \
	$(CARGO) build --release --locked --target $(TARGET) --target-dir '$(TARGET_DIR)' \
	    -p veneer-assemble -p veneer-cli

man: $(patsubst docs/man/%.scd,$(TARGET_DIR)/man/%,$(wildcard docs/man/*.scd))

$(TARGET_DIR)/man/%: docs/man/%.scd
	$(INSTALL) -d '$(@D)'
	scdoc < '$<' > '$@.new'
	mv '$@.new' '$@'

# Without prerequisites on purpose: what an ordinary user has built, `sudo make install` takes as it is.
$(BUILT):
	$(MAKE) build

install: $(BUILT) $(PAGES)
	$(INSTALL) -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(libexecdir)' '$(DESTDIR)$(generatordir)' '$(DESTDIR)$(unitdir)' \
	    '$(DESTDIR)$(udevdir)/rules.d' '$(DESTDIR)$(dracutmodulesdir)/59veneer' '$(DESTDIR)$(dracutconfdir)' \
	    '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL) -m 755 '$(RELEASE)/veneer' '$(DESTDIR)$(bindir)/veneer'
	$(INSTALL) -m 755 '$(RELEASE)/veneer-assemble' '$(DESTDIR)$(libexecdir)/veneer-assemble'
	ln -sfr '$(DESTDIR)$(libexecdir)/veneer-assemble' '$(DESTDIR)$(generatordir)/veneer-generator'
	sed 's,/usr/lib/veneer/,$(libexecdir)/,' dracut-module/59veneer/veneer-assemble.service \
	    > '$(DESTDIR)$(unitdir)/veneer-assemble.service'
	chmod 644 '$(DESTDIR)$(unitdir)/veneer-assemble.service'
	$(INSTALL) -m 755 packaging/guarded/dpkg '$(DESTDIR)$(libexecdir)/dpkg'
	sed 's,/usr/bin/veneer,$(bindir)/veneer,' 'cli/units/veneer-guard@.service' \
	    > '$(DESTDIR)$(unitdir)/veneer-guard@.service'
	chmod 644 '$(DESTDIR)$(unitdir)/veneer-guard@.service'
	for unit in veneer-bless veneer-grow veneer-guard veneer-record veneer-refresh veneer-refresh-early; do \
	    sed 's,/usr/bin/veneer,$(bindir)/veneer,' cli/units/$$unit.service \
	        > '$(DESTDIR)$(unitdir)/'$$unit.service; \
	    chmod 644 '$(DESTDIR)$(unitdir)/'$$unit.service; \
	    wants='$(DESTDIR)$(unitdir)/'$$(sed -n 's/^WantedBy=//p' cli/units/$$unit.service).wants; \
	    $(INSTALL) -d "$$wants" && ln -sf ../$$unit.service "$$wants/$$unit.service" || exit 1; \
	done
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/share/veneer/repart.d' '$(DESTDIR)$(PREFIX)/share/veneer/hooks'
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/share/doc/veneer/schemas'
	$(INSTALL) -m 644 docs/schemas/*.json '$(DESTDIR)$(PREFIX)/share/doc/veneer/schemas/'
	$(INSTALL) -m 644 packaging/hooks/* '$(DESTDIR)$(PREFIX)/share/veneer/hooks/'
	$(INSTALL) -m 644 packaging/repart.d/60-veneer.conf '$(DESTDIR)$(PREFIX)/share/veneer/repart.d/60-veneer.conf'
	$(INSTALL) -m 644 cli/units/veneer.tmpfiles.conf '$(DESTDIR)$(tmpfilesdir)/veneer.conf'
	$(INSTALL) -m 644 dracut-module/59veneer/61-veneer.rules '$(DESTDIR)$(udevdir)/rules.d/61-veneer.rules'
	sed 's,/usr/lib/veneer/,$(libexecdir)/,' dracut-module/59veneer/module-setup.sh \
	    > '$(DESTDIR)$(dracutmodulesdir)/59veneer/module-setup.sh'
	chmod 755 '$(DESTDIR)$(dracutmodulesdir)/59veneer/module-setup.sh'
	$(INSTALL) -m 644 dracut-module/50-veneer.conf '$(DESTDIR)$(dracutconfdir)/50-veneer.conf'
	$(INSTALL) -m 644 dracut-module/veneer.conf '$(DESTDIR)$(PREFIX)/lib/veneer.conf'
	for page in $(PAGES); do \
	    section='$(DESTDIR)$(mandir)/man'$${page##*.}; \
	    $(INSTALL) -d "$$section" && $(INSTALL) -m 644 "$$page" "$$section/" || exit 1; \
	done

check check-all:
	scripts/host-packages
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	shellcheck $(SHELL_FILES)
	$(MAKE) man
	$(CARGO) test --workspace --locked
	$(CARGO) run --release --locked -p qemu-harness -- $(if $(filter check-all,$@),all,check)

# `make check` runs a sample of the kills, the power cuts and the inputs.
crash:
	scripts/host-packages
	VENEER_CRASH=all $(CARGO) test --locked -p veneer-tests --test crash --test hostile
	VENEER_FUZZ=1000000 $(CARGO) test --release --locked -p veneer noise

# `make check` asks about fewer. A process per pair where the tool has no other way: some minutes.
versions:
	scripts/host-packages
	VENEER_PAIRS=100000 VENEER_WORLDS=30 $(CARGO) test --locked -p veneer-tests --test versions --test dependencies

# Seeds that nobody has tried, unless one is named; VENEER_SEED=n runs case n alone.
CASES ?= 2000
SEED ?= $(shell date +%s)
fuzz-rebase:
	VENEER_SEED=$(SEED) VENEER_CASES=$(CASES) VENEER_LIMIT=86400 $(CARGO) test --locked -p veneer-tests --test layers random_

demo:
	scripts/host-packages
	$(CARGO) run --release --locked -p qemu-harness -- demo

# Of Debian and Ubuntu: librsvg2-bin, fonts-dejavu-core.
screenshots:
	scripts/host-packages
	$(CARGO) run --release --locked -p qemu-harness -- screenshots docs/pictures

bench:
	./tests/bench.sh

clean:
	$(CARGO) clean --target-dir '$(TARGET_DIR)'
