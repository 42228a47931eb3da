-- Alerts of which nobody is told for a while.
CREATE TABLE silence(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    matcher TEXT NOT NULL,              -- JSON: names with their patterns
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    comment TEXT NOT NULL,
    author TEXT NOT NULL
) STRICT;

-- What is over is not looked at when messages are planned.
CREATE INDEX silence_until ON silence(until);

-- Who knows of an episode.
CREATE TABLE acknowledgement(
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    episode INTEGER NOT NULL,
    at INTEGER NOT NULL,
    note TEXT NOT NULL,
    author TEXT NOT NULL,
    PRIMARY KEY(rule, labels, episode),
    FOREIGN KEY(rule, labels) REFERENCES alert(rule, labels)
) STRICT, WITHOUT ROWID;

-- What kept a transition's messages back, and from whom: JSON; null where nothing did.
ALTER TABLE transition ADD COLUMN hushed TEXT;

-- Before this it is not attempted, in no hurry: its receiver wants quiet.
ALTER TABLE delivery ADD COLUMN held_until INTEGER NOT NULL DEFAULT 0;
