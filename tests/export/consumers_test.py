#!/usr/bin/env python3
"""Every format of `wrackline export` in the program it is for: consumers_test.py WRACKLINE FIXTURES FOLDER

go tool pprof, jeprof, speedscope (in Chromium), a JSON Schema validator, a CSV reader, a Markdown renderer, and wrackline's own readers:
each must take the file, and see the figures that the report has. Exit status 1: failed, or a consumer is not there (scripts/setup.sh check
installs them).
"""

import csv
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "data")
WRACKLINE, FIXTURES, FOLDER = sys.argv[1:4]
RECORDINGS = ["taskmanager_glibc_killed", "taskmanager_jemalloc_killed", "four_states_killed", "grower_killed_v2"]
FORMATS = ["json", "markdown", "csv", "pprof", "collapsed", "speedscope", "jemalloc", "jeprof"]
MI = 1 << 20


def tool(name, *places):
    """A program by its name, or where Debian keeps it; without it the tests cannot say anything."""
    found = shutil.which(name) or next((p for pattern in places for p in sorted(glob.glob(pattern)) if os.access(p, os.X_OK)), None)
    if found is None:
        sys.exit(f"export: no {name}: run scripts/setup.sh check")
    return found


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} exits with {done.returncode}: {done.stderr.decode(errors='replace')[:2000]}")
    return done.stdout.decode()


def path(name, form):
    return os.path.join(FOLDER, f"{name}.{form}")


def text(name, form):
    with open(path(name, form), encoding="utf-8", newline="") as file:
        return file.read()


def printable(character):
    """No control or invisible format character, which a terminal or a browser could act on."""
    return character.isprintable() or character == "\n"


def setUpModule():
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    for name in RECORDINGS:
        for form in FORMATS:
            run(WRACKLINE, "export", "--format", form, "-o", path(name, form), os.path.join(DATA, "recordings", name + ".wrackpack"))
    global hostile_bytes
    hostile_bytes = int(run(FIXTURES, FOLDER))


def live(name):
    """What the report says lives: of all its sites; the report lists a hundred, so that the thread groups are added up, which are all."""
    if name == "hostile":
        return hostile_bytes
    report = json.loads(text(name, "json"))
    return sum(group["live"] for group in report["thread_groups"]) if report.get("thread_groups") else sum(site["live"] for site in report["sites"])


