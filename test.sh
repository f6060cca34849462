#!/usr/bin/env bash
# All that has to hold before a change lands: formatting, lints, dependency policy, then every unit,
# property, behaviour, conformance and doc test. The README's test command, and what CI runs.
#
#   ./test.sh          everything that is here to be used
#   ./test.sh --real   builds the real servers and tools first (Go, about ten minutes once)
#
# What is absent (Go, kubectl, the conformance corpora, cargo-deny) is said loudly and left out.
set -euo pipefail
cd "$(dirname "$0")"
export TZ=UTC

say() { printf '\n== %s\n' "$*"; }
absent() { printf '!! absent: %s\n' "$*" >&2; }

if [ "${1:-}" = --real ]; then
  say "real servers and tools"
  KUBEBUILDER_ASSETS=$(tests/servers/build.sh)
  export KUBEBUILDER_ASSETS
  export PATH="$KUBEBUILDER_ASSETS:$PATH"
fi

say "formatting"
cargo fmt --all --check

say "lints"
cargo clippy --workspace --all-targets --quiet -- -D warnings

say "dependencies"
if command -v cargo-deny >/dev/null; then
  cargo deny --log-level error check bans licenses sources
  # The advisories live in a Git repository that a closed network may not reach; a copy that was
  # fetched earlier is better than none.
  if timeout 20 git ls-remote --quiet https://github.com/rustsec/advisory-db HEAD >/dev/null 2>&1; then
    cargo deny --log-level error check advisories
  elif compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/*/crates" >/dev/null; then
    absent "the advisory database is out of reach: advisories are checked against an earlier copy"
    cargo deny --log-level error --offline check advisories
  else
    absent "the advisory database is out of reach: advisories are not checked in this run"
  fi
else
  absent "cargo-deny (cargo install --locked cargo-deny): the dependency policy is not checked"
fi

say "tests"
[ -d "${TRUEUP_CONFORMANCE:-../shared/conformance}" ] || absent "the conformance corpora (TRUEUP_CONFORMANCE)"
[ -n "${KUBEBUILDER_ASSETS:-}" ] || absent "KUBEBUILDER_ASSETS: behaviour is tested on the embedded API server only"
command -v go >/dev/null || absent "go: the differential tests are left out"
command -v kubectl >/dev/null || absent "kubectl: the tests that drive it are left out"
cargo test --workspace --no-fail-fast
