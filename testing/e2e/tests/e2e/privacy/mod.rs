//! What the server gets to see in a whole life of an account: nothing that names a person, a file, or an hour.

mod calls;
mod http;
mod life;
mod page;
mod search;
mod tables;
mod texts;

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, UNIX_EPOCH};

use anonicloud_e2e::wire::CLIENT_ADDRESS;

use self::life::{HANDLE, files, live};
use self::search::{Needle, Search, plant};
use self::tables::Stored;

const DAY: u64 = 86_400;
/// A segment of 4 MiB, sealed.
const FULL_SEGMENT: u64 = 4_198_472;

#[test]
fn nothing_secret_shows_on_the_wire_or_at_the_server() {
    let life = live();
    let (wire, kept) = (life.wire(), life.kept());
    let secrets = life.secrets();
    let everywhere = [wire.clone(), kept.clone()].concat();
    let found = Search::new(&secrets).find(&everywhere);
    assert!(found.is_empty(), "{found:#?}");
    let fleeting = life.fleeting();
    let found = Search::new(&fleeting).find(&kept);
    assert!(found.is_empty(), "{found:#?}");

    // The same search, where there is something to find.
    let mut marked = everywhere;
    let all = [secrets, fleeting].concat();
    let planted = plant(&all, &mut marked);
    let found = Search::new(&all).find(&marked);
    assert_eq!(planted.difference(&found).collect::<Vec<_>>(), Vec::<&String>::new());

    let handle = Search::new(&[Needle { what: "the handle".to_owned(), bytes: HANDLE.into() }]);
    assert!(!handle.find(&wire).is_empty(), "the wire was recorded");
    let places: Vec<_> = handle.find(&kept).into_iter().collect();
    assert!(!places.is_empty(), "the account is stored");
    assert!(places.iter().all(|place| place.contains("metadata.sqlite")), "{places:?}");
}

#[test]
fn nothing_at_the_server_tells_an_hour_or_an_address() {
    let life = live();
    for path in files(&life.world.server().data().join("blobs")) {
        let metadata = fs_err::metadata(&path).unwrap();
        assert_eq!(
            (metadata.mtime().rem_euclid(DAY.cast_signed()), metadata.mtime_nsec()),
            (0, 0),
            "{}",
            path.display()
        );
    }
    let columns = tables::read(&life.world);
    assert!(columns.len() > 30, "the database was read");
    for column in &columns {
        for value in &column.values {
            let place = format!("{}.{}: {value:?}", column.table, column.name);
            assert!(!tells_time(value, life.span), "{place}");
            assert!(!tells_address(value), "{place}");
        }
    }
    let log = life.world.server().log();
    assert!(!tells_time(&Stored::Text(log.clone()), life.span), "{log}");
}

#[test]
fn sizes_of_pieces_are_of_few_classes() {
    let columns = tables::read(&live().world);
    let sizes = columns
        .iter()
        .find(|column| (column.table.as_str(), column.name.as_str()) == ("blobs", "size"))
        .expect("pieces have sizes");
    for size in &sizes.values {
        let Stored::Number(size) = size else {
            panic!("{size:?} is no size");
        };
        let size = u64::try_from(*size).unwrap();
        assert!(is_padded(size) || is_padded(content_of(size)), "{size}");
    }
    let full = sizes.values.contains(&Stored::Number(FULL_SEGMENT.into()));
    assert!(full, "the film has a full segment");
    assert_eq!(content_of(FULL_SEGMENT), 4 << 20);
    assert!(!is_padded(16_385) && !is_padded(1 << 13) && is_padded(17 << 10));
}

/// Padmé: of the length's bits only the first few may be set; and nothing is shorter than 16 KiB.
fn is_padded(size: u64) -> bool {
    let exponent = size.ilog2();
    let kept = exponent.ilog2() + 1;
    size >= 16 << 10 && size.trailing_zeros() >= exponent - kept
}

/// Bytes that were sealed into so many: 72 at the head, and 16 behind every 16 KiB.
const fn content_of(sealed: u64) -> u64 {
    let body = sealed - 72;
    let stride = (16 << 10) + 16;
    body - body.div_ceil(stride) * 16
}

#[test]
fn the_page_says_what_the_server_sees() {
    page::check(&page::write(&live()));
}

/// Whether a value holds a time within the span, in any unit, or a time of day in words.
fn tells_time(value: &Stored, span: (Duration, Duration)) -> bool {
    let within = |number: u128, finest: usize| {
        [1_000_000_000, 1_000_000, 1_000, 1][..finest].iter().any(|unit| {
            let (began, ended) = (span.0.as_nanos() / unit, span.1.as_nanos() / unit);
            (began..=ended).contains(&number)
        })
    };
    match value {
        Stored::Nothing => false,
        Stored::Number(number) => u128::try_from(*number).is_ok_and(|number| within(number, 4)),
        Stored::Text(text) => text
            .as_bytes()
            .windows(5)
            .any(|window| window[2] == b':' && [0, 1, 3, 4].iter().all(|&at| window[at].is_ascii_digit())),
        Stored::Bytes(bytes) => bytes.windows(8).any(|window| {
            let window: [u8; 8] = window.try_into().expect("eight bytes");
            // In much random data eight bytes are near any nanosecond by chance.
            let finest = if bytes.len() > 512 { 3 } else { 4 };
            within(u64::from_le_bytes(window).into(), finest) || within(u64::from_be_bytes(window).into(), finest)
        }),
    }
}

/// Whether a value holds the client's address, as text, octets or number.
fn tells_address(value: &Stored) -> bool {
    let IpAddr::V4(address) = CLIENT_ADDRESS else {
        return false;
    };
    let octets = address.octets();
    match value {
        Stored::Nothing => false,
        Stored::Number(number) => [u32::from_be_bytes(octets), u32::from_le_bytes(octets)]
            .iter()
            .any(|address| *number == i128::from(*address)),
        Stored::Text(text) => text.contains(&address.to_string()),
        // In longer ones four bytes are there by chance.
        Stored::Bytes(bytes) => bytes.len() <= 64 && bytes.windows(4).any(|window| window == octets),
    }
}

#[test]
fn a_time_and_an_address_are_noticed() {
    let now = UNIX_EPOCH.elapsed().unwrap();
    let span = (now, now + Duration::from_secs(9));
    for number in [u128::from(now.as_secs()), now.as_millis(), now.as_micros(), now.as_nanos()] {
        let number = u64::try_from(number).unwrap();
        assert!(tells_time(&Stored::Number(number.into()), span));
        let hidden = [&[7; 3][..], &number.to_le_bytes(), &[9]].concat();
        assert!(tells_time(&Stored::Bytes(hidden), span));
        let hidden = [&[7; 5][..], &number.to_be_bytes()].concat();
        assert!(tells_time(&Stored::Bytes(hidden), span));
    }
    assert!(tells_time(&Stored::Text("at 09:21:07".to_owned()), span));
    let day = i128::from(now.as_secs() / DAY);
    assert!(!tells_time(&Stored::Number(day), span));
    assert!(!tells_time(&Stored::Text("2001-02-03".to_owned()), span));
    assert!(tells_address(&Stored::Bytes(vec![1, 127, 0, 0, 77])));
    assert!(tells_address(&Stored::Number(0x7f00_004d)));
    assert!(tells_address(&Stored::Text("x 127.0.0.77".to_owned())));
}
