-- Who may sign up; one row, which who runs the server may change at any time.
CREATE TABLE door (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sign_up TEXT NOT NULL CHECK (sign_up IN ('open', 'puzzle', 'invite', 'closed'))
) STRICT;

INSERT INTO door (id, sign_up) VALUES (1, 'puzzle');

-- Invites that are good. Using or revoking one removes it, so that nothing says which account came of it.
CREATE TABLE invites (
    id BLOB NOT NULL PRIMARY KEY,
    -- SHA-512/256 of the invite, which is 20 random bytes.
    hash BLOB NOT NULL UNIQUE,
    -- Bytes that the account may store; none for what the server gives to all.
    quota INTEGER,
    made_day INTEGER NOT NULL
) STRICT;
