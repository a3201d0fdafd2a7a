"""What the lint guards share: files of a tree, a small C scanner, a small SQL scanner, reporting.

Only the standard library, so that a clean clone can run the guards.
"""
import argparse
import os
import re
import sys

SKIPPED_DIRS = {".git", "build", "build-sanitize", "build-fuzz", "selftest", "tmp_check",
                "output_iso", "__pycache__", ".venv", "node_modules", ".icecat", "corpus"}


class Report:
    """Collects violations and turns them into an exit status."""

    def __init__(self, root):
        self.root = root
        self.count = 0

    def add(self, path, line, text):
        """One violation; path may be absolute or relative to the root."""
        shown = os.path.relpath(path, self.root) if os.path.isabs(path) else path
        where = f"{shown}:{line}" if line else shown
        print(f"{where}: {text}")
        self.count += 1

    def finish(self):
        """Ends the guard: 0 without violations, else 1."""
        sys.exit(1 if self.count else 0)


def start(description, extra=None):
    """Parses the arguments every guard has; returns (root, report, arguments)."""
    parser = argparse.ArgumentParser(description=description)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)),
                        help="the tree to look at (default: the one this guard is in)")
    if extra:
        extra(parser)
    arguments = parser.parse_args()
    root = os.path.abspath(arguments.root)
    return root, Report(root), arguments


def files(root, folder, *endings):
    """Sorted paths below root/folder with one of the endings; skips what a build makes."""
    found = []
    for base, dirs, names in os.walk(os.path.join(root, folder)):
        dirs[:] = sorted(d for d in dirs if d not in SKIPPED_DIRS and os.path.join(base, d) != os.path.join(root, "results"))
        found += [os.path.join(base, n) for n in sorted(names) if n.endswith(endings)]
    return found


def read(path):
    """The text of a file."""
    with open(path, encoding="utf-8", errors="replace") as handle:
        return handle.read()


def read_lines_if(path):
    """The lines of a file, or none if there is no such file."""
    return read(path).splitlines() if os.path.exists(path) else []


def line_of(text, offset):
    """The number of the line that an offset is in."""
    return text.count("\n", 0, offset) + 1


# -- C ------------------------------------------------------------------------------------------

C_TOKEN = re.compile(
    r'(?P<comment>/\*.*?\*/|//[^\n]*)'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>'(?:\\.|[^'\\\n])*')", re.S)


def blank(match):
    """Same length and lines, no content."""
    return re.sub(r"[^\n]", " ", match)


def c_code(text, keep_strings=False):
    """The text with comments (and contents of literals) blanked; offsets and lines stay."""
    def replace(match):
        if match.group("comment"):
            return blank(match.group(0))
        if keep_strings:
            return match.group(0)
        return match.group(0)[0] + blank(match.group(0)[1:-1]) + match.group(0)[-1]
    return C_TOKEN.sub(replace, text)


def c_strings(text):
    """(line, content) of each string literal; neighbours are joined as the compiler joins them."""
    found = []
    code_end = -1
    for match in C_TOKEN.finditer(text):
        if not match.group("string"):
            continue
        content = match.group("string")[1:-1].replace('\\"', '"').replace("\\n", "\n")
        between = text[code_end:match.start()] if code_end >= 0 else "x"
        if found and not C_TOKEN.sub("", between).replace("\\\n", "").strip():
            found[-1] = (found[-1][0], found[-1][1] + content)
        else:
            found.append((line_of(text, match.start()), content))
        code_end = match.end()
    return found


def c_includes(text):
    """(line, name) of each #include, with its quotes or brackets."""
    code = c_code(text, keep_strings=True)
    return [(line_of(code, m.start()), m.group(1))
            for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+("[^"\n]+"|<[^>\n]+>)', code, re.M)]


class CFunction:
    """A function definition: name, first and last line, and whether a comment stands above it."""

    def __init__(self, path, name, first, last, commented):
        self.path, self.name, self.first, self.last = path, name, first, last
        self.commented = commented

    @property
    def lines(self):
        """From the first line of the definition to its closing brace."""
        return self.last - self.first + 1


def _without_preprocessor(code):
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: blank(m.group(0)), code, flags=re.M)


