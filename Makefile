# The verbs of this repository; CI uses the same ones. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
MIDGE := $(BIN)/midge
EXTRAS := convert,emulate
BOARD ?= nucleo-l4r5zi
DIGITS := examples/digits

NATIVE := CMakeLists.txt $(wildcard runtime/*/CMakeLists.txt runtime/emulators/*.[ch] runtime/kernels/include/midge/*.h \
          runtime/kernels/src/*.[ch] runtime/kernels/arch/*/*.[ch])

.PHONY: help install demo test test-unit check format fuzz bench clean
help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.dependencies: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Midge needs Python 3.10 or newer; name one with PYTHON=python3.11"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make virtual environments: apt install python3-venv"; exit 2; }
	@echo "Installing what Midge needs (TensorFlow is the largest part) ..."
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(VENV)/.installed: $(VENV)/.dependencies $(NATIVE)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[$(EXTRAS)]'
	@touch $@

install: $(VENV)/.installed ## make .venv with everything in it

demo: $(VENV)/.installed ## a trained Keras model to an emulated board: convert, inspect, validate, profile
	@mkdir -p demo
	@rm -rf demo/digits.* demo/firmware
	@echo '$$ midge convert digits.keras -o digits.tflite'
	@$(MIDGE) convert $(DIGITS)/digits.keras -o demo/digits.tflite \
	  --calibration $(DIGITS)/calibration.npz --evaluate $(DIGITS)/test.npz
	@echo; echo '$$ midge inspect digits.tflite --board $(BOARD)'
	@$(MIDGE) inspect demo/digits.tflite --board $(BOARD)
	@echo; echo '$$ midge compile digits.tflite --board $(BOARD) -o firmware --build'
	@$(MIDGE) compile demo/digits.tflite --board $(BOARD) -o demo/firmware --build
	@echo; echo '$$ midge validate digits.tflite --board $(BOARD) --evaluate test.npz'
	@$(MIDGE) validate demo/digits.tflite --board $(BOARD) --evaluate $(DIGITS)/test.npz
	@echo; echo '$$ midge profile digits.tflite --board $(BOARD)'
	@$(MIDGE) profile demo/digits.tflite --board $(BOARD)

test: check ## everything: static checks, then all tests
	$(BIN)/python -m pytest -n 2

test-unit: $(VENV)/.installed ## the tests that take no time
	$(BIN)/python -m pytest -n 2 tests/unit

check: $(VENV)/.installed ## types, lint and format
	$(BIN)/mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/.installed ## put the Python code in its standard form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

fuzz: $(VENV)/.installed ## long: kernels against the oracle, damaged model files (COUNT=5000)
	$(BIN)/python tests/kernels/fuzz.py --count $(or $(COUNT),5000)
	$(BIN)/python tests/fuzz/fuzz_models.py --sanitize --count $(or $(COUNT),5000) tests/models/*.tflite

bench: $(VENV)/.installed ## what the shipped models cost on every emulated board, compared with the record
	$(MIDGE) bench --check tests/benchmark/record.json

clean: ## remove everything that make made
	rm -rf $(VENV) build demo
