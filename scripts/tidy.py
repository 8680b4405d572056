#!/usr/bin/env python3
"""clang 14's word on every source: clang-tidy on what is shipped, clang's own warnings alone on tests and benchmarks.

    scripts/tidy.py                    every source that build/release compiles, but tests that build/asan compiled (with clang, and -Werror)
    scripts/tidy.py --all              those too
    scripts/tidy.py --build build/asan another build folder's commands
    scripts/tidy.py --but build/asan   all but the tests that a build with clang has compiled: it has given its warnings
    scripts/tidy.py FILE...            these only

What a compiler says of a source follows from the text of the source and of all it includes, the command line, .clang-tidy and
the tool's version. A source that passed with all of them as they are is not looked at again: what was read is kept as digests
below ${XDG_CACHE_HOME:-~/.cache}/wrackline/tidy, for a month after it was last of use (--fresh looks again). Only what passed
is kept. A new header that another of the same name hides later on is the one change that goes unseen.

Exit status: 0 nothing found; 1 findings, on standard output; 2 usage.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wrackline" / "tidy"
SHIPPED = ("lib/", "preload/", "rocksdb_probe/", "analyzer/")
KEEP_SECONDS = 30 * 24 * 3600
PROGRESS_SECONDS = 30
# The commands are g++'s, and some name warnings that only it has. Said of the command, not of a source: no part of what is kept.
OF_CLANG = ["-Wno-unknown-warning-option"]


class Digests:
    """The SHA-256 of files, each read once a run. A thread that comes second may read it again: the answer is the same."""

    def __init__(self):
        self._known = {}

    def of(self, path):
        if path not in self._known:
            try:
                self._known[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            except OSError:
                self._known[path] = ""
        return self._known[path]


class Source:
    def __init__(self, entry):
        self.path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
        self.directory = entry["directory"]
        words = shlex.split(entry["command"])
        output = words.index("-o")
        self.output = words[output + 1]
        del words[output : output + 2]
        words.remove("-c")
        words.remove(entry["file"])
        compiler = next(i for i, word in enumerate(words) if not word.endswith("ccache"))
        self.arguments = words[compiler + 1 :] + OF_CLANG
        self.compiler = "clang-14" if self.path.endswith(".c") else "clang++-14"
        self.shipped = self.path.startswith(SHIPPED)
        self.read = []  # what the compiler read for it, where the build has noted that

    def own_target(self):
        """Whether it is compiled for the target of its own folder: tests compile some sources once more, in their way."""
        return self.output.split("/")[0] == self.path.split("/")[0]

    def key(self, versions):
        arguments = " ".join(self.arguments[: -len(OF_CLANG)]).replace(str(ROOT), ".")
        text = "\0".join([versions, self.path, arguments, "tidy" if self.shipped else "warnings"])
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self):
        """What was found ("": nothing), and the files that were read."""
        if self.shipped and self.read:
            return self._run(["clang-tidy-14", "--quiet", str(ROOT / self.path), "--", *self.arguments]), self.read
        with tempfile.NamedTemporaryFile(prefix="wrackline-tidy-") as rules:
            mode = ["-M", "-MF", rules.name] if self.shipped else ["-fsyntax-only", "-MD", "-MF", rules.name]
            found = self._run([self.compiler, *self.arguments, *mode, str(ROOT / self.path)])
            if found is None and self.shipped:
                # With the one command: from the build folder it would take every command of a source in turn.
                found = self._run(["clang-tidy-14", "--quiet", str(ROOT / self.path), "--", *self.arguments])
            return found, _read_files(Path(rules.name).read_text(), self.directory)

    def _run(self, command):
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, errors="replace")
        if done.returncode == 0:
            return None
        lines = [line for line in done.stderr.splitlines() if "warnings generated" not in line]
        return "\n".join([*done.stdout.splitlines(), *lines]) or f"{command[0]} ended with {done.returncode}"


def _read_files(rule, directory):
    """The prerequisites of a make rule, those of the checkout relative to it."""
    words = rule.replace("\\\n", " ").partition(": ")[2].replace("\\ ", "\0").split()
    files = [os.path.normpath(os.path.join(directory, word.replace("\0", " "))) for word in words]
    return sorted({os.path.relpath(file, ROOT) if Path(file).is_relative_to(ROOT) else file for file in files})


class Passed:
    """What passed before, and with which files."""

    def __init__(self):
        CACHE.mkdir(parents=True, exist_ok=True)
        self._digests = Digests()
        version = subprocess.run(["clang-tidy-14", "--version"], capture_output=True, text=True, check=True).stdout
        self.versions = version + self._digests.of(ROOT / ".clang-tidy")

    def has(self, source):
        place = CACHE / source.key(self.versions)
        try:
            digest, *files = place.read_text().splitlines()
        except (OSError, ValueError):
            return False
        if self._digest(files) != digest:
            return False
        os.utime(place)
        return True

    def keep(self, source, files):
        place = CACHE / source.key(self.versions)
        with tempfile.NamedTemporaryFile("w", dir=CACHE, delete=False) as file:
            print(self._digest(files), *files, sep="\n", file=file)
        os.replace(file.name, place)

    def _digest(self, files):
        return hashlib.sha256("".join(self._digests.of(ROOT / file) for file in files).encode()).hexdigest()

    @staticmethod
    def forget_old():
        for place in CACHE.iterdir():
            try:
                if time.time() - place.stat().st_mtime > KEEP_SECONDS:
                    place.unlink()
            except OSError:
                continue


def _noted(build):
    """What the build's compiler read for each of its outputs: ninja keeps it. A source that is newer than its object is left out."""
    done = subprocess.run(["ninja", "-t", "deps"], cwd=build, capture_output=True, text=True)
    noted = {}
    for block in done.stdout.split("\n\n"):
        head, *files = block.strip().splitlines() or [""]
        if not head.endswith("(VALID)"):
            continue
        output, paths = head.split(":")[0], [os.path.normpath(os.path.join(build, file.strip())) for file in files]
        try:
            made = os.stat(build / output).st_mtime
            if all(os.stat(path).st_mtime <= made for path in paths):
                noted[output] = sorted({os.path.relpath(path, ROOT) if Path(path).is_relative_to(ROOT) else path for path in paths})
        except OSError:
            continue
    return noted