class Pprof(unittest.TestCase):
    """go tool pprof."""

    @classmethod
    def setUpClass(cls):
        cls.environment = {**os.environ, "PPROF_TMPDIR": FOLDER}
        # Debian's has pprof built; newer ones build it when it is first asked for, which takes a minute.
        debians = sorted(glob.glob("/usr/lib/go-*/bin/go"))
        cls.go = debians[0] if debians else tool("go", "/usr/local/go/bin/go")

    def pprof(self, *arguments):
        return run(self.go, "tool", "pprof", *arguments, env=self.environment, cwd=FOLDER)

    def raw(self, name):
        """Samples as [values], labels, ids; and its other lines."""
        samples, labels = [], []
        output = self.pprof("-raw", path(name, "pprof"))
        body = output.split("Samples:\n", 1)[1].split("\nLocations\n", 1)[0].splitlines()[1:]
        for line in body:
            values, parted, _ = line.partition(": ")
            if parted and all(part.isdigit() for part in values.split()) and len(values.split()) == 4:
                samples.append([int(part) for part in values.split()])
                labels.append("")
            elif labels:
                labels[-1] += line
        return output, samples, labels

    def test_totals_are_the_reports(self):
        for name in RECORDINGS + ["hostile"]:
            with self.subTest(name):
                output, samples, _ = self.raw(name)
                self.assertIn("inuse_objects/count inuse_space/bytes[dflt] alloc_objects/count alloc_space/bytes", output)
                self.assertIn("Period: 524288", output)
                self.assertIn("PeriodType: space bytes", output)
                self.assertEqual(sum(values[1] for values in samples), live(name))
                if name != "hostile":
                    self.assertIn("Duration:", output)

    def test_top_has_its_total_and_a_known_site(self):
        for name in RECORDINGS:
            top = self.pprof("-top", "-unit=B", "-nodecount=100000", "-nodefraction=0", path(name, "pprof"))
            total = re.search(r"Total samples = (\d+)B", top)
            self.assertEqual(int(total.group(1)), live(name), top[:600])
        report = json.loads(text("four_states_killed", "json"))
        top = self.pprof("-top", "-cum", "-unit=B", "-nodecount=100000", "-nodefraction=0", path("four_states_killed", "pprof"))
        held = sum(s["live"] for s in report["sites"] if any(f["function"] == "rocksdb::MemTable::Add" for f in s["frames"]))
        found = re.search(r"(\d+)B +[\d.]+% +rocksdb::MemTable::Add$", top, re.MULTILINE)
        self.assertGreater(held, 200 * MI)
        self.assertEqual(int(found.group(1)), held)

    def test_allocated_is_the_reports(self):
        top = self.pprof("-top", "-sample_index=alloc_space", "-unit=B", "-nodefraction=0", path("four_states_killed", "pprof"))
        report = json.loads(text("four_states_killed", "json"))
        total = int(re.search(r"Total samples = (\d+)B", top).group(1))
        self.assertGreaterEqual(total, sum(site["allocated"] for site in report["sites"]))
        self.assertGreater(total, live("four_states_killed"))

    def test_labels_and_javas_names(self):
        tags = self.pprof("-tags", "-unit=B", path("taskmanager_glibc_killed", "pprof"))
        self.assertRegex(tags, r"thread: Total \d")
        self.assertRegex(tags, r"operator: Total \d")
        self.assertIn("fold orders -> nowhere: Writer (1/2)#0", tags)
        report = json.loads(text("taskmanager_glibc_killed", "json"))
        group = next(g for g in report["thread_groups"] if g["name"] == "fold orders -> nowhere: Writer")
        # In the figures of one operator alone.
        focus = self.pprof("-top", "-unit=B", "-tagfocus=operator=^fold orders -> nowhere: Writer$", "-nodefraction=0", path("taskmanager_glibc_killed", "pprof"))
        self.assertRegex(focus, rf"of {group['live']}B total|{group['live']}B, [\d.]+% of ")
        traces = self.pprof("-traces", path("taskmanager_glibc_killed", "pprof"))
        self.assertIn("org.apache.flink.runtime.io.network.buffer.NetworkBufferPool.<init>", traces)

    def test_hostile_names(self):
        output, samples, labels = self.raw("hostile")
        self.assertEqual(len([values for values in samples if values[1] > 0]), 21)
        self.assertTrue(all(printable(c) or c == "\t" for c in output))
        # One family alone, and one sample of RocksDB's: it can be of no other.
        self.assertEqual(len([one for one in labels if "rocksdb_family:[=1+1|\\x0a`evil`]" in one]), 1, labels)


