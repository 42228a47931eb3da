"""A PostgreSQL server that is thrown away: in a folder of its own, started, stopped, killed and started again."""
import contextlib
import glob
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE = 60
OLDEST = 14
# Bytes that the databases of all tests together find room in.
ROOM = 6 << 30
# A server waits for others, and others for it, no longer than a test can wait; one that is killed leaves as little as can
# be outside its folder; times are told in UTC.
SETTINGS = {
    "dynamic_shared_memory_type": "mmap",
    "max_connections": 200, "fsync": "on", "synchronous_commit": "on", "wal_retrieve_retry_interval": "200ms",
    "wal_receiver_timeout": "5s", "wal_sender_timeout": "5s", "log_min_messages": "warning", "log_timezone": "UTC",
    "timezone": "UTC", "log_line_prefix": "%m [%p] %q%u@%d ",
}


class Absent(Exception):
    """There is no PostgreSQL here, or what else a server needs."""


class Broken(Exception):
    """A server does not do what it is told."""


def binaries():
    """The folder of the newest server that is installed."""
    found = {}
    places = [*glob.glob("/usr/lib/postgresql/*/bin"), *os.environ.get("PATH", os.defpath).split(os.pathsep)]
    for place in map(pathlib.Path, places):
        if (place / "postgres").exists() and (place / "initdb").exists():
            said = subprocess.run([place / "postgres", "--version"], stdout=subprocess.PIPE, text=True).stdout
            version = re.search(r"\d+", said)
            found.setdefault(int(version[0]) if version else 0, place)
    if not found or max(found) < OLDEST:
        raise Absent(f"no PostgreSQL {OLDEST} or newer: install the package postgresql, or put its `initdb` on PATH")
    return found[max(found)]


def account():
    """The user whose server it is where that cannot be us: a server refuses to run as root."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Absent("no user that a server could run as: neither postgres nor nobody")


def as_user():
    """What lets `subprocess` run a program as that user."""
    if os.geteuid() != 0:
        return {}
    user = account()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def give(path):
    """Gives a file or a folder to that user."""
    if os.geteuid() == 0:
        os.chown(path, account().pw_uid, account().pw_gid)
    return path


def somewhere():
    """Where servers are quick: in memory where there is room, for no test cuts the power. A database is made there in the
    eighth of a second that it takes, and on a busy disk in up to a second, and dropped in up to three. TMPDIR overrules."""
    memory = pathlib.Path("/dev/shm")
    with contextlib.suppress(OSError):
        if "TMPDIR" not in os.environ and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM:
            return memory
    return pathlib.Path(tempfile.gettempdir())


@contextlib.contextmanager
def folder(prefix):
    """A folder for servers, whose path is short enough for the name of a socket; it goes at the end."""
    place = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=somewhere()))
    try:
        yield give(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(arguments, place, **more):
    """A program as the server's user, which must do what it is told."""
    ended = subprocess.run([str(one) for one in arguments], cwd=place, env=environment(place), text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, **as_user(), **more)
    if ended.returncode:
        raise Broken(f"{arguments[0]}: {ended.stdout[-2000:]}")
    return ended.stdout


def environment(place):
    """What a program of the server's may know of us: nothing of the connections that somebody has set up for themselves."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(place), "LC_ALL": "C", "TZ": "UTC"}


def children(pid):
    """The processes that a process has started, with what they call themselves."""
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
                if int(parent) == pid and state != "Z":
                    yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def is_alive(pid):
    """Whether a process runs: one that has ended and that nobody has asked about does not."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def until(holds, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while not holds():
        if time.monotonic() > end:
            raise Broken(f"not within {patience} s: {what}")
        time.sleep(0.02)


