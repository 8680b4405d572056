"""The part of docs/benchmarks.md that compare.py writes: sections, each below a heading of its own, and the table of bars."""

HEADING = "### "


def sections(text):
    """{title: lines below it}, in the order of the document."""
    found, title = {}, None
    for line in text.splitlines():
        if line.startswith(HEADING):
            title = line[len(HEADING):]
            found[title] = []
        elif title:
            found[title].append(line)
    return found


def merged(before, now, titles, bars="Bars"):
    """`now` with what `before` has of the sections and bars that were not measured this time; `titles` gives the order."""
    old, new = sections(before), sections(now)
    lines = []
    for title in (bars, *titles):
        below = _rows_merged(old[title], new[title]) if title == bars and title in old and title in new else new.get(title, old.get(title))
        if below is not None:
            lines += [HEADING + title, *below, ""]
    return "\n".join(_without_doubled_blanks(lines)).strip()


def _rows_merged(old, new):
    """Rows of a table are told apart by their first cell."""
    key = lambda line: line.split("|")[1].strip()
    rows = {key(line): line for line in old if line.startswith("|")} | {key(line): line for line in new if line.startswith("|")}
    return ["", *rows.values(), ""]


def _without_doubled_blanks(lines):
    return [line for number, line in enumerate(lines) if line or number == 0 or lines[number - 1]]