def _compiled(build):
    """The paths of what a build folder has compiled, as they are now."""
    commands = build / "compile_commands.json"
    if not commands.exists():
        sys.exit(f"tidy: {commands} is not there; scripts/build.sh asan unit_tests makes it")
    paths = set()
    for entry in json.loads(commands.read_text()):
        words = shlex.split(entry["command"])
        made, source = Path(entry["directory"], words[words.index("-o") + 1]), Path(entry["file"])
        if "clang" in words[0] and made.exists() and made.stat().st_mtime >= source.stat().st_mtime:
            paths.add(os.path.relpath(source, ROOT))
    return paths


def _sources(build, wanted):
    commands = build / "compile_commands.json"
    if not commands.exists():
        sys.exit(f"tidy: {commands} is not there; scripts/build.sh release makes it")
    chosen = {}
    noted = _noted(build)
    for entry in json.loads(commands.read_text()):
        source = Source(entry)
        source.read = noted.get(source.output, [])
        if source.path.startswith(("build", "..")):
            continue
        if source.path not in chosen or (source.own_target() and not chosen[source.path].own_target()):
            chosen[source.path] = source
    if not wanted:
        return list(chosen.values())
    paths = [os.path.relpath(os.path.abspath(file), ROOT) for file in wanted]
    for path in paths:
        if path not in chosen:
            print(f"tidy: {build.name} does not compile {path}", file=sys.stderr)
            sys.exit(2)
    return [chosen[path] for path in paths]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", metavar="FOLDER")
    parser.add_argument("--but", type=Path, metavar="FOLDER", help="leave out the tests that this folder's build with clang has compiled")
    parser.add_argument("--fresh", action="store_true", help="look again at what passed before")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()

    passed = Passed()
    sources = _sources(options.build.resolve(), options.files)
    if options.but:
        compiled = _compiled(options.but.resolve())
        sources = [source for source in sources if source.shipped or source.path not in compiled]
    due = [source for source in sources if options.fresh or not passed.has(source)]
    print(f"tidy: {len(due)} of {len(sources)} sources are to be looked at", flush=True)
    # The slow ones first, so that none of them runs alone in the end.
    due.sort(key=lambda source: not source.shipped)
    failed = 0
    said = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(source.check): source for source in due}
        for number, future in enumerate(concurrent.futures.as_completed(running), 1):
            found, files = future.result()
            if found is None:
                passed.keep(running[future], files)
            else:
                failed += 1
                print(found, flush=True)
            if time.monotonic() - said > PROGRESS_SECONDS:
                said = time.monotonic()
                print(f"tidy: {number} of {len(due)}", flush=True)
    passed.forget_old()
    if failed:
        print(f"tidy: {failed} of {len(sources)} sources have findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
