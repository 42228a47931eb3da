"""What is watched and who is told: the config of the daemon that runs, and of the one that is fed its history again."""
from kit import toml

LOCAL = {"insecure": True, "allow_private": True}

FEEDS = {
    "cn-magnets": {"kind": "csv", "schedule": "*/3 * * * * *", "frequency": "month", "unit": "t",
                   "labels": {"reporter": "CN", "flow": "export", "hs": "85051110"},
                   "columns": {"period": "period", "value": "tonnes", "published": "published", "labels": ["partner"]}},
    "us-imports": {"kind": "json", "schedule": "*/3 * * * * *", "frequency": "month", "unit": "kg", "records": "/data",
                   "labels": {"reporter": "US", "flow": "import"},
                   "columns": {"period": "/period", "value": "/qty", "unit": "/unit", "published": "/published",
                               "labels": {"hs": "/hs", "partner": "/partner/iso"}}},
    "kr-exports": {"kind": "csv", "schedule": "*/3 * * * * *", "frequency": "month", "unit": "t", "encoding": "latin-1",
                   "delimiter": ";", "decimal": ",", "labels": {"reporter": "KR", "flow": "export"},
                   "columns": {"period": "Monat", "value": "Menge", "labels": {"partner": "Länd"}}},
    "eu-imports": {"kind": "sdmx", "schedule": "*/3 * * * * *", "frequency": "month", "unit": "t", "format": "csv",
                   "labels": {"reporter": "EU", "flow": "import"}, "columns": {"labels": {"partner": "PARTNER"}}},
    "metals": {"kind": "csv", "schedule": "*/2 * * * * *", "frequency": "day", "unit": "CNY/t", "labels": {"market": "CN"},
               "columns": {"period": "date", "value": "price", "published": "published", "labels": ["grade"]}},
    "stocks": {"kind": "csv", "schedule": "*/5 * * * * *", "frequency": "quarter", "unit": "t",
               "columns": {"period": "period", "value": "stock", "published": "published", "labels": ["metal"]}},
    "capacity": {"kind": "csv", "schedule": "*/5 * * * * *", "frequency": "year", "unit": "t",
                 "columns": {"period": "period", "value": "stock", "published": "published", "labels": ["metal"]}},
    "notices": {"kind": "feed", "schedule": "*/3 * * * * *", "title": "notices of the ministry"},
    "late": {"kind": "csv", "schedule": "*/5 * * * * *", "frequency": "month", "unit": "t", "expect_within": "20s",
             "release": {"day": 1, "after": "1mo", "grace": "1d"}, "columns": {"period": "period", "value": "value"}},
}

RULES = {
    "magnets-falling": {"series": {"feed": "cn-magnets"}, "when": "declines >= 2", "severity": "critical",
                        "notify": ["hook", "flaky", "slack", "mail"]},
    "magnets-low": {"series": {"feed": "cn-magnets"}, "warning": "value < 430 t", "critical": "value < 340 t",
                    "notify": ["hook", "down", "telegram"]},
    "imports-drop": {"series": {"feed": "us-imports"}, "when": "change < -25%", "group": "none",
                     "notify": ["hook", "busy", "ntfy"]},
    "imports-of-one": {"series": {"feed": "us-imports"}, "group_by": ["hs"], "when": "top_share(partner) > 37%",
                       "severity": "info", "notify": ["hook", "matrix"]},
    "korea-falling": {"series": {"feed": "kr-exports"}, "when": "change < -20%", "clear": "change > 5%",
                      "notify": ["hook", "bouncing"]},
    "europe-low": {"series": {"feed": "eu-imports"}, "when": "value < 270 t or yoy < -30%", "notify": ["hook", "mail"]},
    "price-high": {"series": {"feed": "metals", "grade": ["NdPr oxide", "gallium"]}, "when": "value > mean(40) * 106%",
                   "notify": ["hook", "digest", "brief"]},
    "price-level": {"series": {"feed": "metals", "grade": "Dy oxide"}, "when": "value > 1850000 CNY/t",
                    "renotify": "never", "notify": ["hook", "brief"]},
    "price-jump": {"series": {"feed": "metals"}, "when": "change(1mo) > 10%", "clear": "change(1mo) < 2%",
                   "renotify": "never", "notify": ["hook", "flaky", "mattermost"]},
    "stocks-low": {"series": {"feed": "stocks"}, "when": "value < 950 t", "notify": ["hook", "mail", "down"]},
    "capacity-shrinks": {"series": {"feed": "capacity"}, "when": "change < -2%", "notify": ["hook", "mattermost"]},
    "notices-of-controls": {"series": {"feed": "notices"}, "when": 'new("magnet*" or "gallium")',
                            "notify": ["hook", "slack"]},
}

