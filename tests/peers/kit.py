"""What every peer needs: a server on loopback, a door before it that loses answers, the program with one receiver."""
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 60


class Absent(Exception):
    """A peer is not there, and cannot be installed."""


class Failed(Exception):
    """What arrived is not what was sent."""


def expect(holds, what):
    if not holds:
        raise Failed(what)


INSTALLING = threading.Lock()
# Servers are where only root looks.
PATHS = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])


def command(name, package):
    """The path of a command; the Debian package that has it is installed where it is missing."""
    with INSTALLING:
        found = shutil.which(name, path=PATHS)
        if not found and os.geteuid() == 0 and shutil.which("apt-get"):
            quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            for line in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
                subprocess.run(["apt-get", *line], env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            found = shutil.which(name, path=PATHS)
    if not found:
        raise Absent(f"no `{name}`: install the package {package}, or put it on PATH")
    return found


def from_pypi(package):
    """The `bin` of an environment of its own with a package from PyPI; kept for the next time."""
    place = ROOT / "target/peers" / re.match(r"[\w.-]+", package)[0]
    ready = place / "ready"
    if not ready.exists():
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        pip = [place / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
        if subprocess.run(pip, stdout=sys.stderr).returncode:
            raise Absent(f"PyPI's {package} cannot be installed")
        ready.touch()
    return place / "bin"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(arguments, log, is_up):
    """A server while the block runs; it is ended by its own process id. `is_up` is an address, or says it itself."""
    if isinstance(is_up, str):
        url, is_up = is_up, lambda: answers(url)
    with open(log, "wb") as output:
        # Some servers end the whole group that they lead.
        process = subprocess.Popen([str(a) for a in arguments], stdout=output, stderr=output, cwd=log.parent,
                                   start_new_session=True)
        try:
            end = time.monotonic() + PATIENCE
            while not is_up():
                if process.poll() is not None or time.monotonic() > end:
                    raise Failed(f"it does not start:\n{log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(url):
    try:
        return http("GET", url)[0] == 200
    except OSError:
        return False


def instant(text):
    """What a JSON has as a time in UTC. Python 3.9 knows neither `Z` nor fractions of any length."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return datetime.datetime.fromisoformat(f"{seconds}.{fraction:0<6.6}+00:00")


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


def http(method, url, body=None, headers=()):
    """The status and the text of an answer; a body that is no text is sent as JSON."""
    data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


class Lossy:
    """Stands before a server on loopback. While `loses` is set, the server gets all that is sent, and its answer is lost:
    the first one after an answer with `after` in it. While `holds` is set, it is kept back instead, and told in `held`."""

    def __init__(self, port, after=b""):
        self.upstream, self.after, self.loses, self.holds = port, after, False, False
        self.held = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        loses, holds = self.loses, self.holds
        with client, socket.create_connection(("127.0.0.1", self.upstream)) as server:
            back = threading.Thread(target=self.pump, args=(server, client, loses, holds), daemon=True)
            back.start()
            self.pump(client, server, False, False)
            back.join(PATIENCE)

    def pump(self, source, target, loses, holds):
        is_after = not self.after
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_after and holds:
                    self.held.set()
                    continue
                if is_after and loses:
                    target.shutdown(socket.SHUT_RDWR)
                    return
                target.sendall(data)
                is_after = is_after or self.after in data
            target.shutdown(socket.SHUT_WR)


HISTORY = "period,partner,tonnes\n2025-05,US,46.4\n2025-06,US,353\n2025-07,US,619\n2025-08,US,590\n"
FIRES = HISTORY + "2025-09,US,420.5\n"
REVISED = HISTORY + "2025-09,US,600\n"
FIRES_AGAIN = REVISED + "2025-10,US,500\n2025-11,US,400\n"
ENDS = FIRES_AGAIN + "2025-12,US,656\n"
GOES_ON = FIRES + "2025-10,US,400\n"
IS_OVER = GOES_ON + "2025-11,US,656\n"
# What the figures say, one after the other, and the word that the message begins with.
STORY = [(FIRES, "CRITICAL"), (REVISED, "CORRECTED"), (FIRES_AGAIN, "CRITICAL"), (ENDS, "RESOLVED")]

CONFIG = """
[feed.magnets]
kind = "csv"
path = "magnets.csv"
frequency = "month"
unit = "t"
labels = { reporter = "CN", flow = "export" }
columns = { period = "period", value = "tonnes", labels = ["partner"] }

[rule.magnets-falling]
series = { feed = "magnets" }
when = "declines >= 2"
severity = "critical"
notify = ["them"]

[receiver.them]
"""


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


class Watch:
    """The program with one receiver, and the figures that it watches."""

    environment = {"SUPPLYWATCH_LOG": "warn"}

    def __init__(self, program, directory, receiver, more):
        self.program, self.directory, self.more = program, pathlib.Path(directory), more
        (self.directory / "config").mkdir(parents=True)
        self.configure(receiver)

    def configure(self, receiver):
        keys = "\n".join(f"{key} = {toml(value)}" for key, value in receiver.items())
        text = f"{CONFIG}{keys}\n{self.more}"
        (self.directory / "config/supplywatch.toml").write_text(text)

    def ask(self, *arguments):
        return subprocess.run([self.program, *arguments], cwd=self.directory, env=self.environment, text=True, capture_output=True)

    def start(self, figures):
        """The program as a daemon."""
        (self.directory / "config/magnets.csv").write_text(figures)
        log = open(self.directory / "daemon.log", "wb")
        with log:
            return subprocess.Popen([self.program, "run"], cwd=self.directory, env=self.environment, stdout=log,
                                    stderr=log)

    def once(self, figures=None, code=0):
        """One run of the program, which must end with this code."""
        if figures:
            (self.directory / "config/magnets.csv").write_text(figures)
        ended = self.ask("run", "--once")
        expect(ended.returncode == code, f"code {ended.returncode}, not {code}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout + ended.stderr

    def until_delivered(self):
        """Runs until nothing is owed any more."""
        end = time.monotonic() + PATIENCE
        while self.ask("run", "--once").returncode:
            expect(time.monotonic() < end, "it is not delivered")
            time.sleep(0.5)

    def deliveries(self, *arguments):
        """What was sent, newest first."""
        return [json.loads(line) for line in self.ask("deliveries", *arguments, "--format", "json").stdout.splitlines()]

    def failed(self):
        """What was not delivered, newest first."""
        return self.deliveries("--failed")


@contextlib.contextmanager
def watch(options, receiver, more=""):
    local = {"insecure": True, "allow_private": True}
    with tempfile.TemporaryDirectory() as directory:
        yield Watch(options.program, pathlib.Path(directory) / "watch", local | receiver, more)
