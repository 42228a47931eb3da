"""The figures of some years: what each publisher says when, drawn from a seed, and the files in which it says so."""
import calendar
import datetime
import io
import json
import random

PARTNERS = ["US", "DE", "JP", "KR", "VN", "IN", "TH", "PL"]
GOODS = ["850511", "280530"]
SOURCES = ["CN", "MY", "AU", "VN"]
GRADES = ["NdPr oxide", "Dy oxide", "Tb oxide", "gallium"]
# Months that are known when the watch begins.
BEFORE = 14


def month(ordinal):
    return f"{ordinal // 12}-{ordinal % 12 + 1:02}"


def quarter(ordinal):
    return f"{ordinal // 4}-Q{ordinal % 4 + 1}"


def day(ordinal):
    return datetime.date.fromordinal(ordinal).isoformat()


class Table:
    """What a publisher has said, and the file in which it says so. A value of None takes a figure back."""

    def __init__(self, name, written, render):
        self.name, self.written, self.render = name, written, render
        self.figures, self.version, self.since = {}, 0, None
        self.body = b""

    def say(self, changes, moment):
        """Takes in (key, period, value) and writes the file anew."""
        for key, period, value in changes:
            self.figures[key, period] = (value, moment)
        self.version += 1
        self.body = self.render(self)

    def rows(self, last=None):
        """Rows in order; of the latest `last` periods alone, if that is given."""
        periods = sorted({period for _, period in self.figures})
        shown = set(periods[-last:] if last else periods)
        for (key, period), (value, moment) in sorted(self.figures.items(), key=lambda item: (item[0][1], item[0][0])):
            if period in shown:
                yield key, period, value, moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def magnets(table):
    lines = [f"{table.written(p)},{key[0]},{value},{known}" for key, p, value, known in table.rows()]
    return "\n".join(["period,partner,tonnes,published", *lines, ""]).encode()


def imports(table, unit="kg", scale=1):
    rows = [
        {"period": table.written(p).replace("-", ""), "hs": key[0], "partner": {"iso": key[1]}, "unit": unit,
         "qty": value * scale if scale == 1 else round(value * scale, 6), "published": known}
        for key, p, value, known in table.rows()
    ]
    return json.dumps({"count": len(rows), "data": rows}).encode()


def korea(table):
    lines = [f"{key[0]};{table.written(p)};{f'{value:.1f}'.replace('.', ',')}" for key, p, value, _ in table.rows(30)]
    return "\r\n".join(["Länd;Monat;Menge", *lines, ""]).encode("latin-1")


def europe(table):
    """SDMX-CSV 2.0, whose rows may take back what was said."""
    lines = []
    for key, p, value, _ in table.rows():
        action, shown = ("D", "") if value is None else ("R", value)
        lines.append(f"dataflow,ESTAT:IMPORTS(1.0),{action},M,{key[0]},{table.written(p)},{shown}")
    return "\n".join(["STRUCTURE,STRUCTURE_ID,ACTION,FREQ,PARTNER,TIME_PERIOD,OBS_VALUE", *lines, ""]).encode()


def prices(table):
    lines = [f"{table.written(p)},{key[0]},{value},{known}" for key, p, value, known in table.rows(70)]
    return "\n".join(["date,grade,price,published", *lines, ""]).encode()


def stocks(table):
    lines = [f"{table.written(p)},{key[0]},{value},{known}" for key, p, value, known in table.rows()]
    return "\n".join(["period,metal,stock,published", *lines, ""]).encode()


def late(table):
    lines = [f"{table.written(p)},{value}" for _, p, value, _ in table.rows()]
    return "\n".join(["period,value", *lines, ""]).encode()


def notices(table):
    """RSS with the newest fifteen; the period of an item is its number."""
    items = []
    for _, number, title, _ in list(table.rows(15))[::-1]:
        moment = table.figures[("item",), number][1]
        items.append(
            f"<item><title>{title}</title><guid isPermaLink=\"false\">notice-{number}</guid>"
            f"<link>https://ministry.example/{number}</link>"
            f"<pubDate>{moment.strftime('%a, %d %b %Y %H:%M:%S')} GMT</pubDate></item>")
    return ("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Notices</title>" + "".join(items)
            + "</channel></rss>").encode()


