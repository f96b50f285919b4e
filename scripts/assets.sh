#!/usr/bin/env bash
# Puts the third-party scripts that pages load into static/vendor, from the wheels of requirements-assets.txt.
# usage: scripts/assets.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:?usage: scripts/assets.sh PYTHON}
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT

"$python" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes \
    --target "$wheels" -r requirements-assets.txt
mkdir -p static/vendor
# Copied beside its place and then moved, so that no page ever gets half a file.
cp "$wheels/django_htmx/static/django_htmx/htmx-2.min.js" static/vendor/htmx.min.js.new
mv static/vendor/htmx.min.js.new static/vendor/htmx.min.js
