"""Runs modules of CPython's own test suite and prints each test with its result, in order; times and traces are left out."""
import importlib
import io
import os
import sys
import unittest
import warnings

SHORT = ["test_gc", "test_weakref", "test_memoryview", "test_array", "test_bytes"]
FULL = SHORT + [
    "test_mmap", "test_buffer", "test_ctypes", "test_struct", "test_dict", "test_list", "test_set", "test_deque", "test_sys",
    "test_zlib", "test_bz2", "test_lzma", "test_json", "test_pickle", "test_sqlite3", "test_re", "test_hashlib", "test_sort",
    "test_thread", "test_threading", "test_threading_local", "test_queue", "test_fork1", "test_wait3", "test_subprocess",
    "test_posix", "test_signal", "test_faulthandler", "test_concurrent_futures", "test_multiprocessing_fork",
    "test_multiprocessing_spawn", "test_asyncio.test_subprocess", "test_tracemalloc", "test_capi", "test_exceptions",
]
# What depends on the machine's load, or takes minutes: left out, with and without the preload alike.
LEFT_OUT = ("test_multiprocessing_fork.WithManager", "test_multiprocessing_spawn.WithManager")
if SHORT_RUN := os.environ.get("MATRIX_SHORT"):
    MODULES = SHORT
else:
    MODULES = FULL


class Names(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.lines = []

    def note(self, test, text):
        self.lines.append(f"{test.id()} {text}")

    def addSuccess(self, test):
        self.note(test, "ok")

    def addSkip(self, test, reason):
        self.note(test, "skipped")

    def addFailure(self, test, error):
        self.note(test, "FAILED")
        print(self._exc_info_to_string(error, test), file=REAL_STDERR)

    addError = addFailure

    def addExpectedFailure(self, test, error):
        self.note(test, "failed as expected")

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.addFailure(subtest, error)


def load(name):
    try:
        module = importlib.import_module("test." + name)
    except unittest.SkipTest:
        return unittest.TestSuite(), f"{name}: not for this machine"
    except ImportError:
        return unittest.TestSuite(), f"{name}: not in this python"
    return unittest.defaultTestLoader.loadTestsFromModule(module), None


REAL_STDOUT, REAL_STDERR = sys.stdout, sys.stderr
warnings.simplefilter("ignore")


def main():
    from test import support
    support.use_resources = []
    failures = 0
    for name in MODULES:
        suite, problem = load(name)
        result = Names()
        # Some tests print; what they print is not the subject.
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        try:
            suite.run(result)
        finally:
            sys.stdout, sys.stderr = REAL_STDOUT, REAL_STDERR
        print(problem or f"{name}: {len(result.lines)} tests")
        for line in sorted(result.lines):
            print(" ", line)
        failures += sum(line.endswith("FAILED") for line in result.lines)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
