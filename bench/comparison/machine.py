"""Where things are, how they are built and installed, and what machine this is."""

import os
import platform
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD_IS_GIVEN = "WRACKLINE_BENCH_BUILD" in os.environ
BUILD = Path(os.environ.get("WRACKLINE_BENCH_BUILD", ROOT / "build" / "release")).resolve()
PROGRAMS = BUILD / "bench" / "programs"
PRELOAD = BUILD / "preload" / "libwrackline_preload.so"
WRACKLINE = BUILD / "analyzer" / "wrackline"
FORWARD_ONLY = PROGRAMS / "forward_only.so"
PEERS = ROOT / "build" / "bench-peers"
ASYNC_PROFILER = PEERS / "linux-x64" / "libasyncProfiler.so"
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
JEMALLOC = LIBRARIES / "libjemalloc.so.2"
TCMALLOC = LIBRARIES / "libtcmalloc.so.4"
HEAPTRACK = Path("/usr/lib/heaptrack/libheaptrack_preload.so")

DEBIAN_PACKAGES = ["heaptrack", "libgoogle-perftools4", "libjemalloc2", "linux-perf", "maven", "openjdk-17-jdk-headless",
                   "rocksdb-tools", "valgrind"]
ASYNC_PROFILER_ARTIFACT = "tools.profiler:async-profiler:4.4"


def say(text):
    print(text, file=sys.stderr, flush=True)


def build():
    """Builds what is measured; says nothing when all is up to date."""
    targets = ["wrackline_preload", "wrackline", "bench_programs"]
    subprocess.run([ROOT / "scripts" / "build.sh", "release", *targets], check=True, stdout=sys.stderr)
    compile_java()


def compile_java():
    """The Java programs, where there is a compiler. Also for a build folder that was given."""
    sources = sorted((ROOT / "bench" / "programs").glob("*.java"))
    stale = [source for source in sources if not (PROGRAMS / f"{source.stem}.class").exists()
             or (PROGRAMS / f"{source.stem}.class").stat().st_mtime < source.stat().st_mtime]
    if which("javac") and stale:
        subprocess.run(["javac", "--release", "17", "-XDignore.symbol.file", "-nowarn", "-d", PROGRAMS, *stale], check=True)


def install_peers():
    """Debian's packages through apt, async-profiler through Maven. Nothing of it enters the repository."""
    subprocess.run(["apt-get", "-q", "update"], check=True, stdout=sys.stderr)
    subprocess.run(["apt-get", "-q", "install", "-y", "--no-install-recommends", *DEBIAN_PACKAGES], check=True,
                   stdout=sys.stderr, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if not ASYNC_PROFILER.exists():
        PEERS.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={ASYNC_PROFILER_ARTIFACT}",
                        f"-DoutputDirectory={PEERS}"], check=True, stdout=sys.stderr)
        subprocess.run([sys.executable, "-m", "zipfile", "-e", next(PEERS.glob("async-profiler-*.jar")), PEERS],
                       check=True)


def which(program):
    for folder in os.environ.get("PATH", "").split(":"):
        if os.access(os.path.join(folder, program), os.X_OK):
            return os.path.join(folder, program)
    return None


def facts():
    """What a figure depends on, recorded beside it."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit.stdout.strip() or "unknown",
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "load": os.getloadavg()[0],
    }


def async_profiler():
    """Where --install-peers has put it, or scripts/setup.sh."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    found = cache / "wrackline" / "java-libraries" / "libasyncProfiler.so"
    return ASYNC_PROFILER if ASYNC_PROFILER.exists() or not found.exists() else found


def scratch():
    """A folder for the files of one run, removed after it."""
    return tempfile.TemporaryDirectory(prefix="wrackline-bench-")
