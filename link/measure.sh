#!/usr/bin/env bash
# usage: link/measure.sh
# Writes link/first.ld anew: which functions a rendering calls, as callgrind sees them. Needs valgrind, python3,
# and ../shared/conformance (or TRUEUP_CONFORMANCE) for what is rendered. To be run when the memory in
# benches/kustomize.sh or benches/helm.sh has grown, not with every change: a function that is not in the list,
# or no longer in the program, costs a window of 64 KiB and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
conformance=$(realpath "${TRUEUP_CONFORMANCE:-../shared/conformance}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --quiet --release --bin trueup
trueup=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release/trueup

runs=0
called() {
  runs=$((runs + 1))
  valgrind --quiet --tool=callgrind --demangle=no --callgrind-out-file="$work/$(printf %02d $runs).calls" \
    "$trueup" "$@" >"$work/out" 2>"$work/err" || { cat "$work/err" >&2; exit 1; }
}

for size in 10 200; do
  python3 "$conformance/kustomize/gen_overlay.py" $size "$work/overlay-$size" >/dev/null
  called render "$work/overlay-$size/overlay"
done
for chart in vault jupyterhub airflow argo-cd loki-distributed traefik; do
  called helm template rel "$conformance/helm/charts/$chart" --kube-version 1.33
done
called render "$conformance/estate/hub/installs/cluster_dev"

python3 link/order.py "$trueup" "$work"/*.calls >"$work/first.ld"
cp "$work/first.ld" link/first.ld
