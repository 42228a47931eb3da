
-- The transition whose message it is, word for word: its own is '' then. Null where it has its own.
ALTER TABLE delivery ADD COLUMN transition INTEGER REFERENCES transition(seq);
