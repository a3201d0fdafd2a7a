"""The list of planted faults: test/mutate/faults.

SPDX-License-Identifier: PostgreSQL
"""
import os
import re
import sys


class Fault:
    """One entry of the list: file, what goes wrong, old text, new text, and the attack that it lets through."""

    def __init__(self, path, title):
        self.path, self.title, self.old, self.new, self.attack = path, title, None, None, None

    def text(self, tree):
        """The file's text with the fault in it. Blanks of the list match any white space."""
        with open(os.path.join(tree, self.path), encoding="utf-8") as file:
            text = file.read()
        found = self.places(text)
        if len(found) != 1:
            sys.exit(f"{self.path}: found {len(found)} times, not once: {self.old}")
        return text[:found[0].start()] + self.new + text[found[0].end():]

    def places(self, text):
        """Where the old text stands."""
        return list(re.finditer(r"\s+".join(re.escape(word) for word in self.old.split()), text))


def read_faults(path):
    """Reads the list; stops at any line that it does not understand."""
    faults = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if line == "" or line.startswith("#"):
                continue
            if line.startswith("@ "):
                faults.append(Fault(*line[2:].split("  ", 1)))
            elif line.startswith("- ") and faults and faults[-1].old is None:
                faults[-1].old = line[2:]
            elif (line + " ").startswith("+ ") and faults and faults[-1].new is None:
                faults[-1].new = line[2:]
            elif line.startswith("! ") and faults and faults[-1].attack is None:
                faults[-1].attack = line[2:]
            else:
                sys.exit(f"{path}:{number}: not understood: {line}")
    for fault in faults:
        if fault.old is None or fault.new is None:
            sys.exit(f"{path}: incomplete: {fault.title}")
    return faults