class Jeprof(unittest.TestCase):
    """jeprof, with the names in the file and without."""

    @classmethod
    def setUpClass(cls):
        cls.jeprof = tool("jeprof")

    def totals(self, name, form, *options):
        program = [] if form == "jeprof" else ["/bin/true"]
        output = run(self.jeprof, "--text", "--show_bytes", "--nodefraction=0", *options, *program, path(name, form))
        return int(re.search(r"Total: (\d+) B", output).group(1)), output

    def test_totals_are_the_reports(self):
        for name in RECORDINGS + ["hostile"]:
            # Without names in the file it looks at every library of the machine: seconds for a Java VM's.
            for form in ["jeprof"] if name.startswith("taskmanager") else ["jemalloc", "jeprof"]:
                with self.subTest(name=name, form=form):
                    total, _ = self.totals(name, form)
                    # It cuts each stack's figure to a whole byte, and weights in a recording are rounded.
                    self.assertAlmostEqual(total, live(name), delta=max(50, live(name) * 1e-6))

    def test_allocated_is_pprofs(self):
        total, _ = self.totals("four_states_killed", "jeprof", "--alloc_space")
        lines = run(WRACKLINE, "export", "--format", "collapsed", "--value", "alloc", os.path.join(DATA, "recordings", "four_states_killed.wrackpack"))
        self.assertAlmostEqual(total, sum(int(line.rsplit(" ", 1)[1]) for line in lines.splitlines()), delta=total * 1e-6)

    def test_names_are_in_the_file(self):
        _, output = self.totals("taskmanager_glibc_killed", "jeprof", "--cum")
        self.assertIn("rocksdb::Arena::AllocateNewBlock", output)
        self.assertIn("org.apache.flink.runtime.io.network.buffer.NetworkBufferPool.", output)

    def test_mappings_name_native_frames(self):
        # A process of this machine, whose binary is here: this command reading a recording, itself recorded.
        folder = os.path.join(FOLDER, "recorded")
        recording = os.path.join(DATA, "recordings", "four_states_killed.wrackpack")
        run(WRACKLINE, "run", "--interval", "16k", "--out", folder, "--", WRACKLINE, "report", "--format", "json", recording)
        dump = path("recorded", "jemalloc")
        run(WRACKLINE, "export", "--format", "jemalloc", "-o", dump, folder)
        output = run(self.jeprof, "--text", "--cum", "--alloc_space", "--show_bytes", "--nodefraction=0", WRACKLINE, dump)
        function = "wrackline::recorder::ReadRecording"
        held = sum(int(line.rsplit(" ", 1)[1]) for line in run(WRACKLINE, "export", "--format", "collapsed", "--value", "alloc", folder).splitlines()
                   if function in line.rsplit(" ", 1)[0].split(";"))
        seen = re.search(rf"(\d+) +[\d.]+% {function}$", output, re.MULTILINE)
        self.assertGreater(held, MI)
        self.assertAlmostEqual(int(seen.group(1)), held, delta=held * 0.001)


class OwnReaders(unittest.TestCase):
    """What `report` reads of other tools, it reads of its own exports."""

    def test_same_totals(self):
        for name in RECORDINGS + ["hostile"]:
            for form in ["pprof", "jemalloc", "jeprof"]:
                with self.subTest(name=name, form=form):
                    folder = os.path.join(FOLDER, f"read-{name}-{form}")
                    os.makedirs(folder)
                    shutil.copy(path(name, form), os.path.join(folder, "x.heap"))
                    read = json.loads(run(WRACKLINE, "report", "--format", "json", folder))["heap_profile"]
                    self.assertAlmostEqual(read["live"], live(name), delta=0 if form == "pprof" else max(50, live(name) * 1e-6))
                    self.assertEqual(read["sampling_interval"], 524288)

    def test_other_tools_profiles_go_on(self):
        for name in ["jemalloc-lg19.heap", "gperftools-sampled.heap", "pprof-go.pb.gz", "pprof-tcmalloc.pb.gz", "jemalloc-raw.prof"]:
            with self.subTest(name):
                lines = run(WRACKLINE, "export", "--format", "collapsed", os.path.join(DATA, "profiles", name)).splitlines()
                folder = os.path.join(FOLDER, "read-" + name)
                os.makedirs(folder)
                shutil.copy(os.path.join(DATA, "profiles", name), folder)
                report = json.loads(run(WRACKLINE, "report", "--format", "json", folder))
                self.assertAlmostEqual(sum(int(line.rsplit(" ", 1)[1]) for line in lines), report["heap_profile"]["live"], delta=len(lines) + 1)


