//! What the things mean that a server sees.

pub(super) const BEGINNING: &str = "\
# What the server sees

Everything an AnoniCloud server gets to see of an account, and why it is there. A test writes this page
(`testing/e2e/tests/e2e/privacy`): it makes an account on one device, sends a folder, is cut and goes on, moves, copies and
removes, reclaims, signs in on a second device, fetches everything, and leaves a transfer unfinished. Then it lists what is
in the server's database, in its folder and in all requests. A table, column, file, request, field or header that this page
does not explain fails the test, and so does an explanation of something that is not there.

The same run looks for every file name, every piece of content, the password, the recovery words, the devices' keys, the
paths on the device and the client's address, in plain, in hexadecimal and in base64, in all that passed and all that
stayed. None is found. The handle is the one thing that shows.

`3f..` stands for bytes that mean nothing without a key or an id drawn at random. What is sealed was encrypted on the device,
with a key that the server never has.

## The database

`metadata.sqlite` in the data folder, with all columns of all tables.
";

pub(super) const FILES_TITLE: &str = "
## The data folder

The system keeps four times for each file. Of what is in `blobs`, the times of modification and of access are set to the
midnight (UTC) before it was written, and reading leaves no time where the file system allows that (`O_NOATIME`; otherwise
mount it with `noatime`). The times of birth and of change are not the server's to set: they are exact, and tell who takes
the disk when a piece was written. So are the times of the folders, of the database's files, and of a piece that is half there.
";

pub(super) const REQUESTS_TITLE: &str = "
## The requests

The network shows the server the address that a connection comes from, for as long as the connection lasts. It is kept
nowhere: not in a table, not in a file, not in the log. Who does not want to show it either connects through Tor.

A space is one tree of files. Its requests travel on connections of their own under a session of their own, which proves
a right and not who asks.
";

pub(super) const HEADERS_TITLE: &str = "
Headers of these requests:

| Header | What for |
|---|---|
";

pub(super) const END: &str = "
## The log

At its most talkative level the log holds events of the server: that it stops, that a connection ended early and what the
system said, that idle uploads were collected, that released pieces were freed, that the disk is full. It has no handle, id,
path, address, user agent or time of day in it.

## What can be concluded from it

Who runs the server, or takes it, can conclude from all this, and from watching it run:

- that an account exists, its handle, the day it was made, how many devices it has and how much it stores;
- how many full segments of 4 MiB and which padded sizes of other pieces there are, and so about how large large files are;
  small files travel together in packs, and neither their number nor their sizes show;
- which pieces were stored by the same upload or commit, and in which order, and on which day they were no longer needed;
- while it runs: when an account is active and from which address, which pieces are read together and when.

It cannot conclude names, folders, contents, exact sizes or times of files, or what a piece belongs to.
";

pub(super) const TABLES: &[(&str, &str)] = &[
    ("_sqlx_migrations", "Which versions of these tables were made, and on which day: of the server, not of a person."),
    ("accounts", "One row an account. There is no e-mail address, telephone number, name or time of last use."),
    ("blobs", "One row a stored piece: a segment of a file, or a pack of small things."),
    ("boxes", "Keys of an account, sealed on a device: the server hands them out and cannot open them."),
    ("commits", "Each change of a tree of files, one row each, in order. What changed is sealed."),
    ("counted_days", "One row: the days on which the server ran, by which it keeps released pieces for 30 of them."),
    ("devices", "The devices of an account: no name, no kind, no time."),
    ("door", "One row: who may sign up, as the operator has set it."),
    ("doomed", "Pieces whose rows are gone and whose files are about to be removed."),
    ("flushes", "One row, written when earlier ones must be on the disk and nothing else is to be written."),
    ("invites", "One row an invite that nobody has used. Using one removes it: nothing says which account came of it."),
    (
        "sigchain",
        "The public history of an account's keys, signed by its devices, so that nobody can slip in one of their own.",
    ),
    ("spaces", "One row a tree of files."),
    ("uploads", "Transfers under way. A row is gone when its transfer ends, or after seven days without a request."),
];

