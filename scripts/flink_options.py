#!/usr/bin/env python3
"""Makes analyzer/flink/lint/options.tsv, the options that wrackline lint knows.

    scripts/flink_options.py OPTIONS JARS > analyzer/flink/lint/options.tsv

OPTIONS: a folder of options-VERSION.json, what Flink's own option classes about memory say of
themselves by reflection. JARS: a folder VERSION/*.jar of Flink's artifacts (flink-core,
flink-runtime, flink-streaming-java, flink-statebackend-*, flink-kubernetes): every string constant
of their *Options classes that has the form of a key. Of those only the name is known.

Columns, divided by tabs: key, type ("-" unknown), first and last release line, D if the option is
deprecated itself, default, deprecated names (spaces between). A key has several rows when something
of it changed.
"""
import glob
import json
import os
import re
import struct
import sys
import zipfile

NAMESPACES = set(
    "akka blob classloader cluster containerized env execution heartbeat high-availability "
    "historyserver io jobmanager jobstore kubernetes metrics parallelism pekko pipeline "
    "queryable-state resourcemanager rest restart-strategy slot slotmanager state task "
    "taskmanager web".split()
)
KEY = re.compile(r"^[a-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+$")
OPTIONS_CLASS = re.compile(r"org/apache/flink/.*Options(Internal)?\.class$")
# Artifacts that were looked at in one release only: their keys count for every release.
EVERY_RELEASE = re.compile(r"flink-(kubernetes|clients|statebackend-forst)")
# Read by the start scripts before an option class named them.
SCRIPTS_KEYS = {"env.java.home", "env.pid.dir", "env.hbase.conf.dir"}


def line_of(version):
    return tuple(int(part) for part in version.split(".")[:2])


def string_constants(data):
    """The CONSTANT_String entries of a class file (JVMS 4.4)."""
    sizes = {3: 4, 4: 4, 5: 8, 6: 8, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 17: 4, 18: 4}
    count = struct.unpack(">H", data[8:10])[0]
    at, index, texts, strings = 10, 1, {}, []
    while index < count:
        tag = data[at]
        at += 1
        if tag == 1:
            length = struct.unpack(">H", data[at : at + 2])[0]
            texts[index] = data[at + 2 : at + 2 + length].decode("utf-8", "replace")
            at += 2 + length
        elif tag == 8:
            strings.append(struct.unpack(">H", data[at : at + 2])[0])
            at += 2
        else:
            at += sizes.get(tag, 2)
            index += tag in (5, 6)  # longs and doubles take two entries
        index += 1
    return {texts[i] for i in strings}


def read_options(folder):
    """key -> {line: (type, deprecated, default, names)}; and the names of other keys."""
    options = {}
    for path in glob.glob(folder + "/options-*.json"):
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        line = line_of(content["flink_version"])
        for option in content["options"]:
            row = (
                option["type"],
                "D" if option["deprecated_option"] else "",
                "" if option["default"] is None else str(option["default"]),
                " ".join(sorted(option["deprecated_keys"])),
            )
            options.setdefault(option["key"], {}).setdefault(line, row)
    return options


def read_jars(folder):
    """key -> lines."""
    keys = {}
    lines = {line_of(os.path.basename(path)) for path in glob.glob(folder + "/*")}
    for path in glob.glob(folder + "/*/*.jar"):
        line = line_of(os.path.basename(os.path.dirname(path)))
        found = lines if EVERY_RELEASE.match(os.path.basename(path)) else {line}
        with zipfile.ZipFile(path) as jar:
            for name in jar.namelist():
                if not OPTIONS_CLASS.match(name) or "shaded" in name:
                    continue
                for text in string_constants(jar.read(name)):
                    if KEY.match(text) and text.split(".")[0] in NAMESPACES:
                        since = lines if text in SCRIPTS_KEYS else found
                        if ".forst." in text:
                            since = {known for known in found if known >= (2, 0)}
                        keys.setdefault(text, set()).update(since)
    return keys


def main():
    options, jars = read_options(sys.argv[1]), read_jars(sys.argv[2])
    # Some options were in other classes before, and a deprecated name is known through its option:
    # what the jars add are the lines that nothing else covers.
    covered = {key: set(rows) for key, rows in options.items()}
    for rows in list(options.values()):
        for line, row in rows.items():
            for name in row[3].split():
                covered.setdefault(name, set()).add(line)
    for key, lines in jars.items():
        missing = lines - covered.get(key, set())
        if not covered.get(key):
            missing = {min(lines), max(lines)}
        for line in missing:
            options.setdefault(key, {})[line] = ("-", "", "", "")
    out = []
    for key, rows in options.items():
        spans = []
        for line in sorted(rows):
            if spans and spans[-1][2] == rows[line]:
                spans[-1][1] = line
            else:
                spans.append([line, line, rows[line]])
        for first, last, (kind, deprecated, default, names_) in spans:
            span = ["%d.%d" % first, "%d.%d" % last]
            out.append("\t".join([key, kind, *span, deprecated, default, names_]).rstrip())
    print("\n".join(sorted(out)))


main()
