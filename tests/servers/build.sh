#!/usr/bin/env bash
# Builds the real servers and tools that the tests run against, each module once into a cache keyed by
# what goes into it, and prints a folder with all of them (export it as KUBEBUILDER_ASSETS).
#
#   KUBEBUILDER_ASSETS=$(tests/servers/build.sh) cargo test
#
# Helm is built only where it is asked for (`tests/servers/build.sh --with-helm`): benchmarks compare with it.
#
# Needs Go and the Go module proxy. A few minutes on two cores with empty caches; nothing when the
# caches hold the result.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/trueup/servers"
mkdir -p "$cache"
kubernetes=v1.36.3
stamp=k8s.io/component-base/version
scratch=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# build MODULE LDFLAGS: prints the folder that holds the module's commands.
build() {
  cd "$here/$1"
  local key out building command
  key=$( { cat go.mod go.sum cmd/*/main.go $(find stub -type f 2>/dev/null | sort); echo "$2"; go version; } | sha256sum | cut -c1-16)
  out="$cache/$1-$key"
  if [ ! -d "$out" ]; then
    # Built beside and moved, so that an interrupted build never looks like a finished one.
    building="$scratch/$1"
    mkdir -p "$building"
    for command in cmd/*; do
      echo "building $(basename "$command")" >&2
      CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "$2" -o "$building/" "./$command" >&2
    done
    mv -T "$building" "$out" 2>/dev/null || [ -d "$out" ]
  fi
  echo "$out"
}

# tool MODULE PACKAGE LDFLAGS: as build, for a command of another module that ours names as its tool.
tool() {
  cd "$here/$1"
  local key out building
  key=$( { cat go.mod go.sum; echo "$2 $3"; go version; } | sha256sum | cut -c1-16)
  out="$cache/$1-$key"
  if [ ! -d "$out" ]; then
    building="$scratch/$1"
    mkdir -p "$building"
    echo "building $(basename "$2")" >&2
    CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "$3" -o "$building/" "$2" >&2
    mv -T "$building" "$out" 2>/dev/null || [ -d "$out" ]
  fi
  echo "$out"
}

k8s=$(build k8s "-s -w -X $stamp.gitVersion=$kubernetes -X $stamp.gitMajor=1 -X $stamp.gitMinor=36 -X $stamp.gitTreeState=archive")
kustomize=$(build kustomize "-s -w")
kwok=$(build kwok "-s -w")
# Under the Business Source License from 1.15 on: for tests alone, never linked or shipped.
vault=$(build vault "-s -w")

parts=("$k8s" "$kustomize" "$kwok" "$vault")
if [ "${1:-}" = --with-helm ]; then
  parts+=("$(tool helm helm.sh/helm/v3/cmd/helm "-s -w -X helm.sh/helm/v3/internal/version.version=v3.22.0")")
fi

assets="$cache/assets"
for part in "${parts[@]}"; do assets+="-$(basename "$part")"; done
if [ ! -d "$assets" ]; then
  mkdir -p "$scratch/assets"
  for part in "${parts[@]}"; do ln "$part"/* "$scratch/assets/"; done
  mv -T "$scratch/assets" "$assets" 2>/dev/null || [ -d "$assets" ]
fi
echo "$assets"
