# Each target works as the first command on a Debian 12 machine that has only make: what is missing is installed by name
# (scripts/setup, as root or through sudo), then built under build/.
.DEFAULT_GOAL := help
.PHONY: help setup build test test-fast check demo bench bench-train bench-quantize bench-busy peer asan tsan emulate nightly fuzz runtime-min docs format clean

PRESET ?= dev

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## install what build, test and check need
	@scripts/setup build check

build: ## build the tersor program into build/dev
	@scripts/build $(PRESET) tersor

test: ## build everything that is tested and run all tests (up to 20 minutes on 2 cores)
	@scripts/test $(PRESET) fast slow

test-fast: ## the tests labelled fast alone (a minute)
	@scripts/test $(PRESET) fast

check: ## format, lint, layers, file sizes, generated docs, wording
	@scripts/check

demo: ## train, shrink and report on Fashion-MNIST: writes demo/report.html
	@scripts/demo

bench: ## our latency against LiteRT, interleaved, and each layer's share of the peak, into docs/results/
	@scripts/setup build peers && scripts/build release tersor && scripts/runtime_min && .venv-peers/bin/python bench/run

bench-train: ## our training throughput against PyTorch's, interleaved, into docs/results/
	@scripts/setup build peers && scripts/build release tersor && .venv-peers/bin/python bench/train

bench-quantize: ## our int8 models against those that ship with the test models, into docs/results/
	@scripts/setup build peers && scripts/build release tersor && .venv-peers/bin/python bench/quantize

bench-busy: ## training and latency beside one endless loop a core, into docs/results/
	@scripts/build release tersor && bench/busy

peer: ## the tests that compare with other libraries
	@scripts/setup build peers && scripts/test $(PRESET) peer

asan: ## the fast tests under the address and undefined-behaviour sanitizers
	@scripts/test asan fast

tsan: ## the fast tests under the thread sanitizer
	@scripts/test tsan fast

emulate: ## the kernels' tests with the AVX-512 files emulated on AVX2
	@scripts/emulate

nightly: ## what takes too long for each change: all tests under both sanitizers, emulated AVX-512, fuzz targets
	@scripts/nightly

fuzz: ## each fuzz target for FUZZ_SECONDS (60)
	@scripts/fuzz

runtime-min: ## build the deployable runtime alone and print its size
	@scripts/runtime_min

docs: ## write docs/generated from the lists
	@scripts/build dev tersor_docs tersor && tools/generated_docs write

format: ## rewrite all sources in the house format
	@scripts/setup check && tools/check_format write

clean: ## remove what was built (the installed packages and .venv stay)
	@rm -rf build demo
