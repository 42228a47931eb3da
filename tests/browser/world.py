"""A daemon on figures of its own, a receiver on loopback that can be told to refuse, and what they are asked."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kit import PATIENCE, ROOT, Failed, answers, expect, free_port, http, toml

SAMPLES = ROOT / "config/samples"


class Receiver:
    """Takes whatever it is sent, and keeps it; while `refuses` is set, it says that it never will."""

    def __init__(self):
        self.refuses, self.taken = False, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(400 if outer.refuses else 204)
                self.end_headers()
                if not outer.refuses:
                    outer.taken.append(json.loads(body))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def until(holds, what, patience=PATIENCE):
    """Waits for something; what it gave."""
    end = time.monotonic() + patience
    while not (found := holds()):
        expect(time.monotonic() < end, f"it does not come: {what}")
        time.sleep(0.1)
    return found


class World:
    """The daemon in a directory of its own."""

    def __init__(self, program, directory, config, files):
        self.program, self.directory, self.port = program, directory, free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        (directory / "config").mkdir(parents=True)
        for name, text in files.items():
            (directory / "config" / name).write_text(text, encoding="utf-8")
        self.config = config
        (directory / "config/supplywatch.toml").write_text(self.config, encoding="utf-8")

    def append(self, name, text):
        with open(self.directory / "config" / name, "a") as file:
            file.write(text)

    @contextlib.contextmanager
    def running(self):
        environment = {"SUPPLYWATCH_LOG": "warn", "PATH": os.environ.get("PATH", os.defpath)}
        log = self.directory / "daemon.log"
        with open(log, "wb") as output:
            command = [self.program, "run", "--listen", f"127.0.0.1:{self.port}"]
            self.process = subprocess.Popen(command, cwd=self.directory, env=environment, stdout=output, stderr=output)
        try:
            end = time.monotonic() + PATIENCE
            while not answers(f"{self.origin}/-/ready"):
                gone = self.process.poll() is not None or time.monotonic() > end
                expect(not gone, f"the daemon does not start:\n{log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.05)
            yield self
            expect(self.process.poll() is None, f"the daemon ended:\n{log.read_text(errors='replace')[-3000:]}")
        finally:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failed("the daemon does not end when it is told to")

    def log(self):
        return (self.directory / "daemon.log").read_text(errors="replace")

    def api(self, path):
        """The data of an answer of the API."""
        status, text = http("GET", f"{self.origin}/api/v1{path}")
        expect(status == 200, f"{path}: {status} {text[:300]}")
        return json.loads(text)["data"]

    def alerts(self, **which):
        """Alerts of which each of these fields has such a value."""
        alerts = self.api("/alerts?limit=1000")["alerts"]
        return [alert for alert in alerts if all(alert.get(name) == value for name, value in which.items())]


def feed(name, **more):
    keys = {
        "kind": "csv", "path": f"{name}.csv", "frequency": "month", "unit": "t",
        "labels": {"reporter": "CN", "flow": "export"},
        "columns": {"period": "period", "value": "tonnes", "labels": ["partner"]},
    } | more
    return f"[feed.{name}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in keys.items()) + "\n"


def rule(name, **more):
    return f"[rule.{name}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in more.items()) + "\n"


def receiver(name, url):
    keys = {"kind": "webhook", "url": url, "insecure": True, "allow_private": True}
    return f"[receiver.{name}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in keys.items()) + "\n"

EVERY_SECOND = "* * * * * *"
NEVER = "0 0 1 1 *"


def sample(program, directory, hook):
    """What a user sees who begins: the samples, and beside them one of each trouble."""
    config = (ROOT / "config/supplywatch.toml").read_text()
    # Only what is pulled at the start; so the figures and what is due are the same whenever this runs.
    own = "".join([
        feed("live", schedule=EVERY_SECOND, title="permanent magnets, weekly survey"),
        feed("gap", schedule=EVERY_SECOND),
        feed("broken", schedule=EVERY_SECOND, path="missing.csv"),
        feed("late", schedule=EVERY_SECOND, release={"day": 20, "after": "1mo", "grace": "1d"}),
        rule("live-falling", series={"feed": "live"}, when=["declines >= 2", "change(1mo) < -5%"], severity="critical",
             notify=["hook"]),
        rule("gap-falling", series={"feed": "gap"}, when="declines >= 2", severity="warning", notify=["hook"]),
        rule("late-rising", series={"feed": "late"}, when="rises >= 3", severity="info", notify=["hook"]),
        receiver("hook", hook.url),
    ])
    config = config.replace('notify   = ["desk"]', 'notify   = ["desk", "hook"]')
    files = {
        "live.csv": "period,partner,tonnes\n2025-07,US,60\n2025-08,US,66\n2025-09,US,65\n2025-10,US,70\n"
                    "2025-09,DE,70\n2025-10,DE,71\n",
        "gap.csv": "period,partner,tonnes\n2025-05,JP,60\n2025-06,JP,50\n2025-07,JP,40\n2025-09,JP,30\n",
        "late.csv": "period,partner,tonnes\n2024-10,KR,1\n2024-11,KR,2\n2024-12,KR,3\n2025-01,KR,4\n",
    }
    world = World(program, directory, own, files)
    shutil.copytree(SAMPLES, directory / "config/samples")
    (directory / "config/supplywatch.toml").write_text(world.config + config, encoding="utf-8")
    return world

# What tries to be more than text where a page shows it. Each that runs leaves a mark.
HOSTILE = [
    "<script>window.marks=1</script>",
    "\"><img src=x onerror=\"window.marks=1\">",
    "'><svg onload='window.marks=1'>",
    "</title></textarea></style></script><script>window.marks=1</script>",
    "javascript:window.marks=1",
    "{{7*7}}{% raw %}${7*7}<%= 7*7 %>",
    "&lt;script&gt;&#x3c;img src=x onerror=window.marks=1&#x3e;",
    "\u202egpj.exe\u2066\u200f\u001b[31m\u0007\u009b",
    "../../../../etc/passwd?x=1&y=2#f%00%2e%2e",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "ünïcode 稀土 🧲",
    "x" * 250,
]


def csv_cell(text):
    return '"' + text.replace('"', '""') + '"'


def hostile(program, directory, hook):
    """Figures whose labels, and whose feed's titles and rules' texts, want to be more than text."""
    lines = ["period,partner,grade,tonnes"]
    for index, text in enumerate(HOSTILE):
        for month, value in ((7, 60), (8, 50), (9, 40)):
            lines.append(f"2025-{month:02},{csv_cell(text)},{csv_cell(HOSTILE[index - 1])},{value}")
    # Longer than a label may be: refused, and shown among the refused rows.
    lines.append(f"2025-09,{csv_cell('<b>' + 'y' * 10_000)},a,1")
    config = "".join([
        feed("hostile", schedule=EVERY_SECOND, title=HOSTILE[0] + HOSTILE[1], labels={"reporter": "CN", "note": HOSTILE[1]},
             columns={"period": "period", "value": "tonnes", "labels": ["partner", "grade"]}),
        feed("broken", schedule=EVERY_SECOND, path="<img src=x onerror=window.marks=1>.csv"),
        rule("hostile-falling", series={"feed": "hostile", "partner": ["*", "!<b>"]}, when="declines >= 2",
             severity="critical", notify=["hook"]),
        receiver("hook", hook.url),
    ])
    return World(program, directory, config, {"hostile.csv": "\n".join(lines) + "\n"})
