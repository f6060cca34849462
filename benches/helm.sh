#!/usr/bin/env bash
# usage: benches/helm.sh [CHARTS]
# Renders charts with `helm template` 3.22 and `trueup helm template`, whole process, by turns, and
# prints a table in Markdown: median wall time and the most memory, then 200 releases of one chart: 200
# processes of helm against one of trueup. CHARTS is the folder that holds the charts; by default that of the
# conformance corpus. Needs Go (to build helm, once) and GNU time.
set -euo pipefail
cd "$(dirname "$0")/.."
charts=${1:-${TRUEUP_CONFORMANCE:-../shared/conformance}/helm/charts}
rounds=${ROUNDS:-7}
[ -d "$charts" ] || { echo "no charts in $charts: name their folder" >&2; exit 1; }
helm=$(tests/servers/build.sh --with-helm)/helm
trueup=${TRUEUP:-}
if [ -z "$trueup" ]; then
  cargo build --quiet --release -p trueup-helm --example template
  trueup="${CARGO_TARGET_DIR:-target}/release/examples/template"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HELM_NO_PLUGINS=1 KUBECONFIG=/dev/null TZ=UTC

# measure FILE COMMAND…: appends seconds and KiB of one run.
measure() {
  local file=$1
  shift
  /usr/bin/time -f '%e %M' -o "$work/one" "$@" >"$work/out"
  tail -n 1 "$work/one" >>"$file"
}

# median FILE COLUMN
median() { awk -v c="$2" '{print $c}' "$1" | sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }

echo "| chart | helm ms | trueup ms | times faster | helm MiB | trueup MiB |"
echo "| --- | ---: | ---: | ---: | ---: | ---: |"
for chart in vault jupyterhub airflow argo-cd loki-distributed traefik; do
  [ -d "$charts/$chart" ] || continue
  rm -f "$work"/*.rows
  for _ in $(seq "$rounds"); do
    measure "$work/helm.rows" "$helm" template rel "$charts/$chart" --kube-version 1.33
    measure "$work/trueup.rows" "$trueup" helm template rel "$charts/$chart" --kube-version 1.33
  done
  awk -v chart="$chart" -v hs="$(median "$work/helm.rows" 1)" -v hm="$(median "$work/helm.rows" 2)" \
    -v ts="$(median "$work/trueup.rows" 1)" -v tm="$(median "$work/trueup.rows" 2)" 'BEGIN {
    if (ts == 0) ts = 0.005;
    printf "| %s | %.0f | %.0f | %.1f | %.0f | %.0f |\n", chart, hs*1000, ts*1000, hs/ts, hm/1024, tm/1024;
  }'
done

start=$(date +%s.%N)
for n in $(seq 200); do "$helm" template "rel-$n" "$charts/vault" --kube-version 1.33 >/dev/null; done
middle=$(date +%s.%N)
"$trueup" releases 200 "$charts/vault" >/dev/null
end=$(date +%s.%N)
awk -v a="$start" -v b="$middle" -v c="$end" 'BEGIN {
  printf "\n200 releases of vault: %.2f s in 200 processes of helm, %.2f s in one of trueup: %.0f times faster\n", b-a, c-b, (b-a)/(c-b);
}'
