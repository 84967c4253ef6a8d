#!/bin/sh
# Write requirements/*.txt and package-lock.json anew: hashes for every platform, no addresses.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder"
"$folder/bin/pip" install --quiet pip-tools
cd requirements
for name in core dev cluster; do
    CUSTOM_COMPILE_COMMAND="make lock" "$folder/bin/pip-compile" --quiet --generate-hashes --allow-unsafe \
        --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
        --output-file "$name.txt" "$name.in"
done
cd ..
npm install --package-lock-only --ignore-scripts