# Comes and goes by a reload.
PASSING = {"imports-rising": {"series": {"feed": "us-imports"}, "when": "rises >= 2", "notify": ["hook"]}}
# Who is told of a rule as long as there is the receiver that comes and goes.
GUEST_OF = "magnets-low"

RECEIVERS = {
    "hook": ("webhook", {"storm": "off"}),
    "flaky": ("webhook", {"storm": "off", "format": "cloudevents"}),
    # What is too much to be told one by one is over within the run.
    "down": ("webhook", {"storm": "6/20s"}),
    "busy": ("webhook", {"rate": "120/min", "storm": "30/1min"}),
    "bouncing": ("webhook", {"storm": "30/1min"}),
    "brief": ("webhook", {"storm": "off", "give_up_after": "25s", "on_ambiguous": "drop"}),
    "digest": ("webhook", {"digest": "*/20 * * * * *"}),
    "ops": ("webhook", {"storm": "off"}),
    "guest": ("webhook", {"storm": "off"}),
    "slack": ("slack", {"path": "/services/T/B/x", "storm": "30/1min"}),
    "mattermost": ("mattermost", {"path": "/hooks/k3y-of-the-hook", "storm": "30/1min"}),
    "telegram": ("telegram", {"token": "42:secret-of-a-bot", "chat": "-1001", "rate": "120/min", "storm": "30/1min"}),
    "ntfy": ("ntfy", {"topic": "supply", "rate": "120/min", "storm": "30/1min"}),
    "matrix": ("matrix", {"token": "syt_secret", "room": "!room:m.example", "rate": "120/min", "storm": "30/1min"}),
    "mail": ("email", {"storm": "30/1min"}),
}


def table(kind, name, keys):
    lines = [f"[{kind}.{name}]", *(f"{key} = {toml(value)}" for key, value in keys.items()), ""]
    return "\n".join(lines)


def receiver(name, door):
    kind, keys = RECEIVERS[name]
    keys = dict(keys)
    if kind == "email":
        place = {"host": "127.0.0.1", "port": door.port, "tls": "none", "from": "watch@example.org", "to": ["desk@example.org"]}
    else:
        place = {"url": door.url + keys.pop("path", "/in" if kind == "webhook" else "")}
    return table("receiver", name, {"kind": kind} | place | LOCAL | keys)


def config(state, port, publishers, receivers, passing=False, guest=False):
    """The daemon's config; `passing` and `guest` are what comes and goes."""
    rules = dict(RULES) | (PASSING if passing else {})
    if guest:
        rules[GUEST_OF] = rules[GUEST_OF] | {"notify": [*rules[GUEST_OF]["notify"], "guest"]}
    parts = [
        table("daemon", "x", {"state": f"sqlite:{state}", "page_url": f"http://127.0.0.1:{port}", "fallback": ["ops"]})
        .replace("[daemon.x]", "[daemon]"),
        f'[web]\nlisten = "127.0.0.1:{port}"\n',
        '[[route]]\nmatch = { kind = "data" }\nnotify = ["ops"]\n',
    ]
    for name, keys in FEEDS.items():
        parts.append(table("feed", name, keys | {"url": f"{publishers[name].url}/{name}"} | LOCAL))
    parts += [table("rule", name, keys) for name, keys in rules.items()]
    parts += [receiver(name, door) for name, door in receivers.items() if guest or name != "guest"]
    return "\n".join(parts)


def replayed(state):
    """The same feeds from files and the same rules, of which a console is told."""
    parts = [f'[daemon]\nstate = "sqlite:{state}"\n', '[web]\nlisten = ""\nsocket = ""\n']
    parts.append('[receiver.desk]\nkind = "console"\n')
    for name, keys in FEEDS.items():
        keys = {key: value for key, value in keys.items() if key not in ("schedule", "release", "expect_within", "format")}
        parts.append(table("feed", name, keys | {"path": f"{name}.file"}))
    parts += [table("rule", name, keys | {"notify": ["desk"]}) for name, keys in RULES.items()]
    return "\n".join(parts)
