-- What ties the deliveries of an alert to each other at a receiver: an episode, or items that follow each other.
ALTER TABLE delivery ADD COLUMN thread TEXT NOT NULL DEFAULT '';

-- Of those that a receiver has a name for, the first is the one that the others reply to.
CREATE INDEX delivery_thread ON delivery(receiver, thread, seq) WHERE remote_ref IS NOT NULL;
