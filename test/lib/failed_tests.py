#!/usr/bin/env python3
"""The tests that failed in a suite, by its log: a line for each, with the first line of what it said.

    failed_tests.py LOG

Knows pytest, pg_regress and the isolation tester with their differences, cmocka, TAP, Go, Maven, and what the suites here print
themselves ("FAILED name: why"). A log that names no test is one line: what it said last, best of an error.

SPDX-License-Identifier: PostgreSQL
"""
import os
import re
import sys

WIDTH = 300
NAMED = re.compile(
    r"(?:FAILED|ERROR) +(?P<pytest>\S+::[^\s\[]+(?:\[.*?\](?= - |$))?)(?: - (?P<short>.*))?$"
    r"|test (?P<regress>\S+) +\.\.\. FAILED"
    r"|\[  FAILED  \] (?P<cmocka>[a-z]\w+)$"
    r"|not ok \d+ *-? *(?P<tap>.*)"
    r"| *--- FAIL: (?P<go>\S+)"
    r"|\[ERROR\] +(?P<maven>[A-Z]\w+\.\w+.*)"
    r"|FAILED +(?P<plain>\S[^:]*)(?:: (?P<why>.*))?$")
SECTION = re.compile(r"_{3,} (?:ERROR at \w+ of )?(.+?) _{3,}$")
DIFFERENCE = re.compile(r"diff .*/(\S+)\.out(?: |$)")
AFTERWARDS = re.compile(r" {4,}(\S.*)|#\s+(\S.*)")
DETAILS = re.compile(r"=+ (FAILURES|ERRORS) =+$")
NO_NEWS = re.compile(r"(ok |\d+\.\.\d+$|\d+ passed|make.*(Error|Leaving|Entering)|=+( .* =+)?$|---|\+\+\+)")


def messages(lines):
    """By the name of a test: the first line of its error, where the log has that in another place than the name."""
    found, section, file, running = {}, None, None, None
    for line in lines:
        match = SECTION.match(line)
        if match:
            section, file = match.group(1), None
        elif section and line.startswith("====="):
            section = None
        elif section and line.startswith("E  "):
            found.setdefault(section, line[1:].strip())
        elif section and line.strip() and not NO_NEWS.match(line):
            found.setdefault(section + " ", line.strip())       # unless there is a line with E
        elif DIFFERENCE.match(line):
            file = DIFFERENCE.match(line).group(1)
        elif file and re.match(r"[-+](?![-+]{2} )", line):
            found.setdefault(file, line)
        elif line.startswith("[ RUN      ] "):
            running = line[13:].strip()
        elif running and line.startswith("[  ERROR   ] --- "):
            found.setdefault(running, line[17:].strip())
    return found


def failures(lines):
    """(name, message) of each test that failed, in order."""
    said, found, details = messages(lines), {}, False
    for number, line in enumerate(lines):
        if line.startswith("=====") and line.endswith("====="):
            details = DETAILS.match(line) is not None
        match = NAMED.match(line)
        if not match or details:
            continue
        name = next(match.group(kind) for kind in ("pytest", "regress", "cmocka", "tap", "go", "maven", "plain") if match.group(kind))
        name = name.strip()
        key = name.split("::", 1)[-1].replace("::", ".")
        if key == "whole":      # a file of the old form is one test
            key = os.path.basename(name.split("::")[0])
        after = AFTERWARDS.match(lines[number + 1]) if number + 1 < len(lines) else None
        why = said.get(key) or match.group("short") or match.group("why") or said.get(key + " ")
        if not why and after and (match.group("tap") or match.group("plain") or match.group("go")):
            why = after.group(1) or after.group(2)
        if not found.get(name):
            found[name] = why or ""
    return list(found.items())


def last_words(lines):
    """Of a log that names no test."""
    told = [line.strip() for line in lines if line.strip() and not NO_NEWS.match(line.strip())]
    errors = [line for line in told if re.search(r"\b(error|fatal|cannot|took longer)\b", line, re.I)]
    return (errors or told or ["it says nothing"])[-1]


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        lines = log.read().splitlines()
    for name, why in failures(lines) or [("", last_words(lines))]:
        print((f"{name}: {why}" if name and why else name or why)[:WIDTH])


if __name__ == "__main__":
    main()
