# traind: build, tests, demo. `make help` lists what can be made.
#
#   make SANITIZE=address,undefined test     the same under sanitizers, in a folder of its own
#   make SANITIZE=thread test                (make sanitize: one after the other)
#   make COVERAGE=1 test                     the same while lines and branches are counted (make coverage: and told)
#   make ONEDNN=0                            without oneDNN: our own kernels for any processor
#   make WERROR=1                            warnings are errors, as in CI
#   make test T=word                         only the tests whose sentence or file contains the word
#   make bench QUICK=1                       two minutes of measuring instead of ten; BENCH_SECONDS of one turn
#   make profile NET=resnet20 THREADS=1      where a step of a network of tests/bench/specs goes

SANITIZE ?=
COVERAGE ?=
ONEDNN   ?= 1
WERROR   ?= $(if $(CI),1)
JOBS     ?= $(or $(shell nproc 2>/dev/null),2)
T        ?=
THREADS  ?= $(JOBS)
QUICK    ?=
SECTIONS ?=
BENCH_SECONDS ?=
FUZZ_SECONDS ?= 60
export SANITIZE COVERAGE ONEDNN WERROR JOBS T QUICK SECTIONS BENCH_SECONDS

# Only the outermost make says how many; its own -j wins.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:

# ---- where things go ----

comma := ,
SANITIZED := $(if $(SANITIZE),sanitize-$(subst $(comma),-,$(SANITIZE)))
BARE      := $(if $(filter 0,$(ONEDNN)),reference)
BUILD     := build
COUNTED   := $(if $(filter 1,$(COVERAGE)),coverage)
OUT       := $(BUILD)$(addprefix /,$(SANITIZED))$(addprefix /,$(COUNTED))$(addprefix /,$(BARE))

# ---- flags ----

# Losses must be the same from build to build: no -ffast-math, no -march=native, no fused multiply-adds.
WARNINGS  := -Wall -Wextra -Wpointer-arith -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-missing-field-initializers \
             $(if $(filter 1,$(WERROR)),-Werror)
ALWAYS    := -std=c11 -D_GNU_SOURCE -g -fno-math-errno -ffp-contract=off -I. $(WARNINGS)

ifneq ($(COUNTED),)
FLAGS     := $(ALWAYS) -O1 --coverage -fprofile-update=atomic
LINKING   := --coverage
else ifeq ($(SANITIZE),)
FLAGS     := $(ALWAYS) -O3 -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
LINKING   := -pie -Wl,-z,relro,-z,now
else
FLAGS     := $(ALWAYS) -O2 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
LINKING   := -fsanitize=$(SANITIZE)
endif

LIBRARIES := $(if $(filter 0,$(ONEDNN)),,-ldnnl -lgomp) \
             -lmicrohttpd -lz -ljansson -lsqlite3 -larchive -lpng -ljpeg -lnettle -lm -lpthread
COMPILE    = $(CC) $(FLAGS) $(CFLAGS) $(CPPFLAGS) -MMD -MP
LINK       = $(CC) $(FLAGS) $(CFLAGS) $(LINKING) $(LDFLAGS)

# ---- what is built from what ----

