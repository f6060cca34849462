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

# 200 releases: the real program renders them as 200 phases of one environment, the example by itself.
releases=${RELEASES:-200}
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
if [ -n "${TRUEUP:-}" ]; then
  trueup=$(realpath "$trueup")
  mkdir "$folder/environments" && cp -r "$charts/vault" "$folder/vault"
  {
    echo "{apiVersion: trueup.dev/v1, kind: Environment, metadata: {name: many}, spec: {cluster: {embedded: {}}, phases: ["
    for n in $(seq "$releases"); do
      echo "{name: rel-$n, helm: {chart: vault, release: rel-$n, namespace: ns-$n, kubeVersion: '1.33'}, dependsOn: []},"
    done
    echo "]}}"
  } >"$folder/environments/many.yaml"
  ours=("$trueup" render many)
else
  ours=("$trueup" releases "$releases" "$charts/vault" --kube-version 1.33)
fi
timed() { (cd "$folder" && /usr/bin/time -f '%e %U %S' -o "$folder/time" "$@" >/dev/null 2>"$folder/said" || { cat "$folder/said" >&2; exit 1; }) && cat "$folder/time"; }
# shellcheck disable=SC2016
theirs=$(timed bash -c 'for n in $(seq "$1"); do "$2" template "rel-$n" "$3" --namespace "ns-$n" --kube-version 1.33; done' _ \
  "$releases" "$(realpath "$helm")" "$(realpath "$charts/vault")")
ours=$(timed "${ours[@]}")
echo "$theirs $ours" | awk -v n="$releases" '{
  printf "\n%d releases of vault: helm, a process each: %.2f s wall, %.2f s CPU; trueup, one process: %.2f s wall, %.2f s CPU: ", n, $1, $2+$3, $4, $5+$6;
  printf "%.0f times faster, %.0f times less CPU\n", $1/$4, ($2+$3)/($5+$6);
}'
