-- The counted day of the sweep that released a blob; none while the tree needs it, or a commit has added it again.
ALTER TABLE blobs ADD COLUMN released_day INTEGER CHECK (released_day IS NULL OR upload IS NULL);

-- The place of that sweep in the log of its space.
ALTER TABLE blobs ADD COLUMN released_seq INTEGER CHECK ((released_seq IS NULL) = (released_day IS NULL));

CREATE INDEX blobs_by_release ON blobs (released_day) WHERE released_day IS NOT NULL;
CREATE INDEX blobs_released ON blobs (space, released_day, released_seq, size) WHERE released_day IS NOT NULL;
CREATE INDEX spaces_by_owner ON spaces (owner);

-- Objects whose rows are gone and whose files are to be removed. An object has one row all its life, so none comes back.
CREATE TABLE doomed (
    object BLOB NOT NULL PRIMARY KEY
) STRICT;

-- The newest day that was seen, and the days that were counted, from the first one on: those on which the server ran.
CREATE TABLE counted_days (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seen_day INTEGER NOT NULL,
    counted_day INTEGER NOT NULL
) STRICT;
