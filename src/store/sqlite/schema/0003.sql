-- When the failures of a feed began, while they last.
ALTER TABLE feed ADD COLUMN failing_since INTEGER;

CREATE INDEX pull_feed ON pull(feed, id);

-- Published items as they were first said; how many there are of a day is a figure of the feed's series.
CREATE TABLE item(
    feed INTEGER NOT NULL REFERENCES feed(id),
    id TEXT NOT NULL,                   -- the publisher's own
    pull INTEGER NOT NULL REFERENCES pull(id),
    day INTEGER NOT NULL,
    title TEXT NOT NULL,
    url TEXT,
    summary TEXT NOT NULL,
    tags TEXT NOT NULL,                 -- JSON: pairs of name and value
    corrects TEXT,                      -- the id or the title of another
    effective INTEGER,
    ends INTEGER,
    PRIMARY KEY(feed, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX item_day ON item(feed, day);
