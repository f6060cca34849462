#!/usr/bin/env bash
# Builds the real servers that the behaviour tests run against, once, into a cache keyed by what
# goes into them, and prints the folder (export it as KUBEBUILDER_ASSETS).
#
#   KUBEBUILDER_ASSETS=$(tests/servers/build.sh) cargo test
#
# Needs Go and the Go module proxy. About three minutes on two cores with empty caches; nothing
# when the cache holds the result.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=v1.36.3
stamp=k8s.io/component-base/version
ldflags="-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=36 -X $stamp.gitTreeState=archive"

cd "$here/k8s"
key=$( { cat go.mod go.sum cmd/*/main.go; echo "$ldflags"; go version; } | sha256sum | cut -c1-16)
out="${XDG_CACHE_HOME:-$HOME/.cache}/trueup/servers/$key"
if [ ! -d "$out" ]; then
  mkdir -p "$(dirname "$out")"
  # Built beside and moved, so that an interrupted build never looks like a finished one.
  building=$(mktemp -d "$out.XXXXXX")
  trap 'rm -rf "$building"' EXIT
  for command in cmd/*; do
    name=$(basename "$command")
    echo "building $name $version" >&2
    CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "$ldflags" -o "$building/$name" "./$command" >&2
  done
  chmod 755 "$building"
  mv -T "$building" "$out" 2>/dev/null || [ -d "$out" ]
fi
echo "$out"
