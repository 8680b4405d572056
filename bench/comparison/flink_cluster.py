"""One real Flink cluster (tests/flink/flink.sh) under a variant, and what its TaskManager has used and done so far.

    cluster = Cluster(variant, 0, folder, classes, CONFIGURATION, flags="-XX:+AlwaysPreTouch")
    cluster.begin_up(); cluster.finish(); cluster.begin_submit("rate=2000"); cluster.finish()
    first = cluster.mark(); ...; last = cluster.mark()
    cluster.end(); cluster.remove()

`end` and `remove` are safe at any time and more than once. Clusters that a run left behind because it was killed are ended by the next one's `end_strays`.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import jvm, machine
from .runs import Failed

SCRIPT = machine.ROOT / "tests" / "flink" / "flink.sh"
SOURCES = machine.ROOT / "tests" / "flink" / "src" / "com" / "example" / "orders"
JARS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "wrackline" / "flink" / "1.20.3"
RUNNING = machine.ROOT / "build" / "bench" / "flink-running"  # folders of clusters that may be up, one a line
TICKS = os.sysconf("SC_CLK_TCK")


def java_home():
    """Flink 1.20's newest Java is 17."""
    for title, java in jvm.virtual_machines().items():
        if title.startswith("JDK 17"):
            return java.parent.parent
    raise Failed("there is no JDK 17 below /usr/lib/jvm: apt-get install openjdk-17-jdk-headless")


def compile_job(folder):
    if not JARS.is_dir():
        raise Failed(f"{JARS} is not there: scripts/setup.sh check fetches Flink's jars")
    subprocess.run([java_home() / "bin" / "javac", "-nowarn", "-d", folder, "-cp", f"{JARS}/*", *sorted(SOURCES.glob("*.java"))], check=True)


def end_strays():
    if RUNNING.exists():
        for line in RUNNING.read_text().splitlines():
            if Path(line, "cluster").exists():
                machine.say(f"  ending what an earlier run left in {line}")
                subprocess.run([SCRIPT, "down", line], check=False)
            shutil.rmtree(line, ignore_errors=True)
        RUNNING.unlink()


@dataclass
class Mark:
    at: float             # seconds, of the monotonic clock
    cpu: float            # seconds of user and system time of the TaskManager, all its threads, also those that ended
    threads: dict         # the same of its living threads: (tid, name) -> seconds
    records: float
    gc_seconds: float
    gc_count: float
    resident: int         # bytes


