-- When the failures of a feed began, while they last.
ALTER TABLE feed ADD COLUMN failing_since INTEGER;

CREATE INDEX pull_feed ON pull(feed, id);
