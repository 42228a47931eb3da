"""The program under watch: started, stopped, killed and started again, sampled every second, read all along."""
import contextlib
import json
import pathlib
import random
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

from kit import Failed, http

PATIENCE = 60
# Once it has seen a large piece freed, glibc keeps such pieces for the next time, so that memory rises in steps for a while
# to what was ever needed at once. With a fixed threshold it gives back what is free, and what grows is in use.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
PAGES = [
    "/", "/alerts?state=all", "/rules", "/rules/magnets-falling", "/series", "/feeds", "/feeds/metals", "/deliveries",
    "/silences", "/status", "/metrics", "/explain?rule=magnets-falling&partner=US", "/api/v1/alerts?state=all",
    "/api/v1/rules", "/api/v1/deliveries?limit=50", "/api/v1/series", "/api/v1/feeds",
]


class Sample:
    """How a process was at a second: KiB resident and of its own, open files, threads, bytes of the store and its log."""

    def __init__(self, pid, store):
        self.at, self.pid = time.time(), pid
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        self.rss = int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        # What is its own, and no page of a file.
        self.own = int(re.search(r"RssAnon:\s+(\d+)", status)[1])
        self.threads = int(re.search(r"Threads:\s+(\d+)", status)[1])
        self.files = len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))
        size = lambda path: path.stat().st_size if path.exists() else 0
        self.store, self.log = size(store), size(store.with_name(store.name + "-wal"))


class Daemon:
    """The daemon with a config of its own in a directory, and its state in another."""

    def __init__(self, program, directory, state, port):
        self.program, self.directory, self.port = program, directory, port
        self.store = state / "supplywatch.db"
        self.origin = f"http://127.0.0.1:{port}"
        self.config = directory / "supplywatch.toml"
        self.log_path = directory / "daemon.log"
        self.process, self.samples, self.readings = None, [], []
        self.ends, self.starts = [], []       # (since when it cannot work, when it is gone, how); when it is ready
        self.done = threading.Event()

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "run", "--config", self.config, "--log-format", "json"], cwd=self.directory,
                env={"SUPPLYWATCH_LOG": "info"} | ALLOCATOR, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed(f"the daemon does not start ({self.process.poll()}):\n{self.log_path.read_text()[-3000:]}")
            time.sleep(0.05)
        self.starts.append(time.time())

    def is_ready(self):
        with contextlib.suppress(OSError):
            return http("GET", f"{self.origin}/-/ready")[0] == 200
        return False

    def is_up(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """Ends it at once, as a power cut does."""
        since = time.time()
        self.process.kill()
        self.process.wait()
        self.ends.append((since, time.time(), "kill -9"))

    def stop(self):
        """Ends it in order; its exit code."""
        since = time.time()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed("the daemon does not end when it is told to") from None
        self.ends.append((since, time.time(), "SIGTERM"))
        return code

    def reload(self, text):
        self.config.write_text(text)
        self.process.send_signal(signal.SIGHUP)

    def ask(self, *arguments):
        """A verb of the command line beside the daemon."""
        return subprocess.run([self.program, *arguments, "--config", self.config], cwd=self.directory, env={}, text=True,
                              capture_output=True, timeout=PATIENCE)

    def api(self, path):
        status, text = http("GET", f"{self.origin}/api/v1{path}")
        if status != 200:
            raise Failed(f"{path}: {status} {text[:300]}")
        return json.loads(text)["data"]

    def watch(self):
        """Takes a sample every second."""
        while not self.done.wait(1):
            with contextlib.suppress(OSError, TypeError, AttributeError):
                if self.is_up():
                    self.samples.append(Sample(self.process.pid, self.store))

    def read(self, seed):
        """Reads pages and the API, one after the other."""
        drawn = random.Random(seed)
        while not self.done.wait(drawn.uniform(0.2, 0.8)):
            path, begun = drawn.choice(PAGES), time.time()
            try:
                with urllib.request.urlopen(self.origin + path, timeout=20) as answer:
                    status = answer.status
                    answer.read()
            except urllib.error.HTTPError as refusal:
                status = refusal.code
            except OSError as error:
                status = str(error)
            self.readings.append((begun, path, status, time.time() - begun))

    def downs(self):
        """From when to when it was not there, or had just come."""
        for since, gone, _ in self.ends:
            yield since, next((start for start in self.starts if start > gone), time.time()) + 1

    def is_disturbed(self, begin, end):
        return any(down < end and begin < up for down, up in self.downs())
