# The commands of this project. Each target first installs what it lacks; see scripts/ensure.sh.
.DEFAULT_GOAL := help
.PHONY: help run test check lint bench lock fmt

PY := .venv/bin/python

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

# setpriv: the runner stops too when make itself is killed.
run: ## the portal with its demo on http://127.0.0.1:5000 (PORT, HOST)
	@scripts/ensure.sh run
	@exec setpriv --pdeathsig TERM $(PY) -m standins

# Four at once on two cores: many tests wait for processes, leases and browsers.
test: ## the whole test suite; a skipped test is a failure
	@scripts/ensure.sh test
	@exec $(PY) -m pytest -n 4 $(ARGS)

lint: ## format, lint, strict types, migrations, security lint
	@scripts/ensure.sh test
	@scripts/lint.sh

check: lint test ## lint, then test

bench: ## the benchmarks, as ratios; writes var/bench.json
	@scripts/ensure.sh test
	@exec $(PY) -m bench $(ARGS)

lock: ## requirements*.in -> requirements*.txt with hashes
	@scripts/ensure.sh test
	@scripts/lock.sh

fmt: ## format the code and apply the safe lint fixes
	@scripts/ensure.sh test
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format .
