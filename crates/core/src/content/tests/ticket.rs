use anonicloud_proto::ids::{AccountId, RealmId, UploadId};

use super::{REALM, SPACE, SeededRandom, flip, fresh};
use crate::content::reference::{Source, VersionRef};
use crate::content::ticket::{SealTicketError, Ticket, TicketOwner};
use crate::crypto::secret::MasterKey;

const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);
const UPLOAD: UploadId = UploadId::from_bytes([2; 16]);
const OWNER: TicketOwner<'static> = TicketOwner { realm: &REALM, account: &ACCOUNT, upload: &UPLOAD };

fn ticket(path: &[&[u8]], base: Option<VersionRef>, random: &mut SeededRandom) -> Ticket {
    Ticket {
        space: SPACE,
        epoch: 3,
        source: Source::make(random),
        base,
        path: path.iter().map(|name| name.to_vec()).collect(),
        size: 5 << 30,
        mtime: -1,
    }
}

#[test]
fn another_device_reads_what_was_sealed() {
    let random = &mut SeededRandom::new("ticket");
    let master = MasterKey::make(random);
    let base = fresh(1, random).reference;
    let version = base.version();
    let ticket = ticket(&[b"Photos", b"\xff.jpg"], Some(base), random);
    let sealed = ticket.seal(&master, &OWNER, random).unwrap();
    let opened = Ticket::open(&master, &OWNER, &sealed).unwrap();
    assert_eq!((opened.space, opened.epoch, opened.size, opened.mtime), (SPACE, 3, 5 << 30, -1));
    assert_eq!(opened.path, ticket.path);
    assert!(!format!("{opened:?}").contains(&format!("{:?}", b"Photos")));
    assert_eq!(opened.source.version(), ticket.source.version());
    assert_eq!(opened.source.key().expose_bytes(), ticket.source.key().expose_bytes());
    assert_eq!(opened.base.map(|base| base.version()), Some(version));
}

#[test]
fn a28_a_short_path_does_not_show_in_the_length() {
    let random = &mut SeededRandom::new("length");
    let master = MasterKey::make(random);
    let mut len = |path: &[&[u8]]| ticket(path, None, random).seal(&master, &OWNER, random).unwrap().len();
    assert_eq!(len(&[b"a"]), len(&[b"Documents", b"a longer name than that.odt"]));
}

#[test]
fn a01_every_flipped_bit_and_every_other_owner_is_rejected() {
    let random = &mut SeededRandom::new("flip");
    let master = MasterKey::make(random);
    let sealed = ticket(&[b"a"], None, random).seal(&master, &OWNER, random).unwrap();
    for at in 0..sealed.len() * 8 {
        assert!(Ticket::open(&master, &OWNER, &flip(&sealed, at / 8, at)).is_err(), "bit {at}");
    }
    for len in 0..sealed.len() {
        assert!(Ticket::open(&master, &OWNER, &sealed[..len]).is_err(), "length {len}");
    }
    let realm = RealmId::from_bytes([0; 16]);
    let account = AccountId::from_bytes([0; 16]);
    let upload = UploadId::from_bytes([0; 16]);
    for owner in [
        TicketOwner { realm: &realm, ..OWNER },
        TicketOwner { account: &account, ..OWNER },
        TicketOwner { upload: &upload, ..OWNER },
    ] {
        assert!(Ticket::open(&master, &owner, &sealed).is_err());
    }
    assert!(Ticket::open(&MasterKey::make(random), &OWNER, &sealed).is_err());
}

#[test]
fn a_path_that_no_ticket_holds_is_the_callers_error() {
    let random = &mut SeededRandom::new("path");
    let master = MasterKey::make(random);
    let name: &[u8] = &[b'x'; 255];
    let deep = ticket(&[name; 300], None, random);
    assert_eq!(deep.seal(&master, &OWNER, random), Err(SealTicketError::PathTooLong));
    for name in [&[][..], &[b'x'; 256]] {
        let refused = ticket(&[b"a", name], None, random).seal(&master, &OWNER, random);
        assert_eq!(refused, Err(SealTicketError::InvalidName));
    }
}
