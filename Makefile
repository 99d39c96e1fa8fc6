# Every task by name. `make` lists them.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
OTHER ?= $(PYTHON)
SOURCES := pyproject.toml CMakeLists.txt $(wildcard native/*)
CPP := $(wildcard native/*.h native/*.cpp native/*.inl tests/native/*.cpp)
PIP := $(BIN)/python -m pip install -qq
OTHER_PIP := build/other/bin/python -m pip install -qq
DEMO := demo
FUZZ_SECONDS ?= 20
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
BASE ?= main
SEEDS ?= 1
AGAIN ?= grucast
CAN_FUZZ := $(if $(filter Linux_x86_64,$(shell uname -s)_$(shell uname -m)),fuzz)
.DEFAULT_GOAL := help

.PHONY: help demo test quick test-interop test-javascript test-page test-ray test-spark check native portable targets fuzz wheel slim audit fix bench bench-runtime bench-forecast bench-accuracy bench-classify bench-ablation bench-scale docs pictures clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/demo.stamp ## train on the textbook's example, then forecast real data in one command; writes to demo/
	@echo "== 1. The textbook's example"
	@$(BIN)/grucast demo --out $(DEMO)
	@echo "== 2. A forecast of real data: hourly bike rentals (half a minute)"
	@$(BIN)/python -c "from grucast.data import example; example().write_csv('$(DEMO)/bikes.csv')"
	@$(BIN)/grucast forecast $(DEMO)/bikes.csv --out $(DEMO)/forecast.csv --plot $(DEMO)/forecast.png --model $(DEMO)/bikes.safetensors --overwrite
	@echo "Look at $(DEMO)/loss_curve.png, $(DEMO)/predictions.png and $(DEMO)/forecast.png"

test: $(VENV)/dev.stamp check native ## lint, types, layers, kernels under sanitizers, then all tests on every target
	@echo "== tests"
	@$(BIN)/python -m pytest -q -n $(JOBS) --cov --cov-report=term:skip-covered
	@$(MAKE) --no-print-directory targets $(CAN_FUZZ)

# Files that differ from BASE, committed or not, and the tests of each; then some that nearly every fault would break.
CHANGED = $(shell git diff --name-only --diff-filter=d --merge-base $(BASE) -- src tests native; git ls-files --others --exclude-standard -- src tests)
CHANGED_SOURCES = $(filter-out src/grucast/distributed/% $(foreach name,mlflow sktime spark tensorboard,src/grucast/$(name).py),$(filter src/%.py,$(CHANGED)))
tests_of = $(wildcard tests/$(patsubst src/grucast/%,%,$(dir $(1)))test_$(basename $(notdir $(1)))*.py)
QUICK = $(CHANGED_SOURCES) $(foreach f,$(CHANGED_SOURCES),$(call tests_of,$(f))) $(foreach f,$(filter tests/%,$(CHANGED)),$(if $(filter test_%.py,$(notdir $(f))),$(f))) \
  $(if $(filter native/%,$(CHANGED)),tests/kernels) tests/test_errors.py tests/kernels/test_reference.py tests/model/test_golden.py tests/forecasting/test_loading.py

quick: $(VENV)/dev.stamp ## the tests of what differs from BASE=main, and a few more; under a minute for a few files
	@$(BIN)/python -m pytest -q -n $(JOBS) -m "not slow" $(sort $(QUICK))

test-interop: $(VENV)/interop.stamp build/sktime/stamp build/mlflow/stamp ## the layer compared with Keras, Flax, ONNX and torch, prints the largest differences; the forecaster with TensorBoard, sktime and MLflow
	@for backend in torch numpy; do echo "== tests with Keras on $$backend"; \
	  KERAS_BACKEND=$$backend $(BIN)/python -m pytest -q -p tests.differences interop/test_keras.py || exit 1; done
	@echo "== tests with Flax, ONNX and torch"
	@$(BIN)/python -m pytest -q -p tests.differences interop/test_flax.py tests/nn/test_convert_torch.py tests/nn/test_convert_onnx.py tests/onnx/test_layers.py
	@echo "== tests with TensorBoard"
	@$(BIN)/python -m pytest -q interop/test_tensorboard.py src/grucast/tensorboard.py
	@echo "== tests with sktime"
	@PYTHONPATH=build/sktime $(BIN)/python -m pytest -q interop/test_sktime.py src/grucast/sktime.py
	@echo "== tests with MLflow"
	@PYTHONPATH=build/mlflow $(BIN)/python -m pytest -q -W ignore interop/test_mlflow.py src/grucast/mlflow.py

test-javascript: $(VENV)/dev.stamp build/javascript/stamp ## forecast from exported models in JavaScript (needs node, npm and the network)
	@echo "== tests with JavaScript"
	@$(BIN)/python -m pytest -q interop/test_javascript.py

test-page: $(VENV)/page.stamp ## use the page of `grucast serve` in headless Chromium (needs chromium)
	@echo "== tests in the browser"
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadscope interop/test_page.py

test-ray: $(VENV)/ray.stamp ## work on a cluster of Ray, whose nodes are killed
	@echo "== tests with Ray"
	@$(BIN)/python -m pytest -q interop/test_ray.py interop/test_ray_fit.py interop/test_ray_store.py interop/test_ray_elsewhere.py src/grucast/distributed

test-spark: $(VENV)/spark.stamp ## forecast data frames of Spark on this machine (needs Java)
	@echo "== tests with Spark"
	@$(BIN)/python -m pytest -q interop/test_spark.py src/grucast/spark.py

check: $(VENV)/dev.stamp ## lint, format, types, layers
	@echo "== lint"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/clang-format --dry-run --Werror $(CPP)
	@echo "== types"
	@$(BIN)/mypy
	@echo "== layers"
	@$(BIN)/lint-imports --no-cache --no-logo

native: build/memory/drive build/thread/drive build/guard/drive ## drive the kernels under sanitizers and in guarded memory
	@echo "== kernels"
	@for drive in $^; do for target in $(TARGETS); do GRUCAST_TARGET=$$target $$drive 20 || exit 1; done; done
	@echo "== symbols: the linker might take a target's for all others' too"
	@shared=$$(nm -AC build/guard/CMakeFiles/grucast_kernels.dir/native/target_*.o) || exit 1; \
	! echo "$$shared" | grep ' [WVu] '

portable: build/clang/drive build/aarch64/drive ## drive the kernels built by clang, and built for aarch64 (needs qemu-user)
	@echo "== kernels by clang and for aarch64"
	@for target in $(TARGETS); do GRUCAST_TARGET=$$target build/clang/drive 20 || exit 1; done
	@qemu-aarch64 -L /usr/aarch64-linux-gnu build/aarch64/drive 3

targets: $(VENV)/dev.stamp ## the kernels' tests on every other target, then without the extension the tests of what stands on it, but the slow ones
	@for target in $(wordlist 2,9,$(TARGETS)); do echo "== tests on $$target"; \
	  GRUCAST_TARGET=$$target $(BIN)/python -m pytest -q -n $(JOBS) tests/kernels tests/nn tests/model/test_values.py tests/model/test_golden.py tests/model/test_bits.py tests/training/test_gradients.py tests/training/test_members.py tests/forecasting/test_stream.py || exit 1; done
	@echo "== tests without the extension"
	@$(BIN)/python -m pytest -q -n $(JOBS) -r fE -p tests.without_native -m "not slow" $(addprefix tests/,kernels model nn training forecasting onnx)

fuzz: $(VENV)/fuzz.stamp ## feed mutated model files, CSV files and ONNX models to their readers, FUZZ_SECONDS=20 each (Linux on x86-64)
	@mkdir -p build/fuzz
	@for target in model_file csv_file onnx_file; do echo "== fuzzing $$target for $(FUZZ_SECONDS) s"; \
	  POLARS_MAX_THREADS=1 $(BIN)/python -m fuzz.$$target $(FUZZ_SECONDS) >build/fuzz/$$target.log 2>&1 \
	  || { grep -v Instrumenting build/fuzz/$$target.log | tail -40; exit 1; }; \
	  grep -E 'executed_units|units_added' build/fuzz/$$target.log; done

wheel: ## build source distribution and wheel by OTHER=python3.13, check both, run the tests without torch on the wheel
	@$(MAKE) --no-print-directory VENV=build/other PYTHON=$(OTHER) build/other/bin/python
	@echo "== source distribution and wheel by $$(build/other/bin/python --version)"
	@$(OTHER_PIP) --group wheel
	@rm -rf build/dist
	@build/other/bin/python -P -m build --outdir build/dist >build/dist.log 2>&1 || { tail -40 build/dist.log; exit 1; }
	@build/other/bin/twine check --strict build/dist/*
	@build/other/bin/auditwheel show build/dist/*.whl
	@case $$(echo build/dist/*.whl) in *abi3*) build/other/bin/abi3audit --strict --summary build/dist/*.whl;; esac
	@echo "== tests on the wheel"
	@$(OTHER_PIP) --force-reinstall --no-deps build/dist/*.whl
	@$(OTHER_PIP) "$$(echo build/dist/*.whl)[plot,cli]" --group dev
	@build/other/bin/python -m pytest -q -n $(JOBS) -r fE -p tests.without_torch -m "not slow" $(addprefix tests/,data kernels model training)

# Python's own image on Alpine Linux, in MB.
ALPINE = 46
MUSL = --only-binary=:all: --platform=musllinux_1_2_$(shell uname -m) --python-version=3.13 --implementation=cp

slim: ## run what the image of the Dockerfile holds, on the wheel of `make wheel`, and measure its packages for Alpine Linux
	@echo "== the slim runtime"
	@rm -rf build/slim build/musl
	@sh .ci/slim build/other/bin/python build/slim "$$(echo build/dist/*.whl)"
	@PYTHONPATH=build/slim build/other/bin/python -P -S tests/slim.py
	@sh .ci/slim build/other/bin/python build/musl numpy $(MUSL) narwhals safetensors
	@cp -r build/slim/grucast build/musl/
	@size=$$(($(ALPINE) + $$(du -sm build/musl | cut -f1))); echo "the image has $$size MB, Python's $(ALPINE) included"; test $$size -lt 150

audit: $(VENV)/dev.stamp ## look the installed packages up in the database of known vulnerabilities (needs the network)
	@$(PIP) --group audit
	@$(BIN)/pip-audit --skip-editable

# Instruction sets that can run here, best first.
TARGETS = $(shell $(BIN)/python -c 'from grucast.kernels import targets; print(*targets())')

# Line numbers suffice, and calls for the checks of all but small functions: both make the build twice as fast.
build/memory/drive: FLAGS := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all --param asan-instrumentation-with-call-threshold=50
build/thread/drive: FLAGS := -O1 -g1 -fsanitize=thread
build/guard/drive: FLAGS := -O3 -DGUARD_PAGES
build/clang/drive: FLAGS := -O2
build/clang/drive: CMAKE := -DCMAKE_CXX_COMPILER=clang++
build/aarch64/drive: FLAGS := -O2
build/aarch64/drive: CMAKE := -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64
build/%/drive: $(wildcard native/*) tests/native/drive.cpp CMakeLists.txt | $(VENV)/dev.stamp
	@echo "== building the kernels' test program: $(FLAGS) $(CMAKE)"
	@PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B $(@D) -DGRUCAST_DRIVE=ON -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="$(FLAGS) -Werror" $(CMAKE) >/dev/null
	@PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(@D) --parallel 2 >/dev/null

build/javascript/stamp: examples/package.json
	@echo "== installing ONNX Runtime for JavaScript"
	@mkdir -p $(@D)
	@cp $< $(@D)
	@npm install --prefix $(@D) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

fix: $(VENV)/dev.stamp ## format, and correct what can be corrected automatically
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/clang-format -i $(CPP)

bench: $(VENV)/dev.stamp ## measure speed and memory, print and save the tables (about 10 minutes)
	@$(BIN)/python benchmarks/bench_textbook.py
	@$(BIN)/python benchmarks/bench_fit.py
	@$(BIN)/python benchmarks/bench_layer.py
	@$(BIN)/python benchmarks/bench_layer.py --grid
	@$(BIN)/python benchmarks/bench_profile.py

bench-runtime: $(VENV)/dev.stamp ## measure import, install, loading and forecasts without PyTorch, print and save the table
	@$(BIN)/python benchmarks/bench_runtime.py

bench-forecast: .venv-bench/stamp ## compare forecasts of bike rentals with neuralforecast's GRU, print and save the table (about 10 minutes)
	@.venv-bench/bin/python benchmarks/bench_forecast.py

bench-accuracy: .venv-bench/stamp ## compare accuracy on public data with other libraries' and published figures (a minute; DATA=FOLDER of more tasks, SEEDS=1,2,3; AGAIN=AutoETS,... measures those anew)
	@.venv-bench/bin/python benchmarks/bench_accuracy.py --seeds "$(SEEDS)" --again "$(AGAIN)" $(if $(DATA),--data "$(DATA)")

bench-classify: .venv-classify/stamp ## classify sequences beside MiniRocket, print and save the table (about 5 minutes)
	@.venv-classify/bin/python benchmarks/bench_classify.py

bench-ablation: .venv-bench/stamp ## fit six public tasks with one choice of the forecaster changed at a time, print and save the table (an hour)
	@OMP_NUM_THREADS=1 .venv-bench/bin/python benchmarks/bench_ablation.py --seeds 3 --suite $(foreach kind,yearly quarterly monthly,monash_m1_$(kind)) monash_m3_yearly monash_m3_quarterly monash_tourism_quarterly

bench-scale: $(VENV)/dev.stamp ## measure what series cost, from a hundred to a million, save the tables and put them into the page (10 minutes)
	@$(BIN)/python benchmarks/bench_scale.py

docs: $(VENV)/dev.stamp ## build the documentation site in build/site: strict, every link checked
	@echo "== documentation"
	@$(BIN)/python -m sphinx -q -W --keep-going docs/zh build/site/zh
	@$(BIN)/python -m sphinx -q -W --keep-going -j $(JOBS) docs build/site

pictures: demo $(VENV)/page.stamp ## draw the pictures that README and the site show again (needs chromium)
	@cp $(DEMO)/forecast.png docs/
	@$(BIN)/python benchmarks/page_picture.py
	@$(BIN)/python benchmarks/pictures.py

clean: ## remove the environment and everything built
	rm -rf $(VENV) .venv-bench .venv-classify build $(DEMO)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("grucast needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "== creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade "pip>=25.1"

$(VENV)/demo.stamp: $(SOURCES) | $(BIN)/python
	@echo "== installing grucast with the extras plot and cli (a minute or two the first time)"
	@$(PIP) --editable '.[plot,cli]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/demo.stamp
	@echo "== installing the tools for development"
	@$(PIP) --group dev
	@touch $@

$(VENV)/fuzz.stamp: $(VENV)/dev.stamp
	@echo "== installing the fuzzer"
	@$(PIP) --group fuzz
	@touch $@

$(VENV)/interop.stamp: $(VENV)/dev.stamp
	@echo "== installing Keras, Flax and TensorBoard"
	@$(PIP) --group interop
	@touch $@

$(VENV)/page.stamp: $(VENV)/dev.stamp
	@echo "== installing what drives a browser"
	@$(PIP) --group page
	@touch $@

$(VENV)/ray.stamp: $(VENV)/dev.stamp
	@echo "== installing Ray"
	@$(PIP) --group ray
	@touch $@

$(VENV)/spark.stamp: $(VENV)/dev.stamp
	@echo "== installing Spark"
	@$(PIP) --group spark
	@touch $@

build/mlflow/stamp: pyproject.toml | $(VENV)/dev.stamp
	@echo "== installing MLflow outside $(VENV)"
	@rm -rf $(@D)
	@$(PIP) --target $(@D) --group mlflow
	@touch $@

build/sktime/stamp: pyproject.toml | $(VENV)/dev.stamp
	@echo "== installing sktime, and a pandas that it takes, outside $(VENV)"
	@rm -rf $(@D)
	@$(PIP) --no-deps --target $(@D) --group sktime
	@touch $@

.venv-classify/stamp: $(SOURCES) | $(BIN)/python
	@echo "== installing grucast and aeon in an environment of their own"
	@$(PYTHON) -m venv .venv-classify
	@.venv-classify/bin/python -m pip install -qq --upgrade "pip>=25.1"
	@.venv-classify/bin/python -m pip install -qq --editable . --group classify
	@touch $@

.venv-bench/stamp: $(SOURCES) | $(BIN)/python
	@echo "== installing grucast and its peers in an environment of their own (a few minutes the first time)"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install -qq --upgrade "pip>=25.1"
	@.venv-bench/bin/python -m pip install -qq --editable '.[cli]' --group bench
	@touch $@
