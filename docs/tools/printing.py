"""What the document printers share: the generated mark, tables, psql."""
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def mark(source, command):
    """The line that keeps people from editing a printed file."""
    return f"<!-- Printed from {source} by {command} (make docs). Do not edit. -->\n"


def cell(text):
    """Text as it may stand in a table cell."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def read(path):
    """The text of a file, its path relative to the top of the tree or absolute."""
    with open(os.path.join(TOP, path), encoding="utf-8") as handle:
        return handle.read()


def query(sql):
    """Rows of a query as lists of strings; the database is the one of the PG* environment."""
    output = subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-F", "\x1f", "-R", "\x1e", "-c", sql],
        check=True, capture_output=True, text=True).stdout
    return [row.split("\x1f") for row in output.rstrip("\n").split("\x1e")] if output.strip() else []
