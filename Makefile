# The front door: demo, test, bench, package. Each does its own set-up, all of it under target/ and www/node_modules,
# and only the part that is missing. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
# cargo uses all cores by itself, and the wasm builds share one target folder.
.NOTPARALLEL:
.DEFAULT_GOAL := help

PORT ?= 8080
# `make test SUITES="native browser"` runs some of the suites of .make/test.py.
SUITES ?=
# The last one runs no model: it is what the page and the package need beside that.
BUILDS := simd simd-threads relaxed relaxed-threads tools
SELFIES := selfie_segmentation selfie_segmentation_landscape

WASM_BINDGEN_VERSION := $(shell awk '/^name = "wasm-bindgen"$$/ { getline; gsub(/"/, ""); print $$3 }' Cargo.lock)
GECKODRIVER_VERSION := 0.37.1
CARGO_FUZZ_VERSION := 0.13.2

MODEL_FILES := $(SELFIES:%=target/models/%.tflite)
NODE_MODULES := www/node_modules/.package-lock.json
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find src -type f -not -path 'src/bin/*')
WEB_SOURCES := $(shell find www -type f -not -path '*/node_modules/*' -not -path 'www/dist*' -not -path www/LICENSE)

.PHONY: help
help:
	@echo "make demo      build everything and serve the page (PORT=$(PORT))"
	@echo "make test      all tests: native, wasm in a browser, conformance with TFLite, end to end"
	@echo "make fuzz      broken and random models, and conformance on new cases (MINUTES=$(MINUTES))"
	@echo "make bench     side by side with other runtimes, in one browser run; QUICK=1, MODELS=, RUNTIMES=, ABLATION=1, KERNELS=1, CLAIMS=1, ADVICE=1, PROFILES=1"
	@echo "make package   the npm tarball, target/package/octomask.tgz"
	@echo "make models    rebuild the networks of models/ with TensorFlow, and compare"
	@echo "make wasm      the wasm builds and their sizes; make wasm-simd for one"

# ---- set-up: each of these is quick when there is nothing to do

.PHONY: rust wasm-bindgen geckodriver cargo-fuzz browsers
rust:
	@.make/rust.sh

wasm-bindgen: rust
	@.make/tool.sh wasm-bindgen-cli wasm-bindgen $(WASM_BINDGEN_VERSION)

geckodriver: rust
	@.make/tool.sh geckodriver geckodriver $(GECKODRIVER_VERSION)

cargo-fuzz: rust
	@.make/tool.sh cargo-fuzz cargo-fuzz $(CARGO_FUZZ_VERSION)

browsers: geckodriver
	@.make/browsers.sh

$(NODE_MODULES): www/package.json www/package-lock.json
	cd www && npm ci --no-audit --no-fund
	@touch $@

target/venv/installed: tests/requirements.txt
	@.make/venv.sh
	@touch $@

target/models/%.tflite: $(NODE_MODULES)
	@mkdir -p $(@D)
	cp www/node_modules/@mediapipe/selfie_segmentation/$*.tflite $@

# ---- what is built

# All of them at once: while one is optimised the next is compiled.
target/wasm/built: $(RUST_SOURCES) .make/wasm.sh $(NODE_MODULES) | rust wasm-bindgen
	@.make/wasm.sh $(BUILDS)
	@touch $@

.PHONY: wasm $(BUILDS:%=wasm-%)
wasm: target/wasm/built
	@node .make/sizes.mjs $(BUILDS)
$(BUILDS:%=wasm-%): wasm-%: rust wasm-bindgen $(NODE_MODULES)
	@.make/wasm.sh $*
	@node .make/sizes.mjs $*

# The package (www/dist) and the page (www/dist-demo).
www/dist-demo/index.html: target/wasm/built $(MODEL_FILES) $(WEB_SOURCES)
	@node .make/sizes.mjs $(BUILDS)
	cd www && npm run --silent build
	@touch $@

# ---- the four commands

.PHONY: demo test fuzz bench package
demo: www/dist-demo/index.html
	@PORT=$(PORT) node www/serve.mjs

