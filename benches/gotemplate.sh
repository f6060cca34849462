#!/usr/bin/env bash
# Times compiling and rendering of a chart's kind of template: our engine, then Go's text/template.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/crates/gotemplate/benches/render
cargo bench -p trueup-gotemplate --bench render -- --min-time 3
(cd tests/go/template && go run . bench "$folder/deployment.tpl" "$folder/data.json")
