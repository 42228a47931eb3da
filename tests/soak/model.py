"""What simple rules make of what was published, worked out anew: by nothing but the bodies, in the order in which they
were stored. Only rules without memory are here; the others are played again by the program itself."""
import csv
import datetime
import io
import json

DROP, FALLS = -0.25, -0.02


def ordinal(text):
    """A period as a whole number by which neighbours differ by one; of days, the calendar's."""
    if "Q" in text:
        year, number = text.split("-Q")
        return int(year) * 4 + int(number) - 1
    if len(text) == 10:
        return datetime.date.fromisoformat(text).toordinal()
    if len(text) == 4:
        return int(text)
    text = text.replace("-", "")
    return int(text[:4]) * 12 + int(text[4:]) - 1


def rows(feed, body):
    """(key, period, value) of an answer."""
    if feed == "us-imports":
        for row in json.loads(body)["data"]:
            value = row["qty"] * (1000 if row["unit"] == "t" else 1)
            yield (row["hs"], row["partner"]["iso"]), ordinal(row["period"]), value
        return
    columns = {"cn-magnets": ("partner", "period", "tonnes"), "metals": ("grade", "date", "price")}
    key, period, value = columns.get(feed, ("metal", "period", "stock"))
    for row in csv.DictReader(io.StringIO(body.decode())):
        yield (row[key],), ordinal(row[period]), float(row[value])


def falls_twice(known, period):
    """Whether the figure fell in two periods in a row; None where that cannot be known."""
    here, before, first = (known.get(period - back) for back in range(3))
    if here is None or before is None:
        return None
    if here >= before:
        return False
    return None if first is None else before < first


def changed_by_less(bound):
    def holds(known, period):
        here, before = known.get(period), known.get(period - 1)
        return None if here is None or before is None else here / before - 1 < bound
    return holds


def below(*levels):
    """The gravest of the levels that the figure is below."""
    def holds(known, period):
        return next((name for name, bound in levels if known[period] < bound), False)
    return holds


RULES = {
    "magnets-falling": ("cn-magnets", lambda key: True, falls_twice),
    "magnets-low": ("cn-magnets", lambda key: True, below(("critical", 340), ("warning", 430))),
    "imports-drop": ("us-imports", lambda key: True, changed_by_less(DROP)),
    "price-level": ("metals", lambda key: key == ("Dy oxide",), lambda known, period: known[period] > 1_850_000),
    "stocks-low": ("stocks", lambda key: True, below(("warning", 950))),
    "capacity-shrinks": ("capacity", lambda key: True, changed_by_less(FALLS)),
}


class Played:
    """What a rule's alerts come to: which fire, and how often a revision began or ended one."""

    def __init__(self, rule):
        self.rule = rule
        self.feed, self.means, self.holds = RULES[rule]
        self.known, self.latest, self.state = {}, {}, {}
        # By a revision alone; and by one that came with newer figures, which may be what is told instead.
        self.corrected, self.doubtful = [], []

    def pull(self, body):
        known, revised, arrived = self.known, set(), {}
        for key, period, value in rows(self.feed, body):
            if not self.means(key):
                continue
            series = known.setdefault(key, {})
            if period not in series:
                arrived.setdefault(key, set()).add(period)
            elif abs(series[period] - value) > 1e-6 * max(abs(series[period]), abs(value)):
                revised.add(key)
            series[period] = value
        for key in set(arrived) | revised:
            new = sorted(p for p in arrived.get(key, ()) if p > self.latest.get(key, -1))
            # Of a first sight only the latest period counts.
            new = new[-1:] if key not in self.latest else new
            before = self.state.get(key, False)
            for period in new or [self.latest[key]]:
                verdict = self.holds(known[key], period)
                if verdict is not None:
                    self.state[key] = verdict
            self.latest[key] = (new or [self.latest[key]])[-1]
            if key in revised:
                (self.doubtful if new else self.corrected).extend([key] * (bool(before) != bool(self.state.get(key, False))))

    def firing(self):
        """The keys whose alerts fire, with their severity where there are two."""
        return {key: state for key, state in self.state.items() if state}


def key_of(feed, labels):
    """The key of a series here, of its labels there."""
    names = {"us-imports": ("hs", "partner"), "cn-magnets": ("partner",), "metals": ("grade",)}.get(feed, ("metal",))
    return tuple(labels[name] for name in names)
