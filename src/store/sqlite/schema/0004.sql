-- How a receiver stands by the attempts so far; `paused_until` is 0 where it does not rest.
ALTER TABLE receiver ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receiver ADD COLUMN failing_since INTEGER;
ALTER TABLE receiver ADD COLUMN last_error TEXT;
ALTER TABLE receiver ADD COLUMN disabled_at INTEGER;
ALTER TABLE receiver ADD COLUMN last_ok_at INTEGER;

-- The oldest of a receiver first, however many wait.
CREATE INDEX delivery_oldest ON delivery(receiver, seq) WHERE state = 'pending';

CREATE INDEX delivery_unsent ON delivery(receiver, state) WHERE state <> 'sent';

-- What ties the deliveries of an alert to each other at a receiver: an episode, or items that follow each other.
ALTER TABLE delivery ADD COLUMN thread TEXT NOT NULL DEFAULT '';

-- Of those that a receiver has a name for, the first is the one that the others reply to.
CREATE INDEX delivery_thread ON delivery(receiver, thread, seq) WHERE remote_ref IS NOT NULL;
