#!/usr/bin/env python3
"""make bench-readme: puts the tables that `make bench` has left into the README, between two marks. Nobody types numbers.

usage: readme.py BENCH.md README.md
"""
import importlib
import sys

BEGIN, END = "<!-- make bench-readme writes from here … -->\n", "<!-- … to here -->\n"
BUSY = "**The machine was busy"
# Where a step goes is for who works on the code.
SECTIONS = ["nets", "further", "memory", "data", "portable", "jobs", "service"]


def title(name):
    return importlib.import_module("section_" + name).TITLE


def split(page):
    """The note before the first heading, and the text below each heading."""
    note, *parts = page.split("### ")
    return note, dict(part.split("\n", 1) for part in parts)


def chosen(page):
    note, sections = split(page)
    if note.startswith(BUSY):
        sys.exit("The machine was busy when build/bench.md was made: such numbers are none to quote.")
    missing = [name for name in SECTIONS if title(name) not in sections]
    if missing:
        sys.exit("build/bench.md has no " + ", ".join(missing) + ": run `make bench` without SECTIONS.")
    nets = sections[title("nets")]
    if "this build refuses" not in nets and any("n/a" in line for line in nets.splitlines() if line.startswith("|")):
        sys.exit("build/bench.md has cells that were not measured: run `make bench` once more.")
    yield note.strip() + "\n"
    for name in SECTIONS:
        yield "### %s\n\n%s\n" % (title(name), sections[title(name)].strip())


def placed(readme, text):
    if readme.count(BEGIN) != 1 or END not in readme.split(BEGIN)[1]:
        sys.exit("The README has not both marks: %s%s" % (BEGIN, END))
    before, rest = readme.split(BEGIN)
    return before + BEGIN + "\n" + text + "\n" + END + rest.split(END, 1)[1]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            page = file.read()
    except FileNotFoundError:
        sys.exit("There is no %s: run `make bench` first." % sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        readme = file.read()
    made = placed(readme, "\n".join(chosen(page)))
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(made)


if __name__ == "__main__":
    main()
