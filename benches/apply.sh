#!/usr/bin/env bash
# usage: KUBEBUILDER_ASSETS=$(tests/servers/build.sh) benches/apply.sh [COUNT...]
# Applies generated overlays of 200, 1,000 and 5,000 objects to a real kube-apiserver, in one run with
# kubectl, with a bare loop of concurrent server-side applies (what the server itself needs) and with
# trueup, each on a server of its own: first all objects, then the same once more. Prints a table in
# Markdown: seconds by the clock, from the start of the process to its end, and the peak memory of the
# process. trueup's time includes rendering; the other two read what kustomize rendered before.
# At 5,000 objects kustomize takes minutes to render: RENDER=trueup has trueup do it, which prints the same.
# TOOLS="bare trueup" leaves kubectl out (5,000 objects take it five minutes); SERVER=embedded measures on the
# embedded server instead. Needs kubectl, python3 and the conformance corpora (TRUEUP_CONFORMANCE, or beside the
# repository); on the embedded server kustomize alone from the assets.
set -euo pipefail
cd "$(dirname "$0")/.."
assets=${KUBEBUILDER_ASSETS:?set it to what tests/servers/build.sh prints}
generate=${TRUEUP_CONFORMANCE:-../shared/conformance}/kustomize/gen_overlay.py
target=${CARGO_TARGET_DIR:-target}/release
counts=("${@:-200}")
[ $# -gt 0 ] || counts=(200 1000 5000)
tools=${TOOLS:-bare kubectl trueup}
where=${SERVER:-real}
if [ -z "${NO_BUILD:-}" ]; then
  cargo build --release --quiet --bin trueup --example bare_apply
  [ "$where" = real ] || cargo build --release --quiet -p trueup-embedded --example serve
fi
unset HTTP_PROXY HTTPS_PROXY http_proxy https_proxy

work=$(mktemp -d)
server=()
stop_server() {
  for pid in "${server[@]}"; do kill -9 "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done
  server=()
}
trap 'stop_server; rm -rf "$work"' EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_server FOLDER: an etcd and a kube-apiserver with nothing in them; their kubeconfig is FOLDER/kubeconfig.
start_server() {
  local client peer port
  client=$(free_port) peer=$(free_port) port=$(free_port)
  mkdir -p "$1"
  export KUBECONFIG=$1/kubeconfig
  if [ "$where" = embedded ]; then
    "$target/examples/serve" --bare >"$KUBECONFIG" 2>"$1/server.log" &
    server+=($!)
    until kubectl get --raw /version >/dev/null 2>&1; do sleep 0.1; done
    kubectl config rename-context "$(kubectl config current-context)" bench >/dev/null
    kubectl create namespace perf >/dev/null
    return
  fi
  "$assets/etcd" --unsafe-no-fsync --data-dir="$1/etcd" --listen-client-urls="http://127.0.0.1:$client" \
    --advertise-client-urls="http://127.0.0.1:$client" --listen-peer-urls="http://127.0.0.1:$peer" \
    >"$1/etcd.log" 2>&1 &
  server+=($!)
  openssl genrsa -out "$1/account.key" 2048 2>/dev/null
  openssl rsa -in "$1/account.key" -pubout -out "$1/account.pub" 2>/dev/null
  echo 'bench-admin,admin,1,"system:masters"' >"$1/tokens.csv"
  "$assets/kube-apiserver" --etcd-servers="http://127.0.0.1:$client" --bind-address=127.0.0.1 \
    --advertise-address=127.0.0.1 --secure-port="$port" --cert-dir="$1/certificates" \
    --token-auth-file="$1/tokens.csv" --service-account-issuer=https://kubernetes.default.svc \
    --service-account-signing-key-file="$1/account.key" --service-account-key-file="$1/account.pub" \
    --service-cluster-ip-range=10.0.0.0/16 --authorization-mode=RBAC --endpoint-reconciler-type=none \
    >"$1/apiserver.log" 2>&1 &
  server+=($!)
  cat >"$1/kubeconfig" <<CONFIG
apiVersion: v1
kind: Config
current-context: bench
clusters: [{name: bench, cluster: {server: "https://127.0.0.1:$port", certificate-authority: "$1/certificates/apiserver.crt"}}]
users: [{name: bench, user: {token: bench-admin}}]
contexts: [{name: bench, context: {cluster: bench, user: bench}}]
CONFIG
  until kubectl get --raw /readyz >/dev/null 2>&1; do sleep 0.3; done
  until kubectl create namespace perf >/dev/null 2>&1; do sleep 0.3; done
  sleep 2
}

# measure NAME COMMAND...: prints `NAME SECONDS PEAK_MB`, and the command's own words where it fails.
measure() {
  python3 - "$@" <<'PY'
import os, subprocess, sys, time
name, command = sys.argv[1], sys.argv[2:]
started = time.monotonic()
with open(os.environ["LOG"], "w") as log:
    child = subprocess.Popen(command, stdout=log, stderr=log)
    _, status, usage = os.wait4(child.pid, 0)
seconds = time.monotonic() - started
if status:
    sys.exit(f"{name}: {' '.join(command)} failed:\n{open(os.environ['LOG']).read()[-2000:]}")
print(f"{name} {seconds:.3f} {usage.ru_maxrss / 1024:.0f}")
PY
}

version=embedded
[ "$where" = embedded ] || version=$("$assets/kube-apiserver" --version)
echo "$(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg) before the run, $version"
echo
echo "| objects | tool | first s | first peak MB | again s | again peak MB |"
echo "| ---: | --- | ---: | ---: | ---: | ---: |"
for count in "${counts[@]}"; do
  repository=$work/$count
  python3 "$generate" "$count" "$repository" >/dev/null
  if [ "${RENDER:-}" = trueup ]; then
    "$target/trueup" render "$repository/overlay" >"$work/$count.yaml"
  else
    "$assets/kustomize" build "$repository/overlay" >"$work/$count.yaml"
  fi
  mkdir -p "$repository/environments"
  cat >"$repository/environments/bench.yaml" <<ENVIRONMENT
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: bench}
spec:
  cluster: {kubeconfig: {context: bench}}
  phases:
    - name: all
      kustomize: {path: overlay}
      wait: false
ENVIRONMENT
  git -C "$repository" init --quiet
  git -C "$repository" add -A
  git -C "$repository" -c user.name=bench -c user.email=bench@example.com commit --quiet -m bench
  for tool in $tools; do
    case $tool in
      bare) command=("$target/examples/bare_apply" "$work/$count.yaml" "${WORKERS:-32}") ;;
      kubectl) command=(kubectl apply --server-side -f "$work/$count.yaml") ;;
      trueup) command=("$target/trueup" -C "$repository" reconcile bench --once) ;;
    esac
    start_server "$work/server-$tool-$count"
    export LOG=$work/log
    first=$(measure "$tool" "${command[@]}")
    again=$(measure "$tool" "${command[@]}")
    [ -z "${KEEP_LOG:-}" ] || cp "$work/log" "$KEEP_LOG-$tool-$count"
    stop_server
    rm -rf "$work/server-$tool-$count"
    read -r _ first_seconds first_memory <<<"$first"
    read -r _ again_seconds again_memory <<<"$again"
    echo "| $count | $tool | $first_seconds | $first_memory | $again_seconds | $again_memory |"
  done
done