pub(super) const COLUMNS: &[(&str, &str)] = &[
    ("_sqlx_migrations.version", "number of the change"),
    ("_sqlx_migrations.description", "its name"),
    ("_sqlx_migrations.installed_on", "when it was made"),
    ("_sqlx_migrations.success", "that it was made whole"),
    ("_sqlx_migrations.checksum", "hash of its text"),
    ("_sqlx_migrations.execution_time", "0: how long it took is not kept"),
    ("accounts.id", "drawn at random by the device"),
    ("accounts.handle", "the public name, as its owner chose it"),
    (
        "accounts.request_hash",
        "hash of the registration without invite and puzzle, so that one sent twice makes one account",
    ),
    (
        "accounts.opaque_record",
        "what checks a password without seeing it (OPAQUE); whoever steals it and `server.key` can guess, at 64 MiB of memory a guess, or not at all if the account has an account key",
    ),
    ("accounts.recovery_public_key", "checks a signature made with the recovery words"),
    ("accounts.space", "its private tree"),
    ("accounts.quota", "bytes it may store"),
    ("accounts.used", "bytes it stores, as padded, and those of its commits"),
    ("accounts.reserved", "bytes promised to its transfers under way"),
    ("accounts.registered_day", "when it was made"),
    ("blobs.space", "the tree that it belongs to"),
    (
        "blobs.id",
        "for a segment a keyed hash, for a pack drawn at random: the same content has another id in every file",
    ),
    ("blobs.upload", "the transfer that it counts for until a commit names it"),
    ("blobs.object", "name of its file, drawn by the server"),
    ("blobs.size", "padded length: that of a full segment, or one of about two hundred that Padmé allows"),
    ("blobs.hash", "checks that what arrived is what was sent; of the sealed bytes"),
    ("blobs.complete", "whether all of it arrived"),
    ("blobs.released_day", "when its owner's device said that nothing needs it any more, to free it 30 days later"),
    ("blobs.released_seq", "with which of its commits"),
    ("boxes.account", "whose"),
    (
        "boxes.kind",
        "what it holds: the master key under the password and under the recovery words, the identity and the keys of the private tree under the master key",
    ),
    ("boxes.version", "counts its replacements"),
    ("boxes.sealed", "the sealed keys"),
    ("commits.space", "the tree"),
    ("commits.seq", "its place"),
    (
        "commits.header",
        "kind, place, hash of the commit before, hashes of what it adds and releases, and a signature that says that a writer made it, not which",
    ),
    ("commits.body", "sealed: the new root of the tree, who wrote it on which device and day, and their signature"),
    ("counted_days.one", "1"),
    ("counted_days.seen_day", "the newest day by its clock"),
    ("counted_days.counted_day", "the day that it counts, which no jump of the clock moves"),
    ("devices.account", "whose"),
    ("devices.id", "drawn at random by the device"),
    ("devices.auth_public_key", "checks the device's signature when it signs in"),
    ("door.id", "always 1"),
    ("door.sign_up", "anybody, whose device solves a puzzle, who has an invite, or nobody"),
    ("doomed.object", "name of its file"),
    ("flushes.id", "always 1"),
    ("flushes.count", "how often that was"),
    ("invites.id", "names it to the operator"),
    ("invites.hash", "a hash of the invite, which is random: nobody finds it by that"),
    ("invites.quota", "how much the account that it makes may store, if not as much as others"),
    ("invites.made_day", "when it was made"),
    ("sigchain.account", "whose"),
    ("sigchain.seq", "its place"),
    ("sigchain.hash", "hash of the link"),
    ("sigchain.link", "the handle, the public keys of the account or a device, and signatures"),
    ("spaces.id", "hash of its first commit"),
    ("spaces.owner", "the account whose quota it uses"),
    ("spaces.epoch", "counts the changes of its keys"),
    ("spaces.keys", "hash of the read token, and the public keys that check the rights to add, to write and to manage"),
    ("spaces.head", "hash of the newest commit"),
    ("spaces.seq", "its place"),
    ("spaces.frontier", "hashes over all earlier commits, which prove that none was taken back"),
    ("uploads.space", "the tree that it goes to"),
    ("uploads.id", "drawn at random by the device"),
    ("uploads.reserved", "bytes promised to it, as padded"),
    ("uploads.charged", "bytes of blobs that were begun in it, whole"),
    ("uploads.ticket", "sealed: the key of the file and its path, so that another device of the account can go on"),
    ("uploads.active_day", "when it was last heard of, to end it when it is idle"),
];

pub(super) const FILES: &[(&str, &str)] = &[
    ("blobs/3f/3f..", "a stored piece, sealed; its row in `blobs` names it"),
    ("lock", "empty; locked while a server runs, so that no second one uses the folder"),
    ("metadata.sqlite", "the database"),
    ("metadata.sqlite-shm", "the index of the log below"),
    ("metadata.sqlite-wal", "what was written to the database last, before it is moved in"),
    (
        "server.key",
        "the server's own secrets: its half of the password check, the id of the installation, and what makes an unknown handle look like a known one",
    ),
];
