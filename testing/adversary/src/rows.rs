//! The rows of `docs/attacks.md`: every attack class that we know, what stops it, and what of it waits for a feature.

use core::fmt;

/// An attack class, or a failure of today's products that users report.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "the page takes it apart")]
pub struct Row {
    /// How its tests begin, as in `a10`.
    pub id: &'static str,
    /// What the attacker does, or what goes wrong.
    pub attack: &'static str,
    /// Who published it, or where it was seen.
    pub source: &'static str,
    /// What stops it.
    pub rule: &'static str,
    /// Tests that are named for what they do and show this row too.
    pub also: &'static [&'static str],
    /// Where a test of it was seen to fail once, on code without a check that it names.
    pub seen: &'static str,
    /// What of it cannot be tested yet.
    pub waits: &'static [Waiting],
}

/// A part of a row that waits.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "the page takes it apart")]
pub struct Waiting {
    /// For what.
    pub on: Feature,
    /// What is to be tested then.
    pub part: &'static str,
}

/// What a part of a row waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the page takes it apart")]
pub enum Feature {
    /// People, links and drop boxes, and the log of keys.
    Sharing,
    /// Change of password, recovery, loss of a device.
    AccountLife,
    /// The client in a browser.
    Browser,
    /// Heads of other spaces in commits.
    Freshness,
    /// A test that could be written today.
    Nothing,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sharing => "sharing, links and the log of keys",
            Self::AccountLife => "the life of an account: change of password, recovery, lost devices",
            Self::Browser => "the browser client",
            Self::Freshness => "heads of other spaces in commits",
            Self::Nothing => "not written yet",
        })
    }
}

const fn waits(on: Feature, part: &'static str) -> Waiting {
    Waiting { on, part }
}

/// With the client library and with the program.
const CLIENTS: &str = "library and program";
const PROGRAM: &str = "program";
/// In the crate's own tests alone.
const CORE: &str = "in `core`";
const NOT_TRIED: &str = "not tried";

macro_rules! rows {
    ($($id:literal $attack:literal, $source:literal, $rule:literal, [$($also:literal),*], $seen:expr, [$($on:ident $part:literal),*];)+) => {
        &[$(Row {
            id: $id,
            attack: $attack,
            source: $source,
            rule: $rule,
            also: &[$($also),*],
            seen: $seen,
            waits: &[$(waits(Feature::$on, $part)),*],
        }),+]
    };
}

