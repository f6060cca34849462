#!/usr/bin/env python3
"""usage: benches/measure.py ROUNDS COMMAND… [-- COMMAND…]…

Runs the commands by turns, ROUNDS times each, and prints a line for each: median wall ms, median CPU ms (user and system,
as the kernel counts them, not in steps of 10 ms) and MiB resident at the most, separated by spaces. A command that fails
ends it. Memory is that of one more run, which GNU time starts: the kernel counts what starts a process as its own until it
is another program, and Python is larger than what is measured.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time


def run(command):
    """Wall and CPU ms of one run; its output is thrown away."""
    # Not `fork`: what Python's own pages cost to copy would be counted as the command's.
    start = time.perf_counter()
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=silent)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{' '.join(command)}: status {status}")
    cpu = usage.ru_utime + usage.ru_stime
    return wall * 1e3, cpu * 1e3


def memory(command):
    """MiB of one run."""
    with tempfile.NamedTemporaryFile("r") as told:
        time_it = ["/usr/bin/time", "-f", "%M", "-o", told.name, *command]
        subprocess.run(time_it, stdout=subprocess.DEVNULL, check=True)
        return int(told.read().split()[-1]) / 1024


def main():
    rounds, words = int(sys.argv[1]), sys.argv[2:]
    commands = [[]]
    for word in words:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    rows = [[] for _ in commands]
    for _ in range(rounds):
        for row, command in zip(rows, commands):
            row.append(run(command))
    for row, command in zip(rows, commands):
        wall, cpu = (statistics.median(column) for column in zip(*row))
        print(f"{wall:.2f} {cpu:.2f} {memory(command):.1f}")


main()
