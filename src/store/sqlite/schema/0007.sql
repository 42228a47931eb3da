-- What alerts are found and listed by: their id, how grave they are (0: ok; 1, 2, 3: info, warning, critical), and since
-- when: the beginning of what fires, or the end of what fired.
ALTER TABLE alert ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN gravity INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
UPDATE alert SET
    id = alert_id(rule, labels),
    gravity = CASE firing ->> 'severity' WHEN 'critical' THEN 3 WHEN 'warning' THEN 2 WHEN 'info' THEN 1 ELSE 0 END,
    since = coalesce(
        CAST(round(unixepoch(firing ->> 'said_at', 'subsec') * 1000) AS INTEGER),
        (SELECT t.at FROM transition t WHERE t.rule = alert.rule AND t.labels = alert.labels
            ORDER BY t.number DESC LIMIT 1),
        written_at);
CREATE INDEX alert_id ON alert(id);
CREATE INDEX alert_listed ON alert(gravity, since, id);

-- All of them, for lists. The condition holds for each, and only what says it finds these: work is never searched by them.
CREATE INDEX delivery_alert ON delivery(alert) WHERE seq > 0;
CREATE INDEX delivery_receiver ON delivery(receiver) WHERE seq > 0;

-- Few, so that the others need no look at each.
CREATE INDEX series_former ON series(feed) WHERE current = 0;