/// All of them.
pub const ROWS: &[Row] = rows! {
    "a01" "A wrapped private key is altered bit by bit; from what the client does with it the server computes the key",
        "MEGA: Malleable Encryption Goes Awry (ePrint 2022/959), Cryptanalyzing MEGA in Six Queries (2022/914), Caveat Implementor! (2023/329)",
        "wraps are committing AEAD; only seeds are stored, public halves are computed anew and compared with the sigchain",
        [], CLIENTS, [Nothing "the recovery slot, which no command opens yet"];
    "a02" "Checks that fail differently are an oracle, also those of a patch",
        "Caveat Implementor! Key Recovery Attacks on MEGA (ePrint 2023/329)",
        "tag and commitment are checked before anything is parsed; there is one error, and after it nothing is sent",
        [], CLIENTS, [];
    "a03" "An object of one kind is taken for one of another kind, since one key serves both",
        "MEGA (ePrint 2022/959); Three Lessons From Threema (USENIX Security 2023)",
        "every key and signature has a label of one registry, with realm, owner, object and version",
        [], "in `core`, but not with the label alone out", [];
    "a04" "The client answers with what it made of bytes of the server's choice",
        "MEGA: session ids and the attack GaP-Bleichenbacher (ePrint 2022/959)",
        "a login is OPAQUE, or a signature over a text that the client builds; no request holds anything decrypted",
        [], CLIENTS, [];
    "a05" "The server plants files, folders and shares",
        "MEGA (ePrint 2022/959); Sync and pCloud (End-to-End Encrypted Cloud Storage in the Wild, CCS 2024)",
        "what there is is reached from a commit with a composite signature in a hash chain, and not otherwise",
        [], CLIENTS, [Sharing "shares and links that the server plants"];
    "a06" "A field with keys is missing, empty or the server's, and the client encrypts to it",
        "Nextcloud end-to-end encryption (rfc issue 17, desktop 5323); Sync and pCloud (CCS 2024)",
        "a client encrypts under keys it made or found in a signed object; a field that is missing is a malformed answer",
        [], CLIENTS, [Sharing "keyboxes and rosters"];
    "a07" "The server gives its own public key for that of whom one shares with",
        "Nextcloud (Share with Care, EuroS&P 2024); Tresorit, Sync, pCloud (CCS 2024); Wuala, SpiderOak, Tresorit (arXiv 1404.2697)",
        "a log of keys, pins and safety numbers",
        [], CORE, [Sharing "all of it beyond the links of one's own sigchain"];
    "a08" "The secret of a link is sent to the server",
        "Sync (CCS 2024)",
        "the secret stands in the fragment alone",
        [], NOT_TRIED, [Sharing "all of it"];
    "a09" "Bits are flipped in a mode without authentication",
        "Icedrive, Seafile (CCS 2024)",
        "AEAD everywhere, and the hash of each piece in the signed tree; there is no way to decrypt all the same",
        [], CLIENTS, [];
    "a10" "Pieces of a file are reordered, left out, doubled, cut off or taken from another file",
        "five providers (CCS 2024); gocryptfs audit (2017); MinIO",
        "each segment is bound to version and index; number and hashes of all stand in the signed tree",
        [], "library and program: reordered, doubled, left out; not cut or longer", [];
    "a11" "Names, contents and places are exchanged",
        "Cryptomator 119, gocryptfs 804; Sync, pCloud, Tresorit (CCS 2024)",
        "name, content root and key are one entry; folders are a Merkle tree under the commit",
        [], CLIENTS, [];
    "a12" "An older or weaker protocol is negotiated",
        "Seafile (CCS 2024); password managers (2026); CVE-2020-8911, CVE-2020-8912",
        "one suite number fixes everything; it stands in the key derivation, the object and the entry above; no old code is shipped",
        [], CLIENTS, [];
    "a13" "The server lowers the cost of the password hash",
        "LastPass, Bitwarden",
        "Argon2id's parameters are constants of the suite; there is no field for them",
        [], CLIENTS, [];
    "a14" "The server guesses passwords offline",
        "inherent in OPAQUE (RFC 9807)",
        "an account key makes it hopeless; without one weak passwords are refused",
        [], CLIENTS, [AccountLife "a tester with database, OPRF seed and a dictionary that holds the password"];
    "a15" "Data of an account is given out before the password is proved",
        "Dashlane (2026)",
        "nothing leaves the server before OPAQUE's last message or a device's signature; there is no way by mail",
        [], PROGRAM, [];
    "a16" "The server pushes a policy, an escrow key or a recovery that the client obeys",
        "password managers (2026)",
        "there is no such message; an unknown field is a malformed answer",
        [], CLIENTS, [AccountLife "recovery keys that the server offers"];
    "a17" "The server adds, removes or reorders devices and members",
        "Matrix (S&P 2023); group chats (EuroS&P 2018)",
        "devices are links of a signed chain; clients take what that chain certifies",
        ["a_server_that_holds_back_a_device_keeps_its_changes_from_nobody"], CLIENTS, [Sharing "members and rosters"];
    "a18" "A reader and the server together forge content, since readers have the keys",
        "symmetric keys are no signature",
        "leaves are collision-resistant hashes under the signed root, computed anew at every read",
        [], NOT_TRIED, [Sharing "a reader who is not the writer, through whole clients"];
    "a19" "A share is sent on to another recipient, or taken for another author's",
        "signatures that do not name the recipient",
        "sign, then encrypt, over realm, sender, recipient, its key, space and rights",
        [], CORE, [Sharing "invites"];
    "a20" "An invite is played again, after acceptance or revocation",
        "invites that suffice by themselves",
        "an invite carries keys; rights come from the roster",
        [], NOT_TRIED, [Sharing "all of it"];
    "a21" "Something older is served: head, log, sigchain, slot, piece",
        "no freshness",
        "a hash chain; a device keeps the highest place it has seen of each, durable before it acts",
        ["a_device_signs_no_link_beside_one_that_it_has_seen", "after_a_backup_was_put_back_each_device_goes_on_when_its_person_accepts_the_loss", "the_evidence_is_kept_when_the_server_is_right_again"], CLIENTS,
        [Sharing "a device without state, up to the log of keys' last anchor", Freshness "rollback of one space among several"];
    "a22" "Two devices are shown two histories",
        "SUNDR (OSDI 2004), FAUST (2009)",
        "a commit names the whole history before it: once forked, never joined unnoticed",
        ["two_processes_of_a_device_are_not_led_apart"], CLIENTS,
        [Freshness "a fork that shows at the first message that crosses it"];
    "a23" "A nonce is used again when an upload is done again with other content",
        "Nextcloud Android 1598; Tarsnap (2011)",
        "the salt of a segment is a hash of its content under a key",
        [], CLIENTS, [];
    "a24" "One ciphertext opens under two keys, to two contents",
        "Fast Message Franking, invisible salamanders (CRYPTO 2018); Partitioning Oracle Attacks (USENIX Security 2021)",
        "a commitment of 32 bytes in every wrap and every segment, compared first; no AEAD is keyed by a password",
        [], CORE, [];
    "a25" "The places where content is cut tell what it is",
        "Chunking Attacks on File Backup Services (2025)",
        "segments have one fixed size, and no place depends on content",
        [], NOT_TRIED, [];
    "a26" "Who knows a file finds out whether somebody stores it",
        "convergent encryption",
        "no deduplication by content; ids are hashes under a key that each version draws",
        [], CLIENTS, [];
    "a27" "Compression beside an attacker's text gives a secret away",
        "Threema (USENIX Security 2023); Injection Attacks Against End-to-End Encrypted Applications (S&P 2024)",
        "nothing is compressed; strangers' texts are records of one size",
        [], NOT_TRIED, [Sharing "invites and drops of strangers"];
    "a28" "Exact lengths name a file",
        "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs (PETS 2019)",
        "Padmé, in u64, with a floor of 16 KiB for packs",
        ["sizes_of_pieces_are_of_few_classes"], CLIENTS, [Browser "the same numbers as natively"];
    "a29" "Whoever asks is told which handles exist",
        "different answers, sizes or times",
        "a dummy record of the same size and cost; the door says nothing of a handle to who is not let in",
        [], PROGRAM, [Nothing "times, over ten thousand logins"];
    "a30" "A signing key is drawn out by a wrong public key beside it; signatures are malleable",
        "RUSTSEC-2022-0093",
        "seeds only, strict verification, both halves of a composite signature, the key's hash inside",
        [], CORE, [];
    "a31" "The server replaces the program that it serves",
        "every web client; Trust on Reload (WWW 2026)",
        "native clients come first; the web client is static, reproducible and of one origin",
        [], NOT_TRIED, [Browser "all of it"];
    "a32" "A name breaks out of the folder, forges output or hides what it is",
        "zip slip, bidirectional names",
        "names are checked at every read; what is shown is escaped; what is written is opened without following links",
        [], NOT_TRIED, [Sharing "names that another person chose, through whole clients"];
    "a33" "A length, a depth or a chain without an end takes memory or time",
        "unbounded parsers",
        "a cap before every allocation, on every answer",
        ["nonsense_does_no_harm"], CLIENTS, [];
    "a34" "A request to somewhere else, or a hash of plaintext, gives content away",
        "S3 encryption clients; icons of password managers",
        "a client sends the API's requests and no others, and follows no redirect",
        [], PROGRAM, [];
    "a35" "An old password or device opens the account after it was changed",
        "slots wrapped anew around an unchanged key",
        "a change after a compromise draws every key anew, and says what a plain change does not do",
        [], NOT_TRIED, [AccountLife "all of it"];
    "a36" "What is recorded today is opened by a quantum computer later",
        "classical key exchange",
        "X25519MLKEM768 for TLS, X-Wing for shares",
        ["the_client_asks_for_post_quantum_keys"], NOT_TRIED, [Sharing "X-Wing between people"];
    "a37" "The server throws data away and says nothing",
        "no audit of storage",
        "`check`, also of a sample, verifies what the server gives against the tree",
        ["what_is_altered_missing_or_withheld_is_named_and_the_rest_is_checked"], CLIENTS, [];
    "p1" "A large upload fails at its end, or begins again from zero",
        "reported by users",
        "segments are durable one by one, and nothing that was acknowledged is lost",
        ["transfers_get_through_a_bad_network", "both_killed_and_the_journal_lost", "four_gibibytes_go_on_after_everything_died"], CLIENTS, [];
    "p2" "A synchronization deletes files since a disk is not mounted or a folder is gone",
        "reported by users",
        "no upload removes anything; what is not there now is waited for",
        ["a_folder_that_is_not_there_or_empty_now", "a_file_that_is_not_there_now"], NOT_TRIED, [];
    "p3" "An encrypted folder is stuck or cannot be opened after edits at the same time",
        "reported by users",
        "a merge of three trees by entry that loses nothing; storms by seed run in CI",
        ["two_devices_send_one_file_at_once", "two_devices_write_one_file_at_once_and_both_stay"], NOT_TRIED, [];
    "p4" "Abandoned drafts block a name",
        "reported by users",
        "a name is there when a commit says so, and not before",
        [], NOT_TRIED, [];
    "p5" "Memory runs out on large files or folders",
        "reported by users",
        "streaming, and bounds on what is kept",
        ["a_folder_of_a_hundred_thousand_entries_is_sent_listed_and_renamed"], NOT_TRIED, [Browser "the same there"];
    "p6" "Many small files are slow",
        "reported by users",
        "packs",
        ["a_folder_of_a_hundred_thousand_entries_is_sent_listed_and_renamed"], NOT_TRIED, [];
    "p7" "That a key is lost is learnt too late",
        "reported by users",
        "recovery words are read back at sign-up",
        [], NOT_TRIED, [AccountLife "what `doctor` tells would be lost"];
    "p8" "Times, odd names and links are not kept",
        "reported by users",
        "names are bytes; kinds, rights and times are kept, or the entry is refused and named",
        ["every_kind_of_entry_survives", "names_that_look_alike_do_not_hide_each_other"], NOT_TRIED, [];
    "p9" "Logs, tables or figures name people",
        "reported by users",
        "what the server keeps is listed from a real run, and searched for everything that names somebody",
        ["nothing_secret_shows_on_the_wire_or_at_the_server", "nothing_at_the_server_tells_an_hour_or_an_address"], NOT_TRIED, [];
    "p10" "What a proxy or an old client is told is cryptic",
        "reported by users",
        "every refusal has a stable code, a sentence and a hint",
        ["servers_that_are_not_the_one", "other_versions_of_the_api_are_refused"], NOT_TRIED, [];
};
