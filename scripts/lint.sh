#!/usr/bin/env bash
# The checks that need no running portal: format, lint, strict types, migrations equal models, security lint.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '%s\n' "== $*"; }

step "format"
.venv/bin/ruff format --check .
step "lint"
.venv/bin/ruff check .
step "types"
.venv/bin/mypy
step "migrations equal models"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(
    export DATABASE_URL="sqlite:///$scratch/portal.sqlite" SECRET_KEY=only-for-this-check-only-for-this-check
    export PUBLIC_APP_URL=http://127.0.0.1:5000
    .venv/bin/flask db upgrade >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
    .venv/bin/flask db check
)
step "routes equal the signed scope"
SECRET_KEY=only-for-this-check-only-for-this-check DATABASE_URL="sqlite:///$scratch/none.sqlite" \
    PUBLIC_APP_URL=http://127.0.0.1:5000 .venv/bin/flask scope check
step "security lint"
.venv/bin/bandit --quiet --recursive portal blueprints jobs commands wsgi.py
