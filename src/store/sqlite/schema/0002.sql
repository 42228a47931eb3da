-- What a publisher marked of what it has read: JSON, names and values.
ALTER TABLE feed ADD COLUMN marks TEXT NOT NULL DEFAULT '{}';

-- Requests that count against an account's quota, within the window that began at `since`.
CREATE TABLE spent(
    account TEXT NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL,
    calls INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pull_raw_feed ON pull_raw(feed, pull);
