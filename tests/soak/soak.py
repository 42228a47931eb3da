"""One run of the soak: the world, the daemon in it, what is done to them and when, and what is left of it."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request

import evidence
import watched
from daemon import Daemon
from doors import Publisher, Receiver, Relay, low_port
from figures import World, tables
from kit import Failed, expect
from story import Story, windows

# Of its own for the store, so that it can be full (MiB).
DISK = 192


class Soak:
    """One run: the world, the daemon in it, and what is done to them."""

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        seconds = options.minutes * 60
        # The rest is for what is owed at the end.
        self.active = seconds - min(240, seconds * 0.2)
        self.months = max(24, round(self.active / 65))
        self.world = World(options.seed, self.active, self.months)
        self.publishers = {name: Publisher(table) for name, table in tables().items()}
        self.receipts = []
        self.receivers = {
            name: Relay(name, self.receipts) if kind == "email" else Receiver(name, kind, self.receipts)
            for name, (kind, _) in watched.RECEIVERS.items()
        }
        self.state = directory / "state"
        self.state.mkdir()
        self.daemon = Daemon(options.program, directory, self.state, low_port())
        self.story = Story(options.seed)
        self.deeds, self.moods, self.leaks = {}, {}, []
        self.passing = self.guest = False
        self.full_since = self.may_end_until = 0

    def config(self):
        return watched.config(self.daemon.store, self.daemon.port, self.publishers, self.receivers, self.passing, self.guest)

    def did(self, deed):
        self.deeds[deed] = self.deeds.get(deed, 0) + 1

    def is_full(self):
        """Whether the disk is: what ends then cannot start."""
        return self.full_since and not self.may_end_until

    def at_ease(self, deed):
        """A deed of an operator, but for the time in which the disk is full or the daemon may end for it."""
        return lambda: time.time() > self.may_end_until and not self.is_full() and deed()

    def checked(self):
        """Nothing but a full disk may end it, and then it is started again when there is room."""
        if self.daemon.is_up() or self.is_full():
            return
        code = self.daemon.process.returncode
        if time.time() > self.may_end_until or code != 70:
            raise Failed(f"the daemon ended by itself: code {code}")
        self.daemon.ends.append((self.full_since, time.time(), "full disk"))
        self.daemon.start()
        self.did("start after a full disk")

    # What is done to it.

    def kill(self):
        """Kills it: at any moment, or in the act of sending."""
        self.checked()
        if self.is_full():
            return
        had, end = len(self.receipts), time.monotonic() + min(5, self.active / 40)
        while self.story.drawn.random() < 0.97 and len(self.receipts) == had and time.monotonic() < end:
            time.sleep(0.01)
        self.daemon.kill()
        self.daemon.start()
        self.did("kill -9")

    def restart(self):
        self.checked()
        if self.is_full():
            return
        code = self.daemon.stop()
        expect(code == 0, f"SIGTERM: exit code {code}")
        self.daemon.start()
        self.did("SIGTERM and start")

    def reload(self, deed, **changes):
        def act():
            vars(self).update(changes)
            self.daemon.reload(self.config())
            self.did(deed)
        return act

    def bad_reload(self):
        failed = lambda: self.daemon.log_path.read_text(errors="replace").count("reload failed")
        before, end = failed(), time.monotonic() + 20
        self.daemon.reload(self.config().replace("declines >= 2", "declins >= 2", 1))
        while failed() == before:
            expect(time.monotonic() < end, "a bad config is not said")
            time.sleep(0.05)
        # The command line reads the file as well.
        self.daemon.config.write_text(self.config())
        self.did("bad reload")

    def fill(self):
        """Fills the disk; the daemon may end then, and is started again when there is room."""
        self.full_since = time.time()
        with contextlib.suppress(OSError), open(self.state / "ballast", "wb", buffering=0) as ballast:
            while True:
                ballast.write(b"x" * (1 << 16))
        self.did("full disk")

    def empty(self):
        (self.state / "ballast").unlink()
        # What is under way when it sees that it cannot go on has its time to finish.
        self.may_end_until = time.time() + 40

    def acknowledge(self):
        alerts = self.daemon.api("/alerts?state=firing&limit=1000")["alerts"]
        alerts = [alert for alert in alerts if not alert["acknowledgement"]]
        if alerts:
            ended = self.daemon.ask("ack", alerts[0]["fingerprint"], "--note", "it is known", "--author", "soak")
            # It may be over by then.
            expect(ended.returncode == 0 or "no firing alert" in ended.stderr, ended.stderr)
            self.deeds["acknowledgement"] = self.deeds.get("acknowledgement", 0) + (ended.returncode == 0)

    def silence(self):
        partner = self.story.drawn.choice(["US", "DE", "JP"])
        seconds = max(2, int(self.active / 15))
        what = ["--match", f"partner={partner}", "--for", f"{seconds}s", "--comment", "holidays"]
        ended = self.daemon.ask("silence", "add", *what)
        expect(ended.returncode == 0, ended.stderr)
        self.did("silence")

    def enable(self):
        ended = self.daemon.ask("receivers", "enable", "bouncing")
        expect(ended.returncode == 0, ended.stderr)
        self.did("receivers enable")

    def look_after(self):
        """What an operator does to the store while the daemon runs: it is checked and copied."""
        for verb in (["check"], ["backup", self.directory / "backup.db", "--force"]):
            ended = self.daemon.ask("store", *verb)
            expect(ended.returncode == 0, f"store {verb[0]}:\n{ended.stdout}{ended.stderr}")
            self.did(f"store {verb[0]}")

    def leak(self):
        """A listener to changes that never goes away."""
        self.leaks.append(urllib.request.urlopen(f"{self.daemon.origin}/events", timeout=60))

    # What happens when.

    def plan(self):
        story, seconds, drawn = self.story, self.active, self.story.drawn
        for publication in self.world.publications:
            if publication.at < 0:
                self.publishers[publication.feed].say(publication)
            else:
                story.at(publication.at, None, lambda one=publication: self.publishers[one.feed].say(one))
        self.windows = windows(drawn, seconds, list(self.publishers), list(self.receivers))
        for window in self.windows:
            door = self.publishers.get(window.whom) or self.receivers[window.whom]
            story.during(window, door, self.at_ease(self.enable) if window.mood == "410" else lambda: None)
        # The last two thirds belong to one process, whose memory is looked at.
        kills = max(2, round(seconds / 90))
        for index in range(kills):
            story.at((0.04 + 0.28 * (index + drawn.random()) / kills) * seconds, "kill -9", self.kill)
        stops = max(1, round(seconds / 400))
        for index in range(stops):
            story.at((0.05 + 0.25 * (index + drawn.random()) / stops) * seconds, "SIGTERM and start", self.restart)
        story.at(0.34 * seconds, "the last start", self.restart)
        story.at(0.12 * seconds, "a rule comes", self.reload("rule added", passing=True))
        story.at(0.20 * seconds, "a bad config", self.bad_reload)
        story.at(0.25 * seconds, "a receiver comes", self.reload("receiver added", guest=True))
        story.at(0.40 * seconds, None, lambda: self.receivers["guest"].become("refused"))
        story.at(0.53 * seconds, "the receiver goes", self.reload("receiver removed", guest=False))
        story.at(0.60 * seconds, "the rule goes", self.reload("rule removed", passing=False))
        story.at(0.66 * seconds, None, lambda: self.receivers["guest"].become("ok"))
        story.at(0.68 * seconds, "the receiver is back", self.reload("receiver added", guest=True))
        story.at(0.75 * seconds, "another bad config", self.bad_reload)
        story.at(0.80 * seconds, "a good config", self.reload("good reload"))
        if self.has_disk:
            story.at(0.22 * seconds, "the disk is full", self.fill)
            story.at(0.22 * seconds + min(15, 0.04 * seconds), "the disk has room", self.empty)
        for index in range(8):
            story.at((0.1 + 0.1 * index) * seconds + 1, None, self.at_ease(self.acknowledge))
        for part in (0.15, 0.45, 0.7):
            story.at(part * seconds, None, self.at_ease(self.silence))
            story.at((part + 0.1) * seconds, None, self.at_ease(self.look_after))
        self.sabotage(self.options.sabotage)

    def sabotage(self, what):
        if what == "leak-fd":
            for second in range(40):
                self.story.at((0.65 + 0.3 * second / 40) * self.active, None, self.leak)
        late = lambda: time.time() > self.story.begun + 0.5 * self.active
        once = lambda receipt, done=[]: late() and bool(receipt.told) and not done and not done.append(1)
        if what == "drop-delivery":
            self.receivers["hook"].forgets = once
        if what == "double":
            self.receivers["hook"].renames = once

    def live(self):
        """The whole of it; what is left to judge it by."""
        self.has_disk = self.mount()
        try:
            self.plan()
            self.daemon.config.write_text(self.config())
            self.daemon.start()
            aside = [threading.Thread(target=self.daemon.watch, daemon=True)]
            aside += [threading.Thread(target=self.daemon.read, args=(index,), daemon=True) for index in range(3)]
            for thread in aside:
                thread.start()
            try:
                self.story.play(self.checked)
                drained = self.drain()
            finally:
                self.daemon.done.set()
            for thread in aside:
                thread.join(30)
            code = self.daemon.stop()
            return self.found(code, drained)
        finally:
            if self.daemon.is_up():
                self.daemon.kill()
            if self.options.keep:
                lines = [" ".join(str(value) for value in vars(sample).values()) for sample in self.daemon.samples]
                (self.directory / "samples").write_text("\n".join(lines))
                kept = shutil.copytree(self.directory, f"{self.directory}-kept", ignore=lambda place, names: [
                    name for name in names if name.endswith(".sock")])
                print(f"kept: {kept}", flush=True)
            if self.has_disk:
                subprocess.run(["umount", self.state], check=True)

    def mount(self):
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "soak", str(self.state)]
        if os.geteuid() == 0 and subprocess.run(mount, stderr=subprocess.DEVNULL).returncode == 0:
            return True
        print("no disk of its own (it takes root): it is never full", flush=True)
        return False

    def drain(self):
        """Everybody is well; how many seconds until nothing is owed and nothing is wrong."""
        begun = time.monotonic()
        for door in [*self.publishers.values(), *self.receivers.values()]:
            door.become("ok")
        self.daemon.ask("receivers", "enable", "bouncing")
        end = begun + 900
        while True:
            waits = self.daemon.api("/deliveries?state=pending&limit=1000")["deliveries"]
            data = [alert for alert in self.daemon.api("/alerts?state=firing&limit=1000")["alerts"]
                    if alert["kind"] == "data" and alert["rule"] != "delivery:dead"]
            if not waits and not data or time.monotonic() > end:
                return time.monotonic() - begun
            time.sleep(1)

    def found(self, code, drained):
        store = self.daemon.store
        log = store.with_name(store.name + "-wal")
        log_left = log.stat().st_size if log.exists() else 0
        run = evidence.read(store)
        run.exit_code, run.drained, run.log_left = code, drained, log_left
        run.receipts, run.daemon = list(self.receipts), self.daemon
        run.bodies = {digest: found for one in self.publishers.values() for digest, found in one.bodies.items()}
        run.samples, run.readings = self.daemon.samples, self.daemon.readings
        run.log = self.daemon.log_path.read_text(errors="replace").splitlines()
        run.judged = evidence.judged(run.pulls, run.log)
        run.windows = self.windows
        for window in self.windows:
            window.begin += self.story.begun
            window.end += self.story.begun
        moods = {(name, mood): count for name, one in self.publishers.items() for mood, count in one.counted.items()}
        moods |= {(name, mood): count for name, one in self.receivers.items() for mood, count in one.counted.items()}
        run.met = {"moods": moods, "deeds": self.deeds}
        run.calm_since = self.daemon.starts[-1] + 20
        run.seconds = self.active
        run.publications = sum(one.at >= 0 for one in self.world.publications)
        checked = self.daemon.ask("store", "check")
        run.verdict = checked.stdout.strip().splitlines()[-1]
        run.damage += [checked.stdout + checked.stderr] if checked.returncode else []
        run.again = self.replay(run)
        return run

    def replay(self, run):
        """The transitions of a fresh store that is given what this one stored, pull by pull. Feeds know nothing of each
        other, so each run takes one pull of every feed."""
        place = pathlib.Path(tempfile.mkdtemp(prefix="again-", dir=self.directory))
        config = place / "supplywatch.toml"
        config.write_text(watched.replayed(place / "again.db"))
        for index in range(max(map(len, run.judged.values()))):
            for name, of in run.judged.items():
                if index < len(of):
                    (place / f"{name}.file").write_bytes(run.bodies[of[index].sha256][0])
            ended = subprocess.run([self.options.program, "run", "--once", "--config", config], cwd=place, env={}, text=True,
                                   capture_output=True)
            expect(ended.returncode == 0, f"played again, it ends with {ended.returncode}:\n{ended.stderr[-2000:]}")
        return evidence.read(place / "again.db").transitions
