#!/usr/bin/env bash
# usage: benches/yaml.sh
# Reads and prints a generated 10 MB stream of Kubernetes objects with trueup's YAML crate, yaml_serde
# and Go's packages in one run, and prints a table in Markdown: CPU time of one thread (Go: of the
# process, its collector included), best of several rounds. Needs Go for its rows and says so if absent.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo bench --quiet -p trueup-yaml --bench yaml -- --json "$work/stream.yaml" >"$work/rows"
head -n 1 "$work/rows"
if command -v go >/dev/null; then
  (cd tests/go/yaml && go build -mod=readonly -o "$work/goyaml" .)
  "$work/goyaml" bench "$work/stream.yaml" >>"$work/rows"
else
  echo "SKIPPED: no Go on the path, so its rows are missing" >&2
fi

echo
echo "| operation | ms CPU | MB/s | allocations |"
echo "| --- | ---: | ---: | ---: |"
# The rows are flat JSON objects of our own making.
sed -n 's/^{\(.*\)}$/\1/p' "$work/rows" | awk -F, '{
  name = ""; seconds = 0; bytes = 0; allocations = "";
  for (i = 1; i <= NF; i++) {
    split($i, pair, ":"); gsub(/"/, "", pair[1]); gsub(/"/, "", pair[2]);
    if (pair[1] == "name") name = pair[2];
    if (pair[1] == "seconds") seconds = pair[2];
    if (pair[1] == "bytes") bytes = pair[2];
    if (pair[1] == "allocations") allocations = pair[2];
  }
  printf "| %s | %.1f | %.0f | %s |\n", name, seconds * 1000, bytes / seconds / 1e6, allocations;
}'
