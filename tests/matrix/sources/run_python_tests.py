"""Runs modules of CPython's own test suite and prints each test with its result, in order; times and traces are left out."""
import importlib
import io
import os
import sys
import unittest
import warnings

SHORT = ["test_gc", "test_weakref", "test_memoryview"]
FULL = SHORT + [
    "test_array", "test_bytes",
    "test_mmap", "test_buffer", "test_ctypes", "test_struct", "test_dict", "test_list", "test_set", "test_deque", "test_sys",
    "test_zlib", "test_bz2", "test_lzma", "test_json", "test_pickle", "test_sqlite3", "test_re", "test_hashlib", "test_sort",
    "test_thread", "test_threading_local", "test_queue", "test_fork1", "test_wait3", "test_posix", "test_exceptions",
    "test_subprocess:ProcessTestCase",
]
MODULES = SHORT if os.environ.get("MATRIX_SHORT") else FULL


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


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def load(name):
    """A module's tests; of `module:Class` those of that class alone, where the module takes minutes."""
    name, _, of_class = name.partition(":")
    try:
        module = importlib.import_module("test." + name)
    except unittest.SkipTest:
        return unittest.TestSuite(), f"{name}: not for this machine"
    except ImportError:
        return unittest.TestSuite(), f"{name}: not in this python"
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    if of_class:
        suite = unittest.TestSuite(test for test in tests_of(suite) if type(test).__name__ == of_class)
    return suite, None


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
