"""Tables and figures as Markdown."""


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def ratio(quartiles, digits=3):
    """1.043 (1.039 to 1.046); fewer digits above 2."""
    if not quartiles:
        return "-"
    return spread(quartiles, digits if quartiles["median"] < 2 else 1)


def spread(quartiles, digits=1, unit=""):
    if not quartiles:
        return "-"
    low, median, high = (f"{quartiles[name]:,.{digits}f}" for name in ("low", "median", "high"))
    return f"{median}{unit} ({low} to {high})" if low != high else f"{median}{unit}"
