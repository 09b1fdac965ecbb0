#!/bin/sh
# `make bench`: sizes and costs, see docs/performance.md.
set -eu
target=$(rustc -vV | sed -n 's/^host: //p')
make --no-print-directory build
exec cargo run --quiet --release --locked -p veneer-tests --bin bench -- "${CARGO_TARGET_DIR:-target}/$target/release"
