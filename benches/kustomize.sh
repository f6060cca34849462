#!/usr/bin/env bash
# usage: benches/kustomize.sh [SIZES]
# Builds generated overlays of SIZES resources (default "10 200 1000") with trueup's kustomize crate and
# with `kustomize build` in turn, checks that both print the same bytes, and prints a table in Markdown:
# wall and CPU seconds of the whole process (medians) and peak memory, with the ratios. With 5000 the
# peer takes minutes and runs once.
#
# KUSTOMIZE names the peer (default: kustomize on the path), TRUEUP the command to measure instead of
# the crate's example, {dir} in it standing for the directory: TRUEUP='trueup render {dir}'.
# TRUEUP_CONFORMANCE names the folder with the generator (default: ../shared/conformance).
# Needs python3, and GNU time for the memory.
set -euo pipefail
cd "$(dirname "$0")/.."
generator=${TRUEUP_CONFORMANCE:-../shared/conformance}/kustomize/gen_overlay.py
if [ ! -e "$generator" ]; then
  echo "SKIPPED: no generator at $generator; set TRUEUP_CONFORMANCE" >&2
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "${TRUEUP:-}" ]; then
  cargo build --quiet --release -p trueup-kustomize --features jemalloc --example build
  TRUEUP="$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/build {dir}"
fi
peer="${KUSTOMIZE:-kustomize} build {dir}"
if [ "${PEER:-}" = no ]; then
  peer=
elif ! command -v "${KUSTOMIZE:-kustomize}" >/dev/null; then
  echo "SKIPPED: no kustomize on the path, so its rows are missing" >&2
  peer=
fi

python3 - "$work" "$generator" "$TRUEUP" "$peer" ${1:-10 200 1000} <<'PYTHON'
import filecmp, os, shlex, shutil, statistics, subprocess, sys, time

work, generator, ours, peer, *sizes = sys.argv[1:]
gnu_time = shutil.which("time")


def measure(command, folder, out, runs):
    """Medians of wall and CPU seconds."""
    words = [word.format(dir=folder) for word in shlex.split(command)]
    wall, cpu = [], []
    for _ in range(runs):
        with open(out, "wb") as file:
            start = time.monotonic()
            child = subprocess.Popen(words, stdout=file, stderr=subprocess.PIPE)
            errors = child.stderr.read()
            _, status, usage = os.wait4(child.pid, 0)
            wall.append(time.monotonic() - start)
        if status:
            sys.exit(f"{' '.join(words)} failed:\n{errors.decode()}")
        cpu.append(usage.ru_utime + usage.ru_stime)
    return statistics.median(wall), statistics.median(cpu)


def measure_slow(command, folder, out):
    """Wall and CPU seconds and peak memory of one run, which takes minutes."""
    words = [word.format(dir=folder) for word in shlex.split(command)]
    if not gnu_time:
        return *measure(command, folder, out, 1), float("nan")
    note = os.path.join(work, "slow")
    with open(out, "wb") as file:
        subprocess.run([gnu_time, "-f", "%e %U %S %M", "-o", note, *words], check=True, stdout=file, stderr=subprocess.DEVNULL)
    wall, user, system, peak = map(float, open(note).read().split()[-4:])
    return wall, user + system, peak / 1024


def memory(command, folder):
    # Of a child of GNU time: one of this interpreter would begin with the interpreter's own memory.
    if not gnu_time:
        return float("nan")
    words = [word.format(dir=folder) for word in shlex.split(command)]
    note = os.path.join(work, "memory")
    subprocess.run([gnu_time, "-f", "%M", "-o", note, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return int(open(note).read().split()[-1]) / 1024


print("| resources | | wall ms | CPU ms | peak MiB | faster (wall) | faster (CPU) | memory |")
print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
costs = []
for size in map(int, sizes):
    tree = os.path.join(work, str(size))
    subprocess.run([sys.executable, generator, str(size), tree], check=True, stdout=subprocess.DEVNULL)
    overlay = os.path.join(tree, "overlay")
    mine, theirs = os.path.join(work, "ours"), os.path.join(work, "theirs")
    wall, cpu = measure(ours, overlay, mine, 30 if size <= 200 else 10)
    peak = memory(ours, overlay)
    row = ["1×"] * 3
    if peer:
        if size >= 5000:
            wall_peer, cpu_peer, peak_peer = measure_slow(peer, overlay, theirs)
        else:
            wall_peer, cpu_peer = measure(peer, overlay, theirs, 5)
            peak_peer = memory(peer, overlay)
        if not filecmp.cmp(mine, theirs, shallow=False):
            sys.exit(f"the output for {size} resources differs")
        row = [f"{wall_peer / wall:.0f}×", f"{cpu_peer / cpu:.0f}×", f"{peak / peak_peer:.0%}"]
    costs.append((size, cpu, peak))
    print(f"| {size:,} | trueup | {wall * 1e3:.1f} | {cpu * 1e3:.1f} | {peak:.1f} | {' | '.join(row)} |")
    if peer:
        print(f"| | kustomize | {wall_peer * 1e3:.0f} | {cpu_peer * 1e3:.0f} | {peak_peer:.1f} | | | |", flush=True)
if len(costs) > 1:
    print("\n| from | to | CPU µs for each more | peak KiB for each more |\n| ---: | ---: | ---: | ---: |")
for (few, cpu_few, peak_few), (many, cpu_many, peak_many) in zip(costs, costs[1:]):
    more = many - few
    cpu, peak = (cpu_many - cpu_few) / more * 1e6, (peak_many - peak_few) / more * 1024
    print(f"| {few:,} | {many:,} | {cpu:.1f} | {peak:.1f} |")
load = os.getloadavg()[0]
print(f"\nLoad of the machine at the end: {load:.1f} on {os.cpu_count()} CPUs.{' Both print the same bytes.' if peer else ''}")
PYTHON