class Speedscope(unittest.TestCase):
    """speedscope's own page imports its format and collapsed stacks."""

    @classmethod
    def setUpClass(cls):
        packages = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "wrackline", "browser-tests")
        if not os.path.isdir(os.path.join(packages, "node_modules", "speedscope")):
            sys.exit(f"export: speedscope is not in {packages}: run scripts/setup.sh check")
        cls.schema_folder = os.path.join(packages, "node_modules", "speedscope", "dist", "release")
        names = RECORDINGS + ["hostile"]
        files = [path(name, form) for name in names for form in ["speedscope", "collapsed"]]
        output = run(tool("node"), os.path.join(HERE, "speedscope.mjs"), *files, env={**os.environ, "PACKAGES": packages, "CHROMIUM": tool("chromium")})
        cls.found = {one["file"]: one for one in json.loads(output)}

    @staticmethod
    def bytes_of(cell):
        # Collapsed stacks have no unit.
        number, unit = re.match(r"([\d.,]+) ?(B|KB|MB|GB|)", cell).groups()
        number = number.replace(",", "")
        return float(number) * 1024 ** ["B", "KB", "MB", "GB"].index(unit or "B")

    def test_it_imports_each_with_the_total(self):
        for name in RECORDINGS + ["hostile"]:
            for form in ["speedscope", "collapsed"]:
                with self.subTest(name=name, form=form):
                    one = self.found[f"{name}.{form}"]
                    self.assertEqual(one["trouble"], [])
                    self.assertTrue(one["rows"])
                    if form == "speedscope":
                        totals = {row[1]: row[2] for row in one["rows"] if row[0].isdigit()}
                        self.assertAlmostEqual(self.bytes_of(totals["live bytes"]), live(name), delta=live(name) * 0.01)

    def test_the_function_that_holds_most(self):
        # The first row: it sorts by what a function holds itself.
        for name in RECORDINGS:
            own = {}
            for line in text(name, "collapsed").splitlines():
                stack, amount = line.rsplit(" ", 1)
                own[stack.split(";")[-1]] = own.get(stack.split(";")[-1], 0) + int(amount)
            function = max(own, key=own.get)
            for form in ["speedscope", "collapsed"]:
                with self.subTest(name=name, form=form):
                    _, held, first = next(row for row in self.found[f"{name}.{form}"]["rows"] if not row[0].isdigit() and row[0] != "#")
                    self.assertEqual(first, function)
                    self.assertAlmostEqual(self.bytes_of(held), own[function], delta=own[function] * 0.01)

    def test_its_published_schema(self):
        import jsonschema
        with open(os.path.join(self.schema_folder, "file-format-schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        for name in RECORDINGS + ["hostile"]:
            jsonschema.validate(json.loads(text(name, "speedscope")), schema)


class Collapsed(unittest.TestCase):
    """The grammar of flamegraph.pl: frames parted by ";", a blank, a number."""

    def test_every_line_and_the_total(self):
        for name in RECORDINGS + ["hostile"]:
            with self.subTest(name):
                body = text(name, "collapsed")
                self.assertTrue(all(printable(c) for c in body))
                total = 0
                for line in body.splitlines():
                    stack, amount = re.fullmatch(r"(.+) (\d+)", line).groups()
                    self.assertTrue(all(stack.split(";")), line)
                    self.assertFalse(line.startswith("#"))
                    total += int(amount)
                self.assertEqual(total, live(name))


class Csv(unittest.TestCase):
    def test_rows_add_up_to_the_ledgers_total(self):
        for name in RECORDINGS + ["hostile"]:
            with self.subTest(name):
                body = text(name, "csv")
                self.assertEqual(body.count("\n"), body.count("\r\n"))
                rows = list(csv.DictReader(body.splitlines(), strict=True))
                ledger = json.loads(text(name, "json"))["ledger"]
                self.assertEqual([row["id"] for row in rows], [line["id"] for line in ledger["lines"]] + ["unexplained"])
                self.assertEqual(sum(int(row["bytes"]) for row in rows), ledger["total"])
                for row, line in zip(rows, ledger["lines"]):
                    self.assertNotIn(None, row)
                    for key in ["bytes", "budget", "overshoot", "standard_error"]:
                        self.assertEqual(row[key], str(line.get(key, "")))
                    self.assertEqual(row["confidence"], line["confidence"])
                    for key in ["id", "label", "group", "source"]:
                        self.assertNotIn(row[key].strip()[:1], list("=+-@|%\t\r"))


class Json(unittest.TestCase):
    """docs/report.schema.json holds for what is written, and refuses what it does not know."""

    @classmethod
    def setUpClass(cls):
        import jsonschema
        with open(os.path.join(HERE, "..", "..", "docs", "report.schema.json"), encoding="utf-8") as file:
            cls.schema = json.load(file)
        jsonschema.Draft202012Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def check(self, report):
        errors = sorted(self.validator.iter_errors(report), key=lambda e: list(e.absolute_path))
        self.assertEqual([f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in errors[:10]], [])

    def test_recordings(self):
        for name in RECORDINGS + ["hostile"]:
            with self.subTest(name):
                self.check(json.loads(text(name, "json")))

    def test_folders_of_other_evidence(self):
        seen = 0
        for folder in sorted({os.path.dirname(p) for p in glob.glob(os.path.join(DATA, "**", "*"), recursive=True) if os.path.isfile(p)}):
            done = subprocess.run([WRACKLINE, "report", "--format", "json", folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
            if done.returncode != 0:
                continue
            seen += 1
            with self.subTest(os.path.relpath(folder, DATA)):
                self.check(json.loads(done.stdout))
        self.assertGreater(seen, 5)

    def test_unknown_fields_fail(self):
        report = json.loads(text("taskmanager_glibc_killed", "json"))

        # One of each list is enough.
        def cut(value):
            if isinstance(value, dict):
                return {key: cut(one) for key, one in value.items()}
            return [cut(one) for one in value[:1]] if isinstance(value, list) else value

        def objects(value, where):
            if isinstance(value, dict):
                yield where, value
            for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []:
                yield from objects(one, f"{where}/{key}")

        report = cut(report)
        self.check(report)
        places = list(objects(report, ""))
        self.assertGreater(len(places), 30)
        for where, one in places:
            one["no_such_field"] = 1
            # The settings of a proposal have the names that the program gives them; nothing else is open.
            self.assertEqual(self.validator.is_valid(report), where.endswith("/settings"), where)
            del one["no_such_field"]


class Markdown(unittest.TestCase):
    """GitHub's renderer."""

    def html(self, name):
        return run(tool("cmark-gfm"), "-e", "table", "-e", "autolink", "-e", "strikethrough", "--unsafe", path(name, "markdown"))

    def test_headings_tables_and_verdict(self):
        for name in RECORDINGS:
            with self.subTest(name):
                html = self.html(name)
                report = json.loads(text(name, "json"))
                plain = re.sub(r"<[^>]*>", "", html).replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
                self.assertIn(report["verdict"], plain)
                self.assertIn("<h2>Where the memory was</h2>\n<table>", html)
                self.assertIn("<h2>Top allocation sites</h2>\n<table>", html)
                for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
                    columns = [len(re.findall(r"<t[hd]\b", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)]
                    self.assertEqual(len(set(columns)), 1, table[:400])
                self.assertNotRegex(html, r"<p>\|")
        self.assertIn("<h2>RocksDB by column family</h2>\n<table>", self.html("four_states_killed"))
        self.assertIn("<h2>What to set instead</h2>", self.html("four_states_killed"))

    def test_hostile_names_stay_text(self):
        html = self.html("hostile")
        self.assertNotIn("<script", html)
        self.assertNotIn("<a ", html)
        self.assertNotIn("<img", html)
        self.assertTrue(all(printable(c) or c == "\u00a0" for c in html))


class Refusals(unittest.TestCase):
    def refused(self, *arguments):
        done = subprocess.run([WRACKLINE, "export", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, b"")
        return done.stderr.decode()

    def test_bad_input(self):
        recording = os.path.join(DATA, "recordings", "four_states_killed.wrackpack")
        self.assertIn("--format", self.refused(recording))
        self.assertIn("xml", self.refused("--format", "xml", recording))
        self.assertIn("no/such", self.refused("--format", "pprof", "no/such"))
        self.assertIn("--at is for", self.refused("--format", "csv", "--at", "end", recording))
        self.assertIn("profile", self.refused("--format", "pprof", os.path.join(DATA, "kernel")))

    def test_a_moment(self):
        recording = os.path.join(DATA, "recordings", "four_states_killed.wrackpack")
        lines = run(WRACKLINE, "export", "--format", "collapsed", "--at", "end", recording).splitlines()
        self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in lines), live("four_states_killed"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