class Cluster:
    def __init__(self, variant, copy, folder, classes, configuration, flags):
        self.name, self.variant, self.copy, self.folder = f"{variant.key} {copy}", variant, copy, Path(folder)
        self._classes, self._configuration, self._flags = classes, configuration, flags
        self._script = self._job = None

    def begin_up(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        RUNNING.parent.mkdir(parents=True, exist_ok=True)
        with RUNNING.open("a") as running:
            running.write(f"{self.folder}\n")
        # A reporter of our own: JobManager and TaskManager take one port each, whichever comes first.
        self._ports = _two_free_ports()
        more = self.folder / "more.yaml"
        more.write_text(self._configuration + "metrics.reporter.bench.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory\n"
                        f'metrics.reporter.bench.port: "{self._ports[0]}-{self._ports[-1]}"\n')
        environment = {**os.environ, **self.variant.environ(self.folder)}
        preload = environment.pop("LD_PRELOAD", "")
        flags = self._flags.format(folder=self.folder)
        command = [SCRIPT, "up", self.folder, "--flink", JARS, "--classes", self._classes, "--java", java_home(), "--config", more, "--flags", flags]
        self._script = _start([*command, *(["--preload", preload] if preload else [])], environment)

    def begin_submit(self, *options):
        self._script = _start([SCRIPT, "submit", self.folder, *options], os.environ)

    def finish(self):
        """Waits for what was begun."""
        output, errors = self._script.communicate()
        status, self._script = self._script.returncode, None
        if status != 0:
            raise Failed(f"{self.name}: flink.sh: {errors.strip()[-600:]}")
        found = re.search(r"^job (\w+)", output, re.MULTILINE)
        if found:
            self._job = found.group(1)
            values = dict(line.split("=", 1) for line in (self.folder / "cluster").read_text().splitlines())
            self._rest = f"http://127.0.0.1:{values['port']}"

    @property
    def pid(self):
        return int((self.folder / "taskmanager.pid").read_text())

    def alive(self):
        return (self.folder / "taskmanager.pid").exists() and not (self.folder / "taskmanager.status").exists()

    def stop(self):
        """Nothing of the TaskManager runs until it goes on."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self):
        if not self.alive():
            raise Failed(f"{self.name}: the TaskManager ended: {self.log()[-600:]}")
        os.kill(self.pid, signal.SIGCONT)

    def log(self):
        return (self.folder / "taskmanager.log").read_text(errors="replace")

    def mark(self):
        if not self.alive():
            raise Failed(f"{self.name}: the TaskManager ended: {self.log()[-600:]}")
        metrics = self._metrics()
        stat = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        at = time.monotonic()
        resident = int(re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE).group(1)) * 1024
        return Mark(at, (int(stat[11]) + int(stat[12])) / TICKS, _threads(self.pid),
                    _sum(metrics, "flink_taskmanager_job_task_operator_numRecordsOut", 'operator_name="make_order"'),
                    _sum(metrics, "flink_taskmanager_Status_JVM_GarbageCollector_All_Time") / 1e3,
                    _sum(metrics, "flink_taskmanager_Status_JVM_GarbageCollector_All_Count"), resident)

    def await_records(self, seconds):
        """Until the job has made its first record."""
        until = time.monotonic() + seconds
        while True:
            try:
                if self.mark().records > 0:
                    return
                failure = Failed(f"{self.name}: the job makes no records")
            except Failed as failed:
                failure = failed
            if time.monotonic() > until or not self.alive():
                raise failure
            time.sleep(0.5)

    def _metrics(self):
        for port in self._ports:
            try:
                text = _get(f"http://127.0.0.1:{port}/metrics")
            except OSError:
                continue
            if "\nflink_taskmanager_" in text:
                return text
        raise Failed(f"{self.name}: the TaskManager's metrics are at neither of the ports {self._ports}")

    def checkpoints(self):
        """Trigger time (seconds since 1970), duration in seconds and bytes of each completed checkpoint."""
        history = json.loads(_get(f"{self._rest}/jobs/{self._job}/checkpoints"))["history"]
        return [{"at": one["trigger_timestamp"] / 1e3, "seconds": one["end_to_end_duration"] / 1e3, "bytes": one["checkpointed_size"]}
                for one in history if one["status"] == "COMPLETED"]

    def end(self):
        if self._script is not None:
            self._script.terminate()
            self._script.communicate()
            self._script = None
            time.sleep(0.5)  # a process that it was just starting writes its pid
        if self.folder.exists():
            subprocess.run([SCRIPT, "down", self.folder], check=False)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def _start(command, environment):
    return subprocess.Popen([str(part) for part in command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def _two_free_ports():
    """Below the ephemeral ports and beyond those that flink.sh tries."""
    for _ in range(200):
        first = 10000 + int.from_bytes(os.urandom(2), "little") % 9000
        try:
            for port in (first, first + 1):
                with socket.socket() as tried:
                    tried.bind(("", port))
            return (first, first + 1)
        except OSError:
            continue
    raise Failed("no two free ports were found")


def _get(address):
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.read().decode()


def _sum(metrics, name, label=""):
    total, seen = 0.0, False
    for line in metrics.splitlines():
        if line.startswith((name + "{", name + " ")) and label in line:
            total += float(line.rsplit(" ", 1)[1])
            seen = True
    if not seen:
        raise Failed(f"the TaskManager has no metric {name} {label}")
    return total


def _threads(pid):
    used = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            used[(task.name, (task / "comm").read_text().strip())] = int((task / "schedstat").read_text().split()[0]) / 1e9
        except OSError:
            continue  # it has just ended
    return used
