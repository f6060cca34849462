#!/usr/bin/env bash
# usage: benches/helm.sh [CHARTS]
# Renders charts with `helm template` 3.22 and `trueup helm template`, whole process, by turns, and
# prints a table in Markdown: median wall and CPU time and the most memory (`benches/measure.py`), then 200 releases
# of one chart: 200 processes of helm against one of trueup. CHARTS is the folder that holds the charts; by default that of the
# conformance corpus. Needs Go (to build helm, once), Python and GNU time.
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
export HELM_NO_PLUGINS=1 KUBECONFIG=/dev/null TZ=UTC

echo "| chart | helm wall ms | trueup wall ms | faster (wall) | helm CPU ms | trueup CPU ms | faster (CPU) | helm MiB | trueup MiB | memory |"
echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
for chart in vault jupyterhub airflow argo-cd loki-distributed traefik; do
  [ -d "$charts/$chart" ] || continue
  benches/measure.py "$rounds" "$helm" template rel "$charts/$chart" --kube-version 1.33 \
    -- "$trueup" helm template rel "$charts/$chart" --kube-version 1.33 | tr '\n' ' ' |
    awk -v chart="$chart" '{
      printf "| %s | %.1f | %.1f | %.1f× | %.1f | %.1f | %.1f× | %.0f | %.0f | %.0f %% |\n",
        chart, $1, $4, $1/$4, $2, $5, $2/$5, $3, $6, 100*$6/$3;
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
