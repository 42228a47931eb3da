"""What replicas work in: a publisher and receivers on loopback, a database that several of them share, and the replicas."""
import collections
import contextlib
import hashlib
import http.server
import json
import random
import signal
import subprocess
import threading
import time

from server import Broken, free_port, until

FEEDS, PARTNERS, RECEIVERS = ["magnets", "oxides", "metals", "alloys"], ["US", "DE", "JP"], ["desk", "hook", "ops"]
PATIENCE = 90

# What is written is held against the claims that stand at that moment: a write by one that was taken away is noted.
WATCH = """
CREATE TABLE stale(what TEXT NOT NULL, held BIGINT NOT NULL, newest BIGINT NOT NULL);
CREATE FUNCTION watch_pull() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO stale SELECT 'pull', NEW.epoch, l.epoch FROM lease l JOIN feed f ON l.name = 'feed/' || f.name
        WHERE f.id = NEW.feed AND (l.epoch > NEW.epoch OR l.holder IS NULL);
    RETURN NEW;
END $$;
CREATE FUNCTION watch_attempt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO stale SELECT 'attempt', NEW.claim, d.claim FROM delivery d WHERE d.seq = NEW.delivery AND d.claim > NEW.claim;
    RETURN NEW;
END $$;
CREATE TRIGGER watch AFTER INSERT ON pull FOR EACH ROW EXECUTE FUNCTION watch_pull();
CREATE TRIGGER watch AFTER INSERT OR UPDATE ON attempt FOR EACH ROW EXECUTE FUNCTION watch_attempt();
"""
# And what needs no trigger: pulls are numbered in the order of their commits, so that no epoch of a feed goes back.
GONE_BACK = """
SELECT 'epoch' AS what, epoch AS held, newest FROM (SELECT epoch, max(epoch) OVER (PARTITION BY feed ORDER BY id
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest FROM pull) q WHERE epoch < newest
UNION ALL
SELECT 'claim', claim, newest FROM (SELECT claim, max(claim) OVER (PARTITION BY delivery ORDER BY number
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest FROM attempt) q WHERE claim <= newest
"""


class Quiet(http.server.ThreadingHTTPServer):
    """A server that says nothing of clients that go away."""
    daemon_threads, request_queue_size = True, 128

    def handle_error(self, *_):
        pass