class Server:
    """A server `name` in a folder, on a socket there and on an address."""

    def __init__(self, place, name="a", address="127.0.0.1", before=(), **settings):
        self.place, self.name, self.address, self.before = place, name, address, list(before)
        self.binaries, self.port = binaries(), free_port()
        self.data, self.log = place / name, place / f"{name}.log"
        self.settings = SETTINGS | {
            "listen_addresses": address, "port": self.port, "unix_socket_directories": place, "cluster_name": name} | settings
        self.process = None

    # How it begins.

    def create(self):
        """Makes the files of an empty server, whose one role is `sw` and may do everything. Nobody needs a password, but for
        the members of a role `locked`, once there is one."""
        run([self.binaries / "initdb", "--pgdata", self.data, "--username=sw", "--auth=trust", "--encoding=UTF8",
             "--locale=C.UTF-8", "--no-sync"], self.place)
        rules = ["local all all trust", "local replication all trust", "host all +locked all scram-sha-256",
                 "host all all all trust", "host replication sw all trust"]
        (self.data / "pg_hba.conf").write_text("\n".join([*rules, ""]))
        return self.configure()

    def configure(self, **settings):
        """Writes its settings, and some more; they hold from its next start."""
        self.settings |= settings
        lines = ["{} = '{}'".format(name, str(value).replace("'", "''")) for name, value in self.settings.items()]
        (self.data / "postgresql.conf").write_text("\n".join([*lines, ""]))
        return self

    def start(self, patience=PATIENCE):
        """Starts it, and waits until it takes connections."""
        arguments = [*self.before, str(self.binaries / "postgres"), "-D", str(self.data)]
        user = {} if self.before else as_user()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(arguments, cwd=self.place, env=environment(self.place), stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, **user)
        end = time.monotonic() + patience
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Broken(f"the server {self.name} does not start:\n{self.tail()}")
            time.sleep(0.02)
        return self

    def is_ready(self):
        """Whether it says so in its own file of state."""
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and int(lines[0]) == self.process.pid and lines[7].strip() in ("ready", "standby")
        return False

    def is_up(self):
        return self.process is not None and self.process.poll() is None

    def tail(self):
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""

    # How it ends.

    def stop(self):
        """Ends it in order, and without waiting for who is connected."""
        if self.is_up():
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
        return self

    def kill(self):
        """Ends all of its processes at once, as a power cut does."""
        if self.is_up():
            # It must not start others for those that are gone.
            self.process.send_signal(signal.SIGSTOP)
            pids = [pid for pid, _ in children(self.process.pid)]
            for pid in [self.process.pid, *pids]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
            until(lambda: not any(map(is_alive, pids)), f"the server {self.name} is gone")
        return self

    def forget(self):
        """Frees the piece of shared memory that is left of a server that was killed; another start would have done so."""
        with contextlib.suppress(OSError, IndexError):
            segment = (self.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
            subprocess.run(["ipcrm", "-m", segment], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.stop()
        self.forget()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # What it is asked.

    def url(self, database="postgres", user="sw"):
        return f"postgres://{user}@{self.address}:{self.port}/{database}"

    def psql(self, text, database="postgres", patience=PATIENCE):
        """What `psql` prints of some SQL, by the socket."""
        arguments = [self.binaries / "psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only",
                     "--set=ON_ERROR_STOP=1", "--username=sw", f"--host={self.place}", f"--port={self.port}",
                     f"--dbname={database}"]
        try:
            ended = subprocess.run([str(one) for one in arguments], input=text, cwd=self.place, text=True, timeout=patience,
                                   env=environment(self.place), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except subprocess.TimeoutExpired:
            raise Broken(f"no answer within {patience} s: {text}") from None
        if ended.returncode:
            raise Broken(f"{text}\n{ended.stderr.strip()}")
        return ended.stdout.strip()

    def rows(self, query, database="postgres", patience=PATIENCE):
        """The rows of a query, by the names of its columns."""
        text = self.psql(f"SELECT row_to_json(q) FROM ({query}) q", database, patience)
        return [json.loads(line) for line in text.splitlines()]

    def value(self, query, database="postgres", patience=PATIENCE):
        """The one value of a query, as a text."""
        return self.psql(query, database, patience)
