"""What is left of a run to judge it by: the store, the receivers' own receipts, samples, readings, the log."""
import copy
import json
import sqlite3
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Transition:
    rule: str
    labels: str
    number: int
    episode: int
    kind: str
    cause: str
    severity: str
    period: str
    alert: str
    pull: int
    at: float
    hushed: tuple

    def said(self):
        """What must be the same when history is played again."""
        return (self.rule, self.labels, self.number, self.episode, self.kind, self.cause, self.severity, self.period)


@dataclass(frozen=True)
class Delivery:
    seq: int
    id: str
    receiver: str
    alert: str
    number: int
    episode: int
    title: str
    state: str
    told_by: int
    gave_way: str
    attempts: int
    error: str


@dataclass(frozen=True)
class Pull:
    id: int
    feed: str
    at: float
    outcome: str
    sha256: str
    done: float


@dataclass
class Evidence:
    transitions: list
    deliveries: list
    pulls: list
    firing: list                                  # (rule, labels, severity)
    damage: list                                  # what SQLite finds wrong with the store
    counts: dict
    receipts: list = field(default_factory=list)
    again: list = field(default_factory=list)     # transitions of the history played again
    bodies: dict = field(default_factory=dict)    # by digest: body, times since when it was published
    samples: list = field(default_factory=list)
    readings: list = field(default_factory=list)
    log: list = field(default_factory=list)
    windows: list = field(default_factory=list)   # in seconds since 1970
    daemon: object = None
    met: dict = field(default_factory=dict)       # by feed or receiver and mood: how many requests met it
    log_left: int = 0
    exit_code: int = 0
    calm_since: float = 0
    drained: float = 0
    verdict: str = ""                             # of `store check`
    publications: int = 0
    judged: dict = field(default_factory=dict)    # by feed: the pulls that were judged by themselves
    seconds: float = 0

    def but(self, **changes):
        return replace(copy.copy(self), **changes)


def judged(pulls, log):
    """The pulls whose consequences were worked out, by feed, in their order. What waited when everything was looked at, as
    at a start, was looked at together: of these the last stands for all, and the log has nothing to say of each."""
    nothing = set()
    for line in log:
        if '"pull evaluated"' in line:
            said = json.loads(line)
            if said["assessed"] == said["quiet"] == 0:
                nothing.add(said["pull"])
    by_feed = {}
    for pull in pulls:
        if pull.outcome == "changed":
            by_feed.setdefault(pull.feed, []).append(pull)
    for feed, of in by_feed.items():
        by_feed[feed] = [one for one, later in zip(of, [*of[1:], None]) if not (
            later and one.id in nothing and later.id in nothing and one.done >= later.at)]
    return by_feed


def read_transitions(store):
    rows = store.execute(
        "SELECT t.rule, t.labels, t.number, t.episode, t.kind, t.cause, t.severity, t.period, a.id, t.pull, t.at, t.hushed "
        "FROM transition t JOIN alert a USING(rule, labels) ORDER BY t.seq")
    found = []
    for *said, pull, at, hushed in rows:
        kept = tuple(json.loads(hushed)["receivers"]) if hushed else ()
        found.append(Transition(*said, pull, at / 1000, kept))
    return found


def read(path):
    """The store of a daemon that has ended."""
    store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    damage = [row[0] for row in store.execute("PRAGMA integrity_check") if row[0] != "ok"]
    damage += [f"{row[0]} {row[1]} refers to no {row[2]}" for row in store.execute("PRAGMA foreign_key_check")]
    transitions = read_transitions(store)
    deliveries = []
    for seq, name, receiver, message, state, told_by, gave_way, attempts, error in store.execute(
            "SELECT d.seq, d.id, d.receiver, CASE d.message WHEN '' THEN t.message ELSE d.message END, d.state, d.told_by, "
            "d.gave_way, d.attempts, d.last_error FROM delivery d LEFT JOIN transition t ON t.seq = d.transition "
            "ORDER BY d.seq"):
        message = json.loads(message)
        deliveries.append(Delivery(
            seq, name, receiver, message["alert"]["id"], message["number"], message["alert"]["episode"], message["title"],
            state, told_by, gave_way, attempts, error))
    pulls = [Pull(*row) for row in store.execute(
        "SELECT p.id, f.name, p.at / 1000.0, p.outcome, p.sha256, coalesce(t.done_at, 0) / 1000.0 "
        "FROM pull p JOIN feed f ON f.id = p.feed LEFT JOIN eval_task t ON t.pull = p.id ORDER BY p.id")]
    firing = [(rule, labels, json.loads(state)["severity"]) for rule, labels, state in store.execute(
        "SELECT rule, labels, firing FROM alert WHERE firing IS NOT NULL")]
    counts = {table: store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in (
        "series", "observation", "observation_rev", "item", "pull", "attempt", "silence", "acknowledgement")}
    counts["withdrawn"] = store.execute(
        "SELECT (SELECT count(*) FROM observation WHERE value IS NULL) + "
        "(SELECT count(*) FROM observation_rev WHERE value IS NULL)").fetchone()[0]
    store.close()
    return Evidence(transitions, deliveries, pulls, firing, damage, counts)