def served(answer):
    """A server on loopback that answers so; where it is."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self, b"")

        def do_POST(self):
            answer(self, self.rfile.read(int(self.headers.get("content-length", 0))))

        def log_message(self, *_):
            pass

    listener = Quiet(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.server_port}"


def say(handler, status, body=b""):
    with contextlib.suppress(OSError):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


class Publisher:
    """Says month after month what a seed drew: each series falls now and then, and recovers."""

    def __init__(self, seed):
        self.months, self.delay, self.asked = 4, 0, collections.Counter()
        draw = random.Random(seed)
        self.figures = {(feed, partner): [round(draw.choice([40, 70, 100, 130]) * draw.uniform(0.9, 1.1), 1) for _ in range(2000)]
                        for feed in FEEDS for partner in PARTNERS}
        self.listener, self.url = served(self.answer)

    def answer(self, handler, _):
        feed = handler.path.strip("/").removesuffix(".csv")
        self.asked[feed] += 1
        # The figures of the moment at which it was asked, however long the answer takes.
        body = self.text(feed, self.months)
        time.sleep(self.delay)
        say(handler, 200, body)

    def text(self, feed, months):
        lines = ["period,partner,value"]
        for month in range(months):
            period = f"{1900 + month // 12}-{month % 12 + 1:02}"
            lines += [f"{period},{partner},{self.figures[feed, partner][month]}" for partner in PARTNERS]
        return "\n".join([*lines, ""]).encode()


class Receivers:
    """Keep a receipt of what they take; now and then the answer is lost."""

    def __init__(self, seed, lost=0.0):
        self.lost, self.delay, self.receipts, self.unanswered = lost, 0, [], set()
        self.draw, self.lock = random.Random(seed), threading.Lock()
        self.listener, self.url = served(self.answer)

    def answer(self, handler, body):
        told = handler.headers.get("webhook-id")
        time.sleep(self.delay)
        with self.lock:
            lost = self.draw.random() < self.lost
            self.receipts.append((handler.path.strip("/"), told, hashlib.sha256(body).hexdigest()))
            if lost:
                self.unanswered.add(told)
        if lost:
            handler.close_connection = True
        else:
            say(handler, 204)


class Replica:
    """One of the replicas."""

    def __init__(self, world, name):
        self.world, self.name, self.process, self.is_stopped = world, name, None, False
        self.place = world.place / name
        self.place.mkdir()
        self.log = self.place / "log"
        self.port = free_port()

    def start(self):
        """Starts it and waits until it serves."""
        before = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            # It remembers nothing beside the database but the timeline.
            self.process = subprocess.Popen(
                [self.world.program, "run", "--config", self.world.config, "--listen", f"127.0.0.1:{self.port}"],
                cwd=self.place, env={"SUPPLYWATCH_LOG": "info", "RUNTIME_DIRECTORY": str(self.place), "STATE_DIRECTORY": str(self.place)},
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        def serves():
            if self.process.poll() is not None:
                raise Broken(f"replica {self.name} ends with {self.process.returncode}:\n{self.said()[-3000:]}")
            return b"supplywatch serves" in self.log.read_bytes()[before:]

        self.is_stopped = False
        until(serves, f"replica {self.name} serves", PATIENCE)
        return self

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def pause(self, seconds):
        self.is_stopped = True
        self.process.send_signal(signal.SIGSTOP)
        threading.Timer(seconds, self.go_on, [self.process]).start()

    def go_on(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
        if process is self.process:
            self.is_stopped = False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            try:
                return self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Broken(f"replica {self.name} does not end when it is told to:\n{self.said()[-3000:]}") from None
        return None


class World:
    """All of it, for one scenario. `admin` is the server that is asked what is stored, which may become another."""

    def __init__(self, place, program, url, admin, seed=1, lease=3, lost=0.0):
        self.place, self.program, self.admin, self.lease = place, program, admin, lease
        self.publisher, self.receivers = Publisher(seed), Receivers(seed, lost)
        self.config, self.replicas = place / "supplywatch.toml", []
        self.write(url)

    def write(self, url):
        own = "insecure = true\nallow_private = true\n"
        parts = [f'[daemon]\nstate = "{url}"\n' + (f'lease = "{self.lease}s"\n' if url.startswith("postgres") else "")]
        for feed in FEEDS:
            parts.append(f'[feed.{feed}]\nkind = "csv"\nurl = "{self.publisher.url}/{feed}.csv"\n{own}frequency = "month"\n'
                         'unit = "t"\ncolumns = { period = "period", value = "value", labels = ["partner"] }\n'
                         'schedule = "*/2 * * * * *"\n')
            parts.append(f'[rule.{feed}-fall]\nseries = {{ feed = "{feed}" }}\nwhen = "change < -25 %"\ngroup = "none"\n'
                         f"notify = {json.dumps(RECEIVERS)}\n")
        parts += [f'[receiver.{name}]\nkind = "webhook"\nurl = "{self.receivers.url}/{name}"\nstorm = "off"\n{own}' for name in RECEIVERS]
        self.config.write_text("\n".join(parts))

    def start(self, count=3):
        for number in range(count):
            self.replicas.append(Replica(self, f"r{number + 1}").start())
        return self

    def value(self, query):
        return self.admin.value(query, "supplywatch")

    def rows(self, query):
        return self.admin.rows(query, "supplywatch")

    def publish(self, months=1):
        self.publisher.months += months

    def settled(self):
        """Whether every figure that was published is stored and judged, and every message is told."""
        expected = self.publisher.months * len(FEEDS) * len(PARTNERS)
        figures = f"(SELECT count(*) FROM observation) = {expected}"
        rest = ("NOT EXISTS (SELECT 1 FROM eval_task WHERE state = 'pending')",
                "NOT EXISTS (SELECT 1 FROM delivery WHERE state = 'pending')")
        with contextlib.suppress(Broken):
            return self.value("SELECT " + " AND ".join([figures, *rest])) == "t"
        return False

    def settle(self, patience=PATIENCE):
        until(self.settled, "all is stored, judged and told", patience)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for replica in self.replicas:
            with contextlib.suppress(Broken):
                replica.stop()
        for one in (self.publisher, self.receivers):
            one.listener.shutdown()
            one.listener.server_close()
