"""usage: order.py PROGRAM CALLS... — a linker script that puts first what callgrind saw being called.

PROGRAM has its symbols; CALLS are files of callgrind, of which the functions that all call come first.
Names are written as patterns, without the hashes that differ from one compiler or lock file to the next.
"""

import re
import subprocess
import sys

HEAD = """/* The functions that a rendering calls, side by side at the front of the program: made by link/measure.sh,
 * passed to the linker by build.rs, the reason is in docs/decisions/0016-what-runs-lies-together.md. */
SECTIONS {
  .text.first : {"""
CRATE_HASH = re.compile(r"Cs[0-9A-Za-z]+_(?=\d)")
# Functions that are marked as cold lie in sections of another name, which the table of symbols does not tell.
COLD = re.compile(r"grow_|do_reserve|init|drop_slow|4Once4call|dying_next|_long|insertion_sort|spec_from_iter|Error|detect")
SUFFIX = re.compile(r"\.[a-z]+\..*$")


def called(path):
    with open(path, errors="replace") as lines:
        found = (re.match(r"c?fn=\(\d+\) (\S+)", line) for line in lines)
        return {match[1] for match in found if match}


def symbols(program):
    listed = subprocess.run(["nm", "--defined-only", program], check=True, capture_output=True, text=True)
    found = (line.split() for line in listed.stdout.splitlines())
    return {words[2] for words in found if len(words) == 3 and words[1] in "tTwW"}


def pattern(name):
    return CRATE_HASH.sub("Cs*_", SUFFIX.sub("*", name))


def main(program, *files):
    ours = symbols(program)
    runs = [called(file) & ours for file in files]
    groups = [set.intersection(*runs)]
    for run in runs:
        groups.append(run - set().union(*groups))
    print(HEAD)
    seen = set()
    for group in groups:
        new = {pattern(name) for name in group} - seen
        seen |= new
        for one in sorted(new):
            cold = f" .text.unlikely.{one}" if COLD.search(one) else ""
            print(f"    *(.text.{one}{cold})")
    print("  }\n} INSERT BEFORE .text;")


main(*sys.argv[1:])
