"""Comments of C that are wider than a line may be: wraps their paragraphs, and moves a comment that trails a line above it."""
import re

TAB = 4
TRAILING = re.compile(r"^(?P<code>\s*\S.*?)\s*(?P<comment>/\*(?:(?!\*/).)*\*/)$")
ITEM = re.compile(r"(?:[-+]|\d+[.)]) +")


def width(line):
    """Columns that a line takes."""
    return len(line.expandtabs(TAB))


def wrapped(words, first, rest, columns):
    """Lines of words; first and rest stand before the first line and the others."""
    lines, line = [], first
    for word in words:
        if line.strip(" \t") not in ("", "*", "/*") and line != first and line != rest and width(line + " " + word) > columns:
            lines.append(line)
            line = rest
        line += word if line in (first, rest) else " " + word
    return lines + [line]


def ruler(line, columns):
    """A line that ends in a row of dashes, with fewer of them if it is too wide."""
    excess = width(line) - columns
    return re.sub(r"-{%d}( \*/)?$" % excess, r"\1", line) if excess > 0 and re.search(r"-{20,}( \*/)?$", line) else line


def paragraph(lines, columns):
    """(before the text, text) of each line of one paragraph, wrapped if a line of it is too wide."""
    lines = [(before, ruler(before + text, columns)[len(before):]) for before, text in lines]
    if all(width(before + text) <= columns for before, text in lines):
        return [before + text for before, text in lines]
    first, rest = lines[0][0], lines[1][0] if len(lines) > 1 else None
    if rest is None:
        rest = first.replace("/*", " *")
        item = ITEM.match(lines[0][1])
        rest += " " * len(item[0]) if item else ""
    words = " ".join(text for _, text in lines).replace(" */", "\0*/").split()
    return wrapped([word.replace("\0", " ") for word in words], first, rest, columns)


def block(lines, columns):
    """A comment of whole lines, with its paragraphs wrapped."""
    output, group = [], []

    def end():
        if group:
            output.extend(paragraph(group, columns))
            group.clear()

    for line in lines:
        match = re.match(r"(\s*(?:/\*|\*(?!/))\s*)(.*)$", line)
        before, text = (match[1], match[2]) if match else (line, "")
        aligned = re.search(r"\S(?:\t|  +)\S", text)
        if not text or aligned:
            end()
            output.append(line)
            continue
        if len(group) == 1 and ITEM.match(group[0][1]):
            goes_on = not ITEM.match(text) and width(before) > width(group[0][0])
        else:
            goes_on = group and not ITEM.match(text) and width(before) == width(group[-1][0])
        if not goes_on:
            end()
        group.append((before, text))
    end()
    return output


def narrowed(lines, columns):
    """The lines of a file, with every comment that can be within the columns."""
    output, at = [], 0
    while at < len(lines):
        line = lines[at]
        if not line.lstrip().startswith("/*"):
            trailing = TRAILING.match(line) if width(line) > columns and not line.endswith("\\") else None
            if trailing and not trailing["code"].lstrip().startswith(("#if", "#el", "#end", "}")):
                indent = re.match(r"\s*", line)[0]
                output += block([indent + trailing["comment"]], columns) + [trailing["code"]]
            else:
                output.append(line)
            at += 1
            continue
        end = at
        while "*/" not in lines[end]:
            end += 1
        output += block(lines[at:end + 1], columns) if lines[end].rstrip().endswith("*/") else lines[at:end + 1]
        at = end + 1
    return output