package: target/package/octomask.tgz
target/package/octomask.tgz: www/dist-demo/index.html
	@rm -rf target/package && mkdir -p target/package
	cd www && npm pack --silent --pack-destination ../target/package
	@mv target/package/octomask-*.tgz $@
	@echo "package: $@"

# Models of others, which the tests load.
PACKAGES := tests/packages/node_modules/.package-lock.json
$(PACKAGES): tests/packages/package.json tests/packages/package-lock.json
	cd tests/packages && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

test: www/dist-demo/index.html target/package/octomask.tgz target/venv/installed $(PACKAGES) browsers
	@target/venv/bin/python .make/test.py $(SUITES)

# For MINUTES: one half broken and random models (fuzz/), the other conformance with TFLite on cases that were not
# tried before.
MINUTES ?= 10
HALF = $(shell awk 'BEGIN { print $(MINUTES) / 2 }')
fuzz: target/venv/installed $(MODEL_FILES) cargo-fuzz
	@.make/fuzz.sh $(HALF)
	@PATH="$$PWD/target/rust/native:$$PATH" target/venv/bin/python tests/conformance/fuzz.py --minutes $(HALF)

BENCH_MODULES := tests/bench/node_modules/.package-lock.json
$(BENCH_MODULES): tests/bench/package.json tests/bench/package-lock.json
	cd tests/bench && npm ci --no-audit --no-fund
	@touch $@

# tests/bench/README.md says what these do.
QUICK ?=
MODELS ?=
RUNTIMES ?=
ABLATION ?=
KERNELS ?=
CLAIMS ?=
ADVICE ?=
PROFILES ?=
BENCH_OPTIONS = $(if $(MODELS),--models $(MODELS))
bench: target/package/octomask.tgz target/bench/exported target/bench/layers/layers.json $(BENCH_MODULES) | browsers
ifneq ($(ABLATION),)
	@node tests/bench/ablation.mjs $(BENCH_OPTIONS)
else ifneq ($(KERNELS),)
	@node tests/bench/kernels.mjs $(if $(filter-out 1,$(KERNELS)),--only '$(KERNELS)')
else ifneq ($(CLAIMS),)
	@node tests/bench/claims.mjs
else ifneq ($(PROFILES),)
	@node tests/bench/profiles.mjs
else ifneq ($(ADVICE),)
	@PATH="$$PWD/target/rust/native:$$PATH" cargo test --profile timed --test advise -- --ignored --nocapture
else
	@node tests/bench/bench.mjs $(BENCH_OPTIONS) $(if $(QUICK),--quick) $(if $(RUNTIMES),--runtimes $(RUNTIMES))
	@$(if $(QUICK)$(MODELS)$(RUNTIMES),,node tests/bench/others.mjs)
endif

# TensorFlow is large and only these need it: an environment of its own.
target/venv-models/installed: models/requirements.txt | target/venv/installed
	@echo "python: TensorFlow in target/venv-models, with models/requirements.txt"
	@python3 -m venv target/venv-models
	@target/venv-models/bin/python -m pip install --quiet --disable-pip-version-check -r models/requirements.txt
	@touch $@

# The networks of the bench, TFLite's results for them, and the same networks as ONNX.
target/models/bench/built: models/build.py $(wildcard models/recipe/*.py models/recipe/families/*.py) target/venv-models/installed
	@target/venv-models/bin/python models/build.py --bench
	@touch $@

target/bench/models.json: tests/bench/prepare.py target/models/bench/built $(MODEL_FILES) target/venv/installed
	@target/venv/bin/python tests/bench/prepare.py

target/bench/layers/layers.json: tests/bench/layers.py tests/bench/layers.txt tests/conformance/tflite.py target/venv/installed
	@target/venv/bin/python tests/bench/layers.py build

target/bench/exported: tests/bench/onnx_export.py tests/bench/requirements.txt target/bench/models.json target/venv-models/installed
	@target/venv-models/bin/python -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	@target/venv-models/bin/python tests/bench/onnx_export.py
	@touch $@

.PHONY: models
models: target/venv-models/installed
	@target/venv-models/bin/python models/build.py
