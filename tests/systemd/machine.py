"""A bare Debian with systemd as its first process, in a container of its own: made, started, entered, ended."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from kit import ROOT, Absent, Failed, command, expect
from story import UNIT

PLACE = ROOT / "target/systemd"
PACKAGES = "systemd,systemd-sysv,dbus,ca-certificates,libnss-systemd,python3-minimal,procps,sqlite3,sudo,curl"
ENVIRONMENT = {"HOME": "/root", "USER": "root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
               "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
RELEASES = ("bookworm", "trixie")


def bare_root(release):
    """The root of a bare system; kept for the next time."""
    root = PLACE / f"{release}.root"
    ready = PLACE / f"{release}.ready"
    if not ready.exists():
        PLACE.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(root, ignore_errors=True)
        # The mirror that this machine installs from has every release.
        with open(PLACE / f"{release}.log", "wb") as log:
            made = subprocess.run([command("debootstrap", "debootstrap"), "--variant=minbase", f"--include={PACKAGES}",
                                   release, root, *mirror()], stdout=log, stderr=log)
        if made.returncode:
            raise Absent(f"no root of {release}: see {PLACE / f'{release}.log'}")
        ready.touch()
    return root


def mirror():
    """The address at which this machine gets its own packages, where it says so plainly."""
    for source in [pathlib.Path("/etc/apt/sources.list"), *pathlib.Path("/etc/apt/sources.list.d").glob("debian*")]:
        words = source.read_text().split() if source.exists() else []
        found = [word for word in words if word.startswith("http") and word.rstrip("/").endswith("/debian")]
        if found:
            return found[:1]
    return []


class Machine:
    """A system that runs; its files are below `root`, its network is its own."""

    up = []

    def __init__(self, release, keep):
        self.release, self.keep = release, keep
        self.root = PLACE / f"{release}.run"
        self.container = None

    def __enter__(self):
        bare = bare_root(self.release)
        shutil.rmtree(self.root, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", bare, self.root], check=True)
        self.write("/etc/hostname", "watch\n")
        self.write("/etc/hosts", "127.0.0.1 localhost watch\n")
        self.up.append(self)
        try:
            self.boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.up.remove(self)
        self.shut_down()
        if not self.keep:
            shutil.rmtree(self.root, ignore_errors=True)

    def boot(self):
        nspawn = [command("systemd-nspawn", "systemd-container"), "--quiet", "--register=no", "--keep-unit",
                  f"--directory={self.root}", f"--machine=sw-{self.release}-{os.getpid()}", "--private-network",
                  "--resolv-conf=off", "--console=pipe", "--boot"]
        # Groups of processes as systemd has them today, whatever this machine has.
        environment = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        with open(PLACE / f"{self.release}.nspawn.log", "ab") as log:
            self.container = subprocess.Popen(nspawn, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                              start_new_session=True)
        self.until_up()

    def shut_down(self):
        """In order, as at the end of a day."""
        if self.first():
            # What `systemctl poweroff` sends (SIGRTMIN+4).
            os.kill(self.first(), signal.SIGRTMIN + 4)
        try:
            self.container.wait(90)
        except subprocess.TimeoutExpired:
            self.container.kill()
            self.container.wait()

    def until_up(self):
        def is_up():
            expect(self.container.poll() is None, f"the container ended: see {PLACE}")
            state = self.run("systemctl", "is-system-running", check=False).stdout.strip() if self.first() else ""
            return state in ("running", "degraded")
        self.wait(is_up, "the system is up", 90)

    def first(self):
        """The process id of its first process, seen from here; `None` when it is down."""
        if self.container is None or self.container.poll() is not None:
            return None
        children = pathlib.Path(f"/proc/{self.container.pid}/task/{self.container.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def run(self, *arguments, check=True, user=None, stdin="", timeout=180, environment=()):
        """A command in it, as root or as another."""
        variables = ENVIRONMENT | dict(environment)
        words = [str(word) for word in arguments]
        if user:
            # Not `su`: a session of its own would take its time.
            words = ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--", *words]
        ended = subprocess.run([*self.enter(), "env", "-i", *(f"{name}={value}" for name, value in variables.items()), *words],
                               input=stdin, text=True, capture_output=True, timeout=timeout)
        if check and ended.returncode:
            said = ended.stdout[-2000:] + ended.stderr[-2000:]
            raise Failed(f"`{' '.join(words)}` ended with {ended.returncode}:\n{said}")
        return ended

    def says(self, *arguments, **options):
        return self.run(*arguments, **options).stdout.strip()

    def path(self, path):
        return self.root / path.lstrip("/")

    def write(self, path, text, mode=0o644):
        place = self.path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        # As an editor does: whoever reads sees the old text or the new one.
        new = place.with_name(f".{place.name}.new")
        new.write_text(text)
        new.chmod(mode)
        new.rename(place)

    def unit(self, *properties, unit=UNIT):
        shown = self.says("systemctl", "show", unit, *(f"--property={name}" for name in properties))
        pairs = dict(line.split("=", 1) for line in shown.splitlines())
        return [pairs.get(name, "") for name in properties]

    def pid(self):
        return int(self.unit("MainPID")[0])

    def drop_in(self, name, text, unit=f"{UNIT}.service"):
        """Takes one in, or away."""
        path = f"/etc/systemd/system/{unit}.d/{name}.conf"
        if text:
            self.write(path, text)
        else:
            self.path(path).unlink(missing_ok=True)
        self.run("systemctl", "daemon-reload")

    def cursor(self):
        """Where the journal is now."""
        return json.loads(self.says("journalctl", "-n", "1", "-o", "json") or "{}").get("__CURSOR", "")

    def journal(self, *matches, after=""):
        """What the service has written, newest last."""
        since = [f"--after-cursor={after}"] if after else []
        lines = self.run("journalctl", "--quiet", "-u", UNIT, "-o", "json", *since, *matches, check=False).stdout
        return [json.loads(line) for line in lines.splitlines()]

    def ask(self, *arguments, user=None, **options):
        """What the command line has, one value a line."""
        said = self.says("supplywatch", *arguments, "--format", "json", user=user, **options)
        return [json.loads(line) for line in said.splitlines()]

    def wait(self, is_so, what, seconds=30):
        """What it comes to; the time that it took is in `took`."""
        begun = time.monotonic()
        while not (found := is_so()):
            if time.monotonic() - begun > seconds:
                raise Failed(f"after {seconds} s it is not so that {what}; the journal says\n{self.last_words()}")
            time.sleep(0.1)
        self.took = time.monotonic() - begun
        return found

    def last_words(self):
        return self.run("journalctl", "-n", "25", "--no-pager", "-o", "cat", check=False).stdout

    def active(self, seconds=30):
        """Waits until the service runs; the process id."""
        self.wait(lambda: self.unit("ActiveState", "SubState") == ["active", "running"], "the service runs", seconds)
        return self.pid()

    def restart(self):
        self.run("systemctl", "reset-failed", UNIT, check=False)
        self.run("systemctl", "restart", UNIT)
        return self.pid()

    def aside(self, *arguments):
        """A command in it that is not waited for."""
        variables = (f"{name}={value}" for name, value in ENVIRONMENT.items())
        return subprocess.Popen([*self.enter(), "env", "-i", *variables, *arguments])

    def enter(self):
        return ["nsenter", "-t", str(self.first()), "-m", "-u", "-i", "-p", "-n", "-C", "--wdns=/", "--"]

    def process(self):
        """The service's process, as it is numbered here."""
        space = os.readlink(f"/proc/{self.first()}/ns/pid")
        inside = str(self.pid())
        for place in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                status = (place / "status").read_text().splitlines()
                numbers = next(line.split()[1:] for line in status if line.startswith("NSpid:"))
                if numbers[-1] == inside and os.readlink(place / "ns/pid") == space:
                    return int(place.name)
        raise Failed(f"there is no process {inside}")
