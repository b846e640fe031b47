//! Whether something secret came to the server.

use anonicloud_adversary::Exchange;
use anonicloud_e2e::world::PASSWORD;

use crate::world::CANARY;

/// Fails when a request holds the password, or what all contents and names begin with.
pub(crate) fn assert_none(tape: &[Exchange]) {
    for exchange in tape {
        for secret in [PASSWORD, CANARY] {
            assert!(!holds(exchange, secret), "{secret} came to the server in {:?}", exchange.call);
        }
    }
    // The same search, where there is something to find.
    let has_handle = tape.iter().any(|exchange| holds(exchange, "alice"));
    assert!(has_handle || tape.is_empty(), "the search finds nothing at all");
}

fn holds(exchange: &Exchange, secret: &str) -> bool {
    let found = |text: &[u8]| text.windows(secret.len()).any(|window| window == secret.as_bytes());
    found(&exchange.request) || found(exchange.head.as_bytes()) || in_base64(&exchange.request, secret)
}

/// Whether a text holds the secret in base64, which depends on what stands before it: the middle of each of its three forms
/// does not.
fn in_base64(text: &[u8], secret: &str) -> bool {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..3).any(|before| {
        let bytes = [&vec![0; before], secret.as_bytes()].concat();
        let whole = bytes.chunks_exact(3).skip(1);
        let form: Vec<u8> = whole
            .flat_map(|chunk| {
                let bits = u32::from_be_bytes([0, chunk[0], chunk[1], chunk[2]]);
                [18, 12, 6, 0].map(|shift| LETTERS[(bits >> shift & 63) as usize])
            })
            .collect();
        // Of a short secret no whole piece may be left.
        !form.is_empty() && text.windows(form.len()).any(|window| window == form)
    })
}

#[test]
fn a_secret_is_found_in_base64_wherever_it_stands() {
    let secret = "canary-in-a-coal-mine";
    // "x", "xx" and "xxx" before it.
    for text in
        ["eGNhbmFyeS1pbi1hLWNvYWwtbWluZQ", "eHhjYW5hcnktaW4tYS1jb2FsLW1pbmU", "eHh4Y2FuYXJ5LWluLWEtY29hbC1taW5l"]
    {
        assert!(in_base64(text.as_bytes(), secret), "{text}");
    }
    assert!(!in_base64(b"eHh4Y2FuYXJ5LWluLWEtY29hbC1", "something else that is long"));
}