def _definition_start(code, brace):
    """Offset where the definition starts whose body opens at brace."""
    start_at = max(code.rfind(";", 0, brace), code.rfind("}", 0, brace)) + 1
    head = code[start_at:brace]
    # macro calls that stand alone, such as PG_FUNCTION_INFO_V1(x) without a semicolon
    alone = list(re.finditer(r"^[A-Z][A-Z0-9_]+\([^()\n]*\)[ \t]*$", head, re.M))
    if alone:
        start_at += alone[-1].end()
        head = code[start_at:brace]
    return start_at + len(head) - len(head.lstrip())


def _has_comment_above(lines, first):
    """True if a comment ends right above line number first."""
    at = first - 2
    while at >= 0 and re.match(r"^\s*([A-Z][A-Z0-9_]+\([^()]*\);?)?\s*$", lines[at]):
        if not lines[at].strip() and at != first - 2 and not lines[at - 1].strip():
            return False
        at -= 1
    return at >= 0 and (lines[at].rstrip().endswith("*/") or lines[at].lstrip().startswith("//"))


def c_functions(path):
    """All function definitions of a C file."""
    text = read(path)
    code = _without_preprocessor(c_code(text))
    lines = text.splitlines()
    found, depth, opened = [], 0, None
    for match in re.finditer(r"[{}]", code):
        if match.group() == "{":
            if depth == 0:
                before = code[:match.start()].rstrip()
                is_function = before.endswith(")") and not before.endswith("=")
                opened = match.start() if is_function else None
            depth += 1
            continue
        depth -= 1
        if depth == 0 and opened is not None:
            start_at = _definition_start(code, opened)
            name = re.search(r"([A-Za-z_]\w*)\s*\(", code[start_at:opened])
            first = line_of(code, start_at)
            found.append(CFunction(path, name.group(1) if name else "?", first,
                                   line_of(code, match.start()), _has_comment_above(lines, first)))
            opened = None
    return found


def c_documented(root, folder):
    """Names of the functions whose declaration in a header stands in a block with a comment."""
    names = set()
    for path in files(root, folder, ".h"):
        for block in re.split(r"\n\s*\n", read(path)):
            if "/*" in block:
                names.update(re.findall(r"(\w+)\s*\(", c_code(block)))
    return names


# -- SQL ----------------------------------------------------------------------------------------

SQL_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<string>'(?:''|[^'])*')"
    r"|(?P<word>\"(?:[^\"]|\"\")+\"(?:\.\"(?:[^\"]|\"\")+\"|\.\w+)*|[A-Za-z_]\w*(?:\s*\.\s*(?:\w+|\*|\"[^\"]+\"))*)"
    r"|(?P<sign>\$\d+|\$\w*\$|[^\s\w])", re.S)


class SqlToken:
    """A word, literal or sign of SQL text with its offset; words keep their qualification."""

    def __init__(self, kind, text, offset):
        self.kind, self.text, self.offset = kind, text, offset
        self.upper = text.upper() if kind == "word" else text


def sql_tokens(text):
    """Tokens without comments; function bodies between $$ are read like the rest."""
    found = []
    for match in SQL_TOKEN.finditer(text):
        if match.lastgroup != "comment":
            word = re.sub(r"\s*\.\s*", ".", match.group()) if match.lastgroup == "word" else match.group()
            found.append(SqlToken(match.lastgroup, word, match.start()))
    return found


def sql_without_comments(text):
    """The text with comments and literals blanked; offsets and lines stay."""
    def replace(match):
        return blank(match.group()) if match.lastgroup in ("comment", "string") else match.group()
    return SQL_TOKEN.sub(replace, text)
