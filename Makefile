# SPDX-License-Identifier: MIT
# A thin face of meson and scripts/.  `make help` lists the targets.

BUILD ?= build
ARGS ?=
FUZZ_TIME ?= 600
# Link-time optimisation saves a twelfth of the CPU of a sign-in; gcc misreads what it inlines across
# files there, and its two false alarms are left out of that step (the compile step keeps them).
OPTIMISED = --buildtype=release -Ddebug=true -Db_lto=true \
	'-Dc_link_args=-Wno-free-nonheap-object -Wno-stringop-overflow'

.PHONY: all run test fresh bench fuzz lint clean help

all: $(BUILD)/build.ninja ## build build/postern
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@command -v meson ninja pkg-config cc >/dev/null || { \
		echo "make: the build tools are missing: run scripts/install-deps.sh run (as root)" >&2; \
		exit 1; }
	@meson setup $(BUILD) $(OPTIMISED) -Dtests=disabled

run: ## install what running needs, build, start the demo (ARGS=--once and the like)
	@scripts/install-deps.sh run
	@$(MAKE) --no-print-directory all
	@exec $(BUILD)/postern demo $(ARGS)

test: ## unit, end-to-end and oracle tests under ASan and UBSan
	@scripts/install-deps.sh test
	@scripts/run-tests.sh $(ARGS)

fresh: ## both README commands in a clean Debian chroot (ARGS=run or ARGS=test for one)
	@scripts/install-deps.sh fresh
	@scripts/fresh.sh $(ARGS)

bench: ## measure beside Kamailio
	@scripts/install-deps.sh bench
	@tests/bench/run.sh $(ARGS)

fuzz: ## every fuzz target for FUZZ_TIME seconds (ARGS=name for one)
	@scripts/install-deps.sh fuzz
	@FUZZ_TIME=$(FUZZ_TIME) scripts/fuzz.sh $(ARGS)

lint: ## clang-format, clang-tidy, cppcheck, shellcheck
	@scripts/install-deps.sh lint
	@scripts/lint.sh $(ARGS)

clean: ## remove the build directories
	rm -rf build build-asan build-bench build-fuzz build-lint

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile
