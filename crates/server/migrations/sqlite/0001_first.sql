-- Days are days since 1970-01-01; nothing finer is kept. Ids and hashes are raw bytes.

CREATE TABLE accounts (
    id BLOB NOT NULL PRIMARY KEY,
    handle TEXT NOT NULL UNIQUE,
    -- SHA-512/256 of the registration, so that the same one sent again is recognised.
    request_hash BLOB NOT NULL,
    opaque_record BLOB NOT NULL,
    recovery_public_key BLOB NOT NULL,
    space BLOB NOT NULL,
    quota INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
    reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    registered_day INTEGER NOT NULL
) STRICT;

CREATE TABLE boxes (
    account BLOB NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL CHECK (kind IN ('password_slot', 'recovery_slot', 'identity', 'space')),
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (account, kind)
) STRICT;

CREATE TABLE devices (
    account BLOB NOT NULL REFERENCES accounts (id),
    id BLOB NOT NULL,
    auth_public_key BLOB NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;

CREATE TABLE sigchain (
    account BLOB NOT NULL REFERENCES accounts (id),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    link BLOB NOT NULL,
    PRIMARY KEY (account, seq)
) STRICT;

CREATE TABLE spaces (
    id BLOB NOT NULL PRIMARY KEY,
    owner BLOB NOT NULL REFERENCES accounts (id),
    epoch INTEGER NOT NULL,
    -- Encoded CapabilityKeys.
    keys BLOB NOT NULL,
    head BLOB NOT NULL,
    seq INTEGER NOT NULL,
    -- Encoded Frontier over the headers before the head.
    frontier BLOB NOT NULL
) STRICT;

CREATE TABLE commits (
    space BLOB NOT NULL REFERENCES spaces (id),
    seq INTEGER NOT NULL,
    header BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (space, seq)
) STRICT;

CREATE TABLE uploads (
    space BLOB NOT NULL REFERENCES spaces (id),
    id BLOB NOT NULL,
    -- Padded bytes promised, and how many of them begun or complete blobs take; both sink when a commit names the blobs.
    reserved INTEGER NOT NULL CHECK (reserved >= 0),
    charged INTEGER NOT NULL DEFAULT 0 CHECK (charged >= 0 AND charged <= reserved),
    ticket BLOB,
    active_day INTEGER NOT NULL,
    PRIMARY KEY (space, id)
) STRICT;

CREATE INDEX uploads_by_day ON uploads (active_day);

CREATE TABLE blobs (
    space BLOB NOT NULL REFERENCES spaces (id),
    id BLOB NOT NULL,
    -- The upload it is charged to; none once a commit names it.
    upload BLOB,
    -- Names the stored bytes; never seen outside the server.
    object BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    hash BLOB NOT NULL,
    complete INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (space, id),
    FOREIGN KEY (space, upload) REFERENCES uploads (space, id)
) STRICT;

CREATE INDEX blobs_by_upload ON blobs (space, upload, id) WHERE upload IS NOT NULL;

-- Written when earlier transactions must be durable and there is nothing else to write.
CREATE TABLE flushes (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL
) STRICT;

INSERT INTO flushes (id, count) VALUES (1, 0);
