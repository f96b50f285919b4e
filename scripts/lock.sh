#!/usr/bin/env bash
# Writes requirements*.txt, with hashes, from requirements*.in. Pass uv's own options to upgrade:
#   scripts/lock.sh --upgrade            scripts/lock.sh --upgrade-package flask
set -euo pipefail
cd "$(dirname "$0")/.."

command -v .venv/bin/uv >/dev/null || .venv/bin/python -m pip install -qq --disable-pip-version-check uv

compile() { # NAME OPTION...
    local name=$1
    shift
    .venv/bin/uv pip compile --quiet --python .venv/bin/python --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header "$@" "$name.in" -o "$name.txt"
}

compile requirements "$@"
compile requirements-e5 -c requirements.txt "$@"
compile requirements-dev -c requirements.txt "$@"
compile requirements-assets --no-deps "$@"
compile requirements-spec --no-deps "$@"
