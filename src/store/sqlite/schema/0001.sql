-- Times are Unix milliseconds; periods are ordinals of the series' frequency.

CREATE TABLE meta(
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Fencing: a write names the epoch that it holds.
CREATE TABLE lease(
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT,                        -- null: nobody
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE feed(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    spec_hash TEXT,
    next_due_at INTEGER,
    etag TEXT,
    last_modified TEXT,
    content_sha256 TEXT,
    last_ok_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    last_error TEXT
) STRICT;

CREATE TABLE pull(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    feed INTEGER NOT NULL REFERENCES feed(id),
    scheduled_for INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL,                -- when the response was complete, or the pull failed
    outcome TEXT NOT NULL CHECK(outcome IN ('changed', 'same', 'set_aside', 'failed')),
    url TEXT,
    sha256 TEXT,
    bytes INTEGER,
    http_status INTEGER,
    reason TEXT,
    n_new INTEGER NOT NULL DEFAULT 0,
    n_revised INTEGER NOT NULL DEFAULT 0,
    n_unchanged INTEGER NOT NULL DEFAULT 0,
    n_refused INTEGER NOT NULL DEFAULT 0,
    refused TEXT NOT NULL DEFAULT '[]'  -- the first refusals, as JSON
) STRICT;
-- A tick is answered once; a failure leaves it open.
CREATE UNIQUE INDEX pull_tick ON pull(feed, scheduled_for) WHERE outcome IN ('changed', 'same');
CREATE INDEX pull_changed ON pull(feed, id) WHERE outcome = 'changed';

-- What arrived with a pull that was set aside, deflated.
CREATE TABLE pull_raw(
    pull INTEGER PRIMARY KEY REFERENCES pull(id),
    feed INTEGER NOT NULL REFERENCES feed(id),
    body BLOB NOT NULL
) STRICT;

CREATE TABLE series(
    id INTEGER PRIMARY KEY,
    feed INTEGER NOT NULL REFERENCES feed(id),
    labels TEXT NOT NULL,               -- JSON with sorted names
    frequency TEXT NOT NULL,
    unit TEXT NOT NULL,                 -- '' : none
    current INTEGER NOT NULL DEFAULT 1, -- 0: its feed now has these labels with another frequency or unit
    UNIQUE(feed, labels, frequency, unit)
) STRICT;

-- What is known now. A figure covers `length` periods that end with `last`.
CREATE TABLE observation(
    series INTEGER NOT NULL REFERENCES series(id),
    last INTEGER NOT NULL,
    length INTEGER NOT NULL,
    value REAL,                         -- NULL: the figure before was withdrawn
    status INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    pull INTEGER NOT NULL REFERENCES pull(id),
    seq INTEGER NOT NULL,               -- orders the vintages of one pull
    PRIMARY KEY(series, last, length)
) STRICT, WITHOUT ROWID;

-- What was known: from `pull`, included, until `superseded_by`, excluded. Only ever added to.
CREATE TABLE observation_rev(
    series INTEGER NOT NULL REFERENCES series(id),
    last INTEGER NOT NULL,
    length INTEGER NOT NULL,
    value REAL,                         -- NULL: the figure before was withdrawn
    status INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    pull INTEGER NOT NULL REFERENCES pull(id),
    seq INTEGER NOT NULL,
    superseded_by INTEGER NOT NULL REFERENCES pull(id),
    PRIMARY KEY(series, last, length, pull, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE pull_series(
    pull INTEGER NOT NULL REFERENCES pull(id),
    series INTEGER NOT NULL REFERENCES series(id),
    n_new INTEGER NOT NULL,
    n_revised INTEGER NOT NULL,
    min_last INTEGER NOT NULL,
    PRIMARY KEY(pull, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE eval_task(
    pull INTEGER NOT NULL REFERENCES pull(id),
    shard INTEGER NOT NULL,
    feed INTEGER NOT NULL REFERENCES feed(id),
    state TEXT NOT NULL DEFAULT 'pending' CHECK(state IN ('pending', 'done')),
    claim INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    lease_until INTEGER NOT NULL DEFAULT 0,
    done_at INTEGER,
    PRIMARY KEY(pull, shard)
) STRICT, WITHOUT ROWID;
CREATE INDEX eval_task_pending ON eval_task(feed, shard, pull) WHERE state = 'pending';

CREATE TABLE rule(
    name TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,
    baseline INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alert(
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    firing TEXT,                        -- JSON; null: ok
    held TEXT,
    number INTEGER NOT NULL,
    episode INTEGER NOT NULL,
    assessed TEXT,
    seen INTEGER NOT NULL,
    rule_hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY(rule, labels)
) STRICT, WITHOUT ROWID;

CREATE TABLE transition(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    number INTEGER NOT NULL,
    episode INTEGER NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    severity TEXT NOT NULL,
    period TEXT,
    pull INTEGER,
    at INTEGER NOT NULL,
    message TEXT NOT NULL,              -- JSON
    UNIQUE(rule, labels, number),
    FOREIGN KEY(rule, labels) REFERENCES alert(rule, labels)
) STRICT;

CREATE TABLE delivery(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    receiver TEXT NOT NULL,
    alert TEXT NOT NULL,
    message TEXT NOT NULL,              -- JSON, frozen
    created_at INTEGER NOT NULL,
    patience_from INTEGER NOT NULL,     -- since then it is tried; a retry by hand renews it
    state TEXT NOT NULL DEFAULT 'pending' CHECK(state IN ('pending', 'sent', 'dead')),
    not_before INTEGER NOT NULL,
    claim INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    lease_until INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    sent_at INTEGER,
    remote_ref TEXT
) STRICT;
-- Only what is pending is searched for work, so that neither sent nor dead ones slow a claim.
CREATE INDEX delivery_pending ON delivery(receiver, alert, seq) WHERE state = 'pending';
CREATE INDEX delivery_failed ON delivery(seq) WHERE last_error IS NOT NULL;

CREATE TABLE attempt(
    delivery INTEGER NOT NULL REFERENCES delivery(seq),
    number INTEGER NOT NULL,
    claim INTEGER NOT NULL,
    holder TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,                -- null: under way, or cut off
    outcome TEXT,
    why TEXT,
    after_ms INTEGER,
    maybe_delivered INTEGER NOT NULL DEFAULT 0,
    remote_ref TEXT,
    status INTEGER,
    PRIMARY KEY(delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE receiver(
    name TEXT NOT NULL PRIMARY KEY,
    paused_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
