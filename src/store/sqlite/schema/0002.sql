-- What a publisher marked of what it has read: JSON, names and values.
ALTER TABLE feed ADD COLUMN marks TEXT NOT NULL DEFAULT '{}';

-- Requests that count against an account's quota, within the window that began at `since`.
CREATE TABLE spent(
    account TEXT NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL,
    calls INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pull_raw_feed ON pull_raw(feed, pull);

-- How far a rule has looked at a feed: what has no alert was found quiet until then. The last programs of the schema before
-- made it already.
CREATE TABLE IF NOT EXISTS look(
    rule TEXT NOT NULL,
    feed TEXT NOT NULL,
    rule_hash TEXT NOT NULL,            -- '': forgotten
    seen INTEGER,                       -- a pull; null: not at all of its series yet
    version INTEGER NOT NULL,
    PRIMARY KEY(rule, feed)
) STRICT, WITHOUT ROWID;