PORTABLE   := $(filter-out core/onednn%,$(wildcard core/*.c))
CORE       := $(if $(filter 0,$(ONEDNN)),$(PORTABLE),$(wildcard core/*.c))
SERVER     := $(wildcard server/*.c)
HARNESS    := tests/harness.c tests/report.c tests/checks.c
# What tests/scarce.c stands before.
WRAPPED    := $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc aligned_alloc strdup open_memstream vasprintf asprintf \
                __vasprintf_chk __asprintf_chk)
FUZZING    := $(filter-out tests/fuzz/entry.c tests/fuzz/test_%,$(wildcard tests/fuzz/*.c))
TESTS      := $(wildcard tests/core/*.c tests/server/*.c tests/api/*.c tests/fuzz/test_*.c) $(FUZZING) $(HARNESS) tests/scarce.c
DOUBLE     := $(wildcard tests/double/*.c) $(filter-out tests/core/test_%,$(wildcard tests/core/*.c)) $(HARNESS)
BASELINE   := $(patsubst %,tests/core/test_%.c,activations batch_norm convolutions determinism digits dropout gemm golden \
                golden_networks kernels layouts pools portable trainer vector_math) \
              $(filter-out tests/core/test_%,$(wildcard tests/core/*.c)) $(HARNESS)
SELFTEST   := tests/selftest/planted.c $(HARNESS)

objects     = $(patsubst %.c,$(OUT)/objects/%.o,$(1))
doubles     = $(patsubst %.c,$(OUT)/double/%.o,$(1))
baselines   = $(patsubst %.c,$(OUT)/baseline/%.o,$(1))
INSIDE     := $(call objects,$(CORE) $(filter-out server/main.c,$(SERVER))) $(OUT)/assets.o

FUZZ       := $(BUILD)/fuzz
PARSERS    := $(wildcard server/spec_*.c server/json_*.c) server/safetensors_read.c
FUZZFLAGS  := -std=c11 -D_GNU_SOURCE -g -O1 -fno-math-errno -ffp-contract=off -fno-omit-frame-pointer -I. \
              -fsanitize=address,undefined -fno-sanitize-recover=all -D__SANITIZE_ADDRESS__=1

PROGRAM    := $(OUT)/traind
PROGRAMS   := $(OUT)/tests $(OUT)/tests-double $(OUT)/tests-baseline $(OUT)/planted

## all: build the program, build/traind (the default)
all: $(PROGRAM)

$(PROGRAM): $(call objects,server/main.c) $(INSIDE)
	@echo "link $@"
	@$(LINK) $^ $(LIBRARIES) -o $@

$(OUT)/tests: $(call objects,$(TESTS)) $(INSIDE)
	@echo "link $@"
	@$(LINK) $(WRAPPED) $^ -lcurl $(LIBRARIES) -o $@

# The core once more with double for its numbers: finite differences have digits to spare there.
$(OUT)/tests-double: $(call doubles,$(DOUBLE) $(PORTABLE))
	@echo "link $@"
	@$(LINK) $^ -lnettle -larchive -lpng -ljpeg -lm -lpthread -o $@

# The core once more as another processor would have it: without oneDNN, and nothing compiled for more instructions than
# every processor has.
$(OUT)/tests-baseline: $(call baselines,$(BASELINE) $(PORTABLE))
	@echo "link $@"
	@$(LINK) $^ -lnettle -larchive -lpng -ljpeg -lm -lpthread -o $@

# Tests that must fail, to prove the harness.
$(OUT)/planted: $(call objects,$(SELFTEST))
	@echo "link $@"
	@$(LINK) $^ -lm -lpthread -o $@

# What the processor can at most: the one program that may fuse multiply-adds.
$(OUT)/peak: tests/bench/peak.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "link $@"
	@$(LINK) -ffp-contract=fast $< -lpthread -o $@

$(OUT)/objects/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "compile $<"
	@$(COMPILE) -DTRAIND_ONEDNN=$(ONEDNN) -c $< -o $@

$(OUT)/double/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "compile $< with double"
	@$(COMPILE) -DTRAIND_ONEDNN=0 -DTRAIND_REAL_DOUBLE -c $< -o $@

$(OUT)/baseline/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "compile $< for any processor"
	@$(COMPILE) -DTRAIND_ONEDNN=0 -DTRAIND_BASELINE -c $< -o $@

# The parsers once more, watched by libFuzzer and two sanitizers. As gcc does, and clang does not, the flags say that one
# of them watches.
$(FUZZ)/targets: $(patsubst %.c,$(FUZZ)/objects/%.o,tests/fuzz/entry.c $(FUZZING) $(PORTABLE) $(PARSERS))
	@echo "link $@"
	@clang $(FUZZFLAGS) -fsanitize=fuzzer $^ -ljansson -larchive -lpng -ljpeg -lnettle -lm -lpthread -o $@

$(FUZZ)/objects/%.o: %.c
	@mkdir -p $(@D)
	@echo "compile $< for fuzzing"
	@clang $(FUZZFLAGS) -fsanitize=fuzzer-no-link -DTRAIND_ONEDNN=0 -MMD -MP -c $< -o $@

# Other flags, other objects: this file changes only when the flags do.
$(OUT)/flags: always
	@mkdir -p $(@D)
	@echo '$(COMPILE)' | cmp -s - $@ || echo '$(COMPILE)' > $@

-include $(shell find $(OUT) $(FUZZ) -name '*.d' 2>/dev/null)

# ---- files inside the program: the dashboard, its libraries, the migrations, the schemas of answers ----

STATIC  := $(shell find static migrations schemas -type f 2>/dev/null)
NPM     := $(BUILD)/npm/installed

$(OUT)/assets.c: server/embed.sh $(STATIC) $(if $(wildcard static/package-lock.json),$(NPM))
	@mkdir -p $(@D)
	@echo "embed static/, migrations/ and schemas/"
	@server/embed.sh $(BUILD)/npm $(OUT)/embedded > $@

$(OUT)/assets.o: $(OUT)/assets.c $(OUT)/flags
	@echo "compile $<"
	@$(COMPILE) -c $< -o $@

# npm checks every package against the hash in the lock file and runs none of their scripts.
$(NPM): static/package.json static/package-lock.json
	@mkdir -p $(@D)
	cp static/package.json static/package-lock.json $(@D)/
	@command -v npm > /dev/null || { echo "npm is missing: \`make packages\` installs what a build needs"; exit 1; }
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# ---- commands ----

## demo: install what is missing, build, and train a network on real images with one curl
demo:
	@docker/packages.sh build demo
	@$(MAKE) all
	@tests/demo.sh $(PROGRAM)

## test: install what is missing, build and run every test
test:
	@docker/packages.sh build test
	@$(MAKE) programs
	@tests/run.sh $(OUT)

## sanitize: `make test` under the sanitizers, with a verdict for each (hours, not minutes)
sanitize:
	@verdicts=; code=0; for kind in address,undefined thread; do \
	    if $(MAKE) SANITIZE=$$kind test; then word=passed; else word=failed; code=1; fi; \
	    verdicts="$$verdicts, $$kind $$word"; \
	done; echo "sanitizers: $${verdicts#, }"; exit $$code

programs: $(PROGRAM) $(PROGRAMS)

## lint: warnings, format, layering, banned calls, sizes
lint: $(call objects,$(CORE) $(SERVER))
	@tests/lint/lint.sh . $(OUT)/objects

## fuzz: each parser of what strangers write, FUZZ_SECONDS (60) with libFuzzer
fuzz:
	@docker/packages.sh build fuzz
	@$(MAKE) $(FUZZ)/targets
	@tests/fuzz/run.sh $(FUZZ)/targets $(FUZZ_SECONDS)

## golden: make the committed golden numbers of tests/golden once more with PyTorch
golden:
	@docker/packages.sh golden
	@tests/golden/make.sh

## bench: measure against PyTorch on this machine; the tables are left in build/bench.md
bench:
	@docker/packages.sh build bench
	@$(MAKE) $(PROGRAM) $(OUT)/peak
	@/usr/bin/python3 -B tests/bench/bench.py $(PROGRAM) $(OUT)/peak $(OUT)/bench.md

## bench-readme: put the tables that the last bench has left into the README
bench-readme:
	@python3 -B tests/bench/readme.py $(OUT)/bench.md README.md

## profile: show where a training step of NET=resnet20 goes, layer by layer
profile: $(PROGRAM)
	@python3 -B tests/bench/profile.py $(PROGRAM) $(or $(NET),resnet20) --threads $(THREADS)

## accuracy: train real networks on real images and compare with what the README promises (NET=resnet: that one)
accuracy:
	@docker/packages.sh build demo
	@$(MAKE) all
	@tests/accuracy/run.sh $(PROGRAM) $(BUILD)/accuracy $(NET)

## packages: install the Debian packages that building, running, testing and the demo need
packages:
	@docker/packages.sh build test demo

## clean: remove build/
clean:
	rm -rf $(BUILD)

## help: list these targets
help:
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(firstword $(MAKEFILE_LIST)) | awk -F '\t' '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo
	@sed -n '3,/^$$/ s/^#\( *\)//p' $(firstword $(MAKEFILE_LIST)) | sed 's/^/  /'

.PHONY: all demo test sanitize programs lint fuzz golden bench bench-readme profile accuracy packages clean help always
