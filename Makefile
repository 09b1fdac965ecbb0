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
# Where pam_motd(8) looks beside /etc and /run. Without anything to say there is nothing where the link leads. A link that
# systemd-tmpfiles makes in /run would be against SELinux's reference policy.
motddir = /usr/lib/motd.d
udevdir = $(call pkgdir,udev,udevdir,/usr/lib/udev)
dracutmodulesdir = $(call pkgdir,dracut,dracutmodulesdir,/usr/lib/dracut/modules.d)
dracutconfdir = $(call pkgdir,dracut,dracutconfdir,/usr/lib/dracut/dracut.conf.d)
# The package managers whose hooks are put where they look, of apt, dnf5, dnf4 and alpm. Whoever builds a package knows.
HOOKS ?=
aptconfdir = /etc/apt/apt.conf.d
dnf5actionsdir = /etc/dnf/libdnf5-plugins/actions.d
dnf4pluginsdir ?= $(shell python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/dnf-plugins
alpmhooksdir = /usr/share/libalpm/hooks
bindir = $(PREFIX)/bin
mandir = $(PREFIX)/share/man
libexecdir = $(PREFIX)/lib/veneer

# veneer-generator is a name of veneer-assemble: one file for the initramfs, half the size of two.
PROGRAMS = veneer-assemble veneer
BUILT = $(addprefix $(RELEASE)/,$(PROGRAMS))
# Left out where there is no scdoc to make them.
PAGES = $(if $(shell command -v scdoc),$(patsubst docs/man/%.scd,$(TARGET_DIR)/man/%,$(wildcard docs/man/*.scd)))
SHELL_FILES = scripts/host-packages packaging/guarded/dpkg packaging/arch/PKGBUILD packaging/completions/veneer.bash dracut-module/59veneer/module-setup.sh $(wildcard tests/*.sh tests/rpm/*.sh .ci/run qemu-harness/*/*.sh)

VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
PACKAGES = $(abspath $(TARGET_DIR))/packages
TARBALL = $(PACKAGES)/veneer-$(VERSION).tar.gz
# Packages are built in trees of their own by make processes of their own, with the programs that are built already. debhelper
# moves HOME away, and with it what rustup's cargo is found by.
PACKAGING = env -u MAKEFLAGS CARGO_TARGET_DIR='$(abspath $(TARGET_DIR))' CARGO_HOME="$${CARGO_HOME:-$$HOME/.cargo}" \
    RUSTUP_HOME="$${RUSTUP_HOME:-$$HOME/.rustup}"

.PHONY: help build programs man install dist deb rpm arch packages check check-all crash versions demo topologies screenshots bench clean

help:
	@echo 'make build                          the programs, optimized, into $(RELEASE) (STATIC=yes|no)'
	@echo 'make man                            the manual pages, into $(TARGET_DIR)/man (needs scdoc; install leaves them out without)'
	@echo 'make install [DESTDIR=] [PREFIX=]   programs, units, udev rule, dracut module; builds only what is not there'
	@echo 'make deb, make rpm, make arch       packages, into $(PACKAGES)/*; builds only what is not there'
	@echo 'make packages                       all three, compiled from their source, compared with what install installs'
	@echo 'make check                          formatting, clippy, shellcheck, all tests, all boots in virtual machines'
	@echo 'make crash                          every kill, every power cut, every hostile store, a million inputs a parser'
	@echo 'make versions                       version orders and dependency checks against those of dpkg, apt, rpm and pacman'
	@echo 'make check-all                      check, and the virtual machines that take longer'
	@echo 'make fuzz-rebase [CASES=] [SEED=]   random rebases against the model, CASES of each form of a base'
	@echo 'make demo                           the story in a virtual machine: install, reboot, update, still there'
	@echo 'make topologies                     boots every way in which a /usr comes to be, and writes docs/topologies.md'
	@echo 'make screenshots                    docs/pictures of the command on a real machine (needs rsvg-convert and pngquant)'
	@echo 'make bench                          sizes and times'
	@echo 'make clean                          remove what was built'

# Relative relocations packed, which glibc knows since 2.36, are some 40 KB less; a linker that cannot says so, and goes on.
build:
	RUSTFLAGS='$(strip -C link-arg=-Wl,-z,pack-relative-relocs $(RUSTFLAGS) $(if $(filter yes,$(STATIC)),-C target-feature=+crt-static))' \
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

programs: $(BUILT)

install: $(BUILT) $(PAGES)
	$(INSTALL) -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(libexecdir)' '$(DESTDIR)$(generatordir)' '$(DESTDIR)$(unitdir)' \
	    '$(DESTDIR)$(udevdir)/rules.d' '$(DESTDIR)$(dracutmodulesdir)/59veneer' '$(DESTDIR)$(dracutconfdir)' \
	    '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL) -m 755 '$(RELEASE)/veneer' '$(DESTDIR)$(bindir)/veneer'
	$(INSTALL) -m 755 '$(RELEASE)/veneer-assemble' '$(DESTDIR)$(libexecdir)/veneer-assemble'
	ln -sfr '$(DESTDIR)$(libexecdir)/veneer-assemble' '$(DESTDIR)$(generatordir)/veneer-generator'
	for unit in dracut-module/59veneer/*.service; do \
	    to='$(DESTDIR)$(unitdir)/'$${unit##*/}; \
	    sed 's,/usr/lib/veneer/,$(libexecdir)/,' "$$unit" > "$$to" && chmod 644 "$$to" || exit 1; \
	done
	$(INSTALL) -m 755 packaging/guarded/dpkg '$(DESTDIR)$(libexecdir)/dpkg'
	for unit in cli/units/*.service; do \
	    to='$(DESTDIR)$(unitdir)/'$${unit##*/}; \
	    sed 's,/usr/bin/veneer,$(bindir)/veneer,' "$$unit" > "$$to" && chmod 644 "$$to" || exit 1; \
	done
	cp -dR cli/units/*.wants '$(DESTDIR)$(unitdir)/'
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/share/veneer/repart.d' '$(DESTDIR)$(PREFIX)/share/veneer/hooks'
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/share/doc/veneer/schemas'
	$(INSTALL) -m 644 docs/schemas/*.json '$(DESTDIR)$(PREFIX)/share/doc/veneer/schemas/'
	$(INSTALL) -m 644 packaging/hooks/* '$(DESTDIR)$(PREFIX)/share/veneer/hooks/'
	$(INSTALL) -m 644 packaging/repart.d/60-veneer.conf '$(DESTDIR)$(PREFIX)/share/veneer/repart.d/60-veneer.conf'
	$(INSTALL) -m 644 cli/units/veneer.tmpfiles.conf '$(DESTDIR)$(tmpfilesdir)/veneer.conf'
	$(INSTALL) -d '$(DESTDIR)$(motddir)'
	ln -sfn /run/veneer/motd '$(DESTDIR)$(motddir)/50-veneer'
	$(INSTALL) -m 644 dracut-module/59veneer/61-veneer.rules '$(DESTDIR)$(udevdir)/rules.d/61-veneer.rules'
	sed 's,/usr/lib/veneer/,$(libexecdir)/,' dracut-module/59veneer/module-setup.sh \
	    > '$(DESTDIR)$(dracutmodulesdir)/59veneer/module-setup.sh'
	chmod 755 '$(DESTDIR)$(dracutmodulesdir)/59veneer/module-setup.sh'
	$(INSTALL) -m 644 dracut-module/50-veneer.conf '$(DESTDIR)$(dracutconfdir)/50-veneer.conf'
	$(INSTALL) -m 644 dracut-module/veneer.conf '$(DESTDIR)$(PREFIX)/lib/veneer.conf'
	$(INSTALL) -D -m 644 packaging/completions/veneer.bash '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/veneer'
	$(INSTALL) -D -m 644 packaging/completions/_veneer '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_veneer'
	$(INSTALL) -D -m 644 packaging/completions/veneer.fish '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/veneer.fish'
	for page in $(PAGES); do \
	    section='$(DESTDIR)$(mandir)/man'$${page##*.}; \
	    $(INSTALL) -d "$$section" && $(INSTALL) -m 644 "$$page" "$$section/" || exit 1; \
	done
	$(if $(filter apt,$(HOOKS)),$(INSTALL) -D -m 644 packaging/hooks/90veneer '$(DESTDIR)$(aptconfdir)/90veneer')
	$(if $(filter dnf5,$(HOOKS)),$(INSTALL) -D -m 644 packaging/hooks/veneer.actions '$(DESTDIR)$(dnf5actionsdir)/veneer.actions')
	$(if $(filter dnf4,$(HOOKS)),$(INSTALL) -D -m 644 packaging/hooks/veneer.py '$(DESTDIR)$(dnf4pluginsdir)/veneer.py')
	$(if $(filter alpm,$(HOOKS)),$(INSTALL) -D -m 644 packaging/hooks/veneer.hook '$(DESTDIR)$(alpmhooksdir)/veneer.hook')

# What git tracks, as it is in the work tree.
dist:
	$(INSTALL) -d '$(PACKAGES)'
	git ls-files -z > '$(PACKAGES)/files'
	tar --null --files-from '$(PACKAGES)/files' --transform 's,^,veneer-$(VERSION)/,S' --owner 0 --group 0 --numeric-owner \
	    -czf '$(TARBALL)'

# Without a look at build dependencies: the compiler may be rustup's.
deb: dist
	rm -rf '$(PACKAGES)/deb'
	$(INSTALL) -d '$(PACKAGES)/deb'
	tar -xzf '$(TARBALL)' -C '$(PACKAGES)/deb'
	cd '$(PACKAGES)/deb/veneer-$(VERSION)' && cp -R packaging/debian debian && \
	    $(PACKAGING) dpkg-buildpackage --build=binary --no-sign --no-check-builddeps

rpm: dist
	rm -rf '$(PACKAGES)/rpm'
	$(PACKAGING) rpmbuild -bb --nodeps --define '_topdir $(PACKAGES)/rpm' --define '_sourcedir $(PACKAGES)' \
	    packaging/rpm/veneer.spec

# makepkg refuses to be root: root is another user then, in a user namespace.
arch: dist
	rm -rf '$(PACKAGES)/arch'
	$(INSTALL) -d '$(PACKAGES)/arch'
	cp packaging/arch/PKGBUILD '$(TARBALL)' '$(PACKAGES)/arch'
	cd '$(PACKAGES)/arch' && $(PACKAGING) $(if $(filter 0,$(shell id -u)),unshare --user --map-user=1000 --map-group=1000) \
	    makepkg --nodeps

packages:
	scripts/host-packages
	./tests/packages.sh

check check-all:
	scripts/host-packages
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	shellcheck $(SHELL_FILES)
	$(MAKE) man
	$(CARGO) test --workspace --locked
	$(CARGO) run --release --locked -p qemu-harness -- $(if $(filter check-all,$@),all,check)
	$(if $(filter check-all,$@),./tests/packages.sh)

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

topologies:
	scripts/host-packages
	$(CARGO) run --release --locked -p qemu-harness -- --all topologies docs/topologies.md

# Of Debian and Ubuntu: librsvg2-bin, fonts-dejavu-core, pngquant.
screenshots:
	scripts/host-packages
	$(CARGO) run --release --locked -p qemu-harness -- screenshots docs/pictures

bench:
	./tests/bench.sh

clean:
	$(CARGO) clean --target-dir '$(TARGET_DIR)'