def tables():
    said = [
        Table("cn-magnets", month, magnets), Table("us-imports", month, imports), Table("kr-exports", month, korea),
        Table("eu-imports", month, europe), Table("metals", day, prices), Table("stocks", quarter, stocks),
        Table("capacity", str, stocks), Table("notices", str, notices), Table("late", month, late),
    ]
    return {table.name: table for table in said}


class Publication:
    """At some second of the run a publisher says something."""

    def __init__(self, at, feed, changes, moment, what):
        self.at, self.feed, self.changes, self.moment, self.what = at, feed, changes, moment, what


def falls_twice(known, key, period):
    """Whether exports fell for two months in a row."""
    three = [known.get((key, period - back)) for back in (2, 1, 0)]
    return None not in three and three[0] > three[1] > three[2]


class World:
    """The years of a seed, spread over so many seconds."""

    def __init__(self, seed, seconds, months):
        self.random = random.Random(seed)
        self.month, self.months = seconds / months, months
        today = datetime.date.today()
        # The last month that is played was over some while ago, so that nothing is published in the future.
        self.first = today.year * 12 + today.month - 1 - 3 - months
        self.known, self.publications = {}, []
        self.history()
        for index in range(months):
            self.monthly(index)
        self.daily()
        present = datetime.date.today()
        overdue = [(("",), present.year * 12 + present.month - 1 - back, 11) for back in (2, 1)]
        self.add(0.4 * seconds, "late", overdue, "overdue")
        self.publications.sort(key=lambda one: one.at)

    def moment(self, at):
        """The simulated time of a second of the run; what was known before, at its beginning."""
        ordinal = self.first + max(at, 0) / self.month
        whole = int(ordinal)
        begin = datetime.datetime(whole // 12, whole % 12 + 1, 1)
        return begin + datetime.timedelta(days=calendar.monthrange(begin.year, begin.month)[1] * (ordinal - whole))

    def second(self, date):
        """The second of the run at which it is six in the evening of a day."""
        share = (date.day - 0.25) / calendar.monthrange(date.year, date.month)[1]
        return (date.year * 12 + date.month - 1 - self.first + share) * self.month

    def add(self, at, feed, changes, what="release"):
        for key, period, value in changes:
            self.known[feed, key, period] = value
        self.publications.append(Publication(at, feed, changes, self.moment(at), what))

    def of(self, feed):
        return {(key, period): value for (name, key, period), value in self.known.items() if name == feed}

    def walk(self, feed, key, period, start, spread, digits=1):
        """The next figure: as the one before, more or less."""
        before = self.known.get((feed, key, period - 1)) or start
        drawn = before * (1 + self.random.uniform(-spread, spread)) * 0.9 + start * 0.1
        return round(drawn, digits) if digits else int(drawn)

    def released(self, feed, period):
        """What a publisher has to say of a period."""
        if feed == "cn-magnets":
            return [((partner,), period, self.walk(feed, (partner,), period, 500, 0.3)) for partner in PARTNERS]
        if feed == "us-imports":
            return [((good, source), period, self.walk(feed, (good, source), period, 90_000, 0.4, 0))
                    for good in GOODS for source in SOURCES]
        if feed == "kr-exports":
            return [((partner,), period, self.walk(feed, (partner,), period, 70, 0.35)) for partner in PARTNERS[:5]]
        if feed == "eu-imports":
            return [((partner,), period, self.walk(feed, (partner,), period, 300, 0.3)) for partner in SOURCES]
        start, spread = (1000, 0.25) if feed == "stocks" else (5000, 0.15)
        return [((metal,), period, self.walk(feed, (metal,), period, start, spread)) for metal in ("Nd", "Dy", "Ga")]

    MONTHLY = {"cn-magnets": 0.1, "us-imports": 0.3, "kr-exports": 0.5, "eu-imports": 0.65}

    def history(self):
        for feed in self.MONTHLY:
            for period in range(self.first - BEFORE, self.first):
                self.add(-1, feed, self.released(feed, period))
        for period in range(self.first // 3 - 6, self.first // 3):
            self.add(-1, "stocks", self.released("stocks", period))
        for period in range(self.first // 12 - 4, self.first // 12):
            self.add(-1, "capacity", self.released("capacity", period))
        self.add(-1, "notices", [(("item",), 1, "Notice on the calendar of the ministry")])
        now = datetime.date.today()
        present = now.year * 12 + now.month - 1
        self.add(-1, "late", [(("",), period, 10 + period % 3) for period in range(present - 5, present - 2)])

    def monthly(self, index):
        begin, period = index * self.month, self.first + index
        for feed, offset in self.MONTHLY.items():
            is_late = self.random.random() < 0.12 and index + 1 < self.months
            # What is late comes with the next one, in the same file.
            at = begin + (1 + offset if is_late else offset) * self.month - (0.01 if is_late else 0)
            self.add(at, feed, self.released(feed, period), "late" if is_late else "release")
            if not is_late and self.random.random() < 0.7:
                self.revise(at + 0.3 * self.month, feed, period)
        if (period + 1) % 3 == 0:
            self.add(begin + 0.8 * self.month, "stocks", self.released("stocks", period // 3))
        if period % 12 == 11:
            self.add(begin + 0.9 * self.month, "capacity", self.released("capacity", period // 12))
        for part in (0.2, 0.75):
            number = 2 + 2 * index + (part > 0.5)
            about = self.random.choice(["export controls on magnets", "gallium licences", "opening hours", "public holidays"])
            self.add(begin + part * self.month, "notices", [(("item",), number, f"Notice {number} on {about}")])

    def revise(self, at, feed, period):
        """One figure is said anew: some figure of late, or the one that an alert stands on."""
        known = self.of(feed)
        keys = sorted({key for key, _ in known})
        if feed == "eu-imports" and self.random.random() < 0.4:
            key = self.random.choice(keys)
            self.add(at, feed, [(key, period, None)], "withdrawal")
            self.add(at + max(0.2 * self.month, 7), feed, [(key, period, known[key, period])], "return")
            return
        falling = [key for key in keys if feed == "cn-magnets" and falls_twice(known, key, period)]
        if falling and self.random.random() < 0.7:
            key = self.random.choice(falling)
            self.add(at, feed, [(key, period, round(known[key, period - 1] * 1.1, 1))], "take-back")
            return
        key, of = self.random.choice(keys), period - self.random.randrange(3)
        scale = self.random.choice([0.7, 0.9, 1.1, 1.4])
        value = known[key, of] * scale
        self.add(at, feed, [(key, of, int(value) if feed == "us-imports" else round(value, 1))], "revision")

    def daily(self):
        """Prices of working days; two years have some five hundred."""
        begin, end = self.moment(0).date().toordinal(), self.moment(self.months * self.month).date().toordinal()
        price = {"NdPr oxide": 500_000, "Dy oxide": 1_800_000, "Tb oxide": 6_000_000, "gallium": 2_500}
        start = dict(price)
        for date in map(datetime.date.fromordinal, range(begin - 60, end)):
            if date.weekday() >= 5:
                continue
            for grade in GRADES:
                price[grade] = round((price[grade] * 0.98 + start[grade] * 0.02) * (1 + self.random.gauss(0, 0.025)), 1)
            at = self.second(date) if date.toordinal() >= begin else -1
            self.add(at, "metals", [((grade,), date.toordinal(), price[grade]) for grade in GRADES])
            if at > 0 and self.random.random() < 0.04:
                grade = self.random.choice(GRADES)
                self.add(at + 0.01, "metals", [((grade,), date.toordinal(), round(price[grade] * 0.96, 1))], "revision")


def malformed(kind, table):
    """An answer of status 200 that is not what the table is."""
    if kind == "html":
        return b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>"
    if kind == "columns":
        return table.body.replace(b"period", b"perjod").replace(b"date", b"datum").replace(b"TIME_P", b"TIMES_P").replace(
            b"Monat", b"Mond").replace(b"<item>", b"<thing>").replace(b"<rss", b"<rsx").replace(b"qty", b"quantity")
    if kind == "empty":
        return b""
    if kind == "huge":
        out = io.BytesIO(table.body)
        out.seek(0, io.SEEK_END)
        out.write(b"\"" + b"9" * (4 << 20))
        return out.getvalue()
    if kind == "units":
        if table.name == "us-imports":
            return imports(table, unit="count")
        return bytes(range(256))
    raise ValueError(kind)
