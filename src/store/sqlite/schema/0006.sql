-- What may be told in one message at a receiver; null: each by itself. What is told by another is that one's number:
-- while it is pending, it ends with that one; superseded, it gave way to it, and `gave_way` says why. SQLite changes
-- no check, so that the table is made anew, and with it the one that refers to it.
-- What is dropped first makes room for what follows: a new store has no page without use.
DROP INDEX delivery_pending;
DROP INDEX delivery_failed;
DROP INDEX delivery_oldest;
DROP INDEX delivery_unsent;
DROP INDEX delivery_thread;

CREATE TABLE delivery_new(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    receiver TEXT NOT NULL,
    alert TEXT NOT NULL,
    message TEXT NOT NULL,              -- JSON, frozen once it is attempted; '': its transition's, word for word
    created_at INTEGER NOT NULL,
    patience_from INTEGER NOT NULL,     -- since then it is tried; a retry by hand renews it
    state TEXT NOT NULL DEFAULT 'pending' CHECK(state IN ('pending', 'sent', 'dead', 'superseded')),
    not_before INTEGER NOT NULL,
    claim INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    lease_until INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    sent_at INTEGER,
    remote_ref TEXT,
    thread TEXT NOT NULL DEFAULT '',    -- an episode, or items that follow each other
    held_until INTEGER NOT NULL DEFAULT 0, -- before this it is not attempted, in no hurry
    bundle TEXT,
    told_by INTEGER REFERENCES delivery_new(seq),
    gave_way TEXT,
    transition INTEGER REFERENCES transition(seq)
) STRICT;
INSERT INTO delivery_new(seq, id, receiver, alert, message, created_at, patience_from, state, not_before, claim, holder,
    lease_until, attempts, last_error, sent_at, remote_ref, thread, held_until)
SELECT seq, id, receiver, alert, message, created_at, patience_from, state, not_before, claim, holder,
    lease_until, attempts, last_error, sent_at, remote_ref, thread, held_until FROM delivery;

CREATE TABLE attempt_new(
    delivery INTEGER NOT NULL REFERENCES delivery_new(seq),
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
INSERT INTO attempt_new SELECT delivery, number, claim, holder, started_at, finished_at, outcome, why, after_ms,
    maybe_delivered, remote_ref, status FROM attempt;

DROP TABLE attempt;
DROP TABLE delivery;
ALTER TABLE delivery_new RENAME TO delivery;
ALTER TABLE attempt_new RENAME TO attempt;

-- Only what is pending is searched for work, so that neither sent nor dead ones slow a claim.
CREATE INDEX delivery_pending ON delivery(receiver, alert, seq) WHERE state = 'pending';
CREATE INDEX delivery_failed ON delivery(seq) WHERE last_error IS NOT NULL;

-- The oldest of a receiver first, however many wait; what another tells is not searched for work, either.
CREATE INDEX delivery_oldest ON delivery(receiver, seq) WHERE state = 'pending' AND told_by IS NULL;
CREATE INDEX delivery_bundle ON delivery(receiver, bundle, seq)
    WHERE state = 'pending' AND told_by IS NULL AND bundle IS NOT NULL;
CREATE INDEX delivery_told_by ON delivery(told_by) WHERE told_by IS NOT NULL;

CREATE INDEX delivery_unsent ON delivery(receiver, state) WHERE state <> 'sent';

-- Of those that a receiver has a name for, the first is the one that the others reply to.
CREATE INDEX delivery_thread ON delivery(receiver, thread, seq) WHERE remote_ref IS NOT NULL;
