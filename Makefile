# credential_manager: the words that people and CI use. `make` lists them.

SHELL     := /bin/bash
# Another version than 15 to build for and to test with: make test PG=17. Its server is fetched once, and
# its builds stand in a folder of their own.
PG        ?= 15
ifeq ($(PG),15)
PG_CONFIG ?= /usr/lib/postgresql/15/bin/pg_config
else
PG_CONFIG := $(or $(CREDENTIAL_MANAGER_SERVERS),/var/lib/credential_manager)-$(PG)/usr/lib/postgresql/$(PG)/bin/pg_config
export CARGO_TARGET_DIR := $(CURDIR)/target/pg$(PG)
endif
TARGET    := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
# Debian keeps the server's own pg_config here; pgrx reads the variable in its build script.
export PGRX_PG_CONFIG_PATH = $(PG_CONFIG)
export PG_CONFIG
# A backtrace in DETAIL of every error is no help to anybody and would break the tests of errors.
unexport RUST_BACKTRACE

# Tests run a debug build with the fault points; both build words share one set of features, so that
# nothing is compiled twice.
VERSION := $(if $(filter-out 15,$(PG)),--no-default-features --features pg$(PG))
TESTING := $(VERSION) --features fault
# Tests wait for servers half of their time.
THREADS := $(shell echo $$(( ($$(nproc) * 3 + 1) / 2 )))
# A fresh clone in CI builds exactly what was committed.
LOCKED  := $(if $(CI),--locked,)

.DEFAULT_GOAL := help
.PHONY: help needs build install demo demo-stop check test test-long bench one test-server test-build reference

help: ## list these words
	@echo "credential_manager: managed login credentials inside the PostgreSQL server"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

needs: ## install what a build and the tests need (Debian packages, crates)
ifeq ($(PG),15)
	@scripts/needs.sh
else
	@scripts/needs.sh build
	@scripts/other_server.sh $(PG) >/dev/null
endif

build: needs ## build the release library
	cargo build --lib --release $(LOCKED) --no-default-features --features pg$(PG)

install: ## build and install into a server: make install PG_CONFIG=/path/to/pg_config
	@case "$$($(PG_CONFIG) --version)" in "PostgreSQL 15"*) ;; *) \
	  echo "error: $(PG_CONFIG) is not a pg_config of PostgreSQL 15, the one version this release is for" >&2; exit 1;; esac
	@scripts/needs.sh build
	cargo build --lib --release $(LOCKED) --no-default-features --features pg$(PG)
	@scripts/install.sh $(PG_CONFIG) $(TARGET)/release/libcredential_manager.so
	@echo "now add to postgresql.conf, and restart the server:"
	@echo "  shared_preload_libraries = 'credential_manager'"
	@echo "  credential_manager.database = '...'   (where CREATE EXTENSION is to be called; see README.md for the key file)"

demo: build ## start a throwaway server and walk through the main job, statement by statement
	@scripts/demo.sh start

demo-stop: ## stop the demo's server and remove it
	@scripts/demo.sh stop

META.json: META.json.in Cargo.toml
	@sed "s/@CARGO_VERSION@/$$(sed -n 's/^version *= *"\(.*\)"/\1/p' Cargo.toml | head -n1)/" $< >$@
	@echo "META.json written"

check: needs ## format, lints, floors of the house, unit tests: no server needed
	@cargo fmt --version >/dev/null && cargo clippy --version >/dev/null || \
	  { echo "error: rustfmt or clippy is missing: rustup component add rustfmt clippy" >&2; exit 1; }
	cargo fmt --check
	cargo clippy $(LOCKED) $(VERSION) --all-targets -- -D warnings
	cargo clippy $(LOCKED) --all-targets $(TESTING) -- -D warnings
	cargo test $(LOCKED) $(TESTING) --lib --test layers --test surface --test papers

# Private server copy with the test build in it; the system's server is left as it is.
test-server: needs
	@scripts/server_copy.sh test >/dev/null

test-build: test-server
	@scripts/needs.sh clients
	@echo "== building (debug, fault points)"
	@cargo build $(LOCKED) $(TESTING) --lib --tests
	@scripts/install.sh "$$(scripts/server_copy.sh test)" $(TARGET)/debug/libcredential_manager.so >/dev/null

test: test-build ## all tests, each suite on throwaway servers
	@cargo test $(LOCKED) $(TESTING) --lib --tests --no-fail-fast -- --test-threads $(THREADS)

test-long: test ## all tests, then again in their long forms with a hostile database owner's settings
	@echo "== again, in databases whose owner set traps"
	@CREDENTIAL_MANAGER_LONG=1 CREDENTIAL_MANAGER_HOSTILE=1 cargo test $(LOCKED) $(TESTING) --test suite

one: test-build ## one suite in seconds: make one T=rotation
	@test -n "$(T)" || { echo "error: which one? make one T=<suite or part of a test's name>" >&2; exit 1; }
	@cargo test $(LOCKED) $(TESTING) --test suite -- $(T)

bench: needs ## measure against plain statements, with a release build: writes docs/benchmarks.md (B=permissions: one program)
	cargo build --lib --release $(LOCKED) --no-default-features --features pg$(PG)
	@scripts/install.sh "$$(scripts/server_copy.sh bench)" $(TARGET)/release/libcredential_manager.so >/dev/null
	@for program in $(or $(B),rotation permissions); do \
	  CREDENTIAL_MANAGER_SERVER=bench cargo bench $(LOCKED) --profile dev $(TESTING) --bench $$program || exit 1; done

reference: test-build ## write docs/reference.md anew from the comments in the install script
	@CREDENTIAL_MANAGER_WRITE_REFERENCE=1 cargo test $(LOCKED) $(TESTING) --test suite -- the_reference_is_what_the_comments_say
