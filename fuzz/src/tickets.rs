//! Upload tickets, sealed by a device that breaks the rules (spec: 2-content, "Upload tickets").

use anonicloud_core::content::ticket::{Ticket, TicketOwner};
use anonicloud_core::crypto::kdf::derive_ticket_key;
use anonicloud_core::crypto::secret::MasterKey;
use anonicloud_core::crypto::wrap::{WrapContext, seal};
use anonicloud_proto::ids::UploadId;
use anonicloud_proto::label::Label;

use crate::world::{ACCOUNT, Counted, REALM, SALT, padded};

const UPLOAD: UploadId = UploadId::from_bytes([29; 16]);

/// Opens the bytes as a ticket; one that opens is sealed and opened again.
pub fn run(plain: &[u8]) {
    let master = MasterKey::from_bytes([31; 32]);
    let owner = TicketOwner { realm: &REALM, account: &ACCOUNT, upload: &UPLOAD };
    let (realm, object) = (&REALM, UPLOAD.as_bytes());
    let context = WrapContext { label: Label::WrapTicket, realm, owner: ACCOUNT.as_bytes(), object, version: 0 };
    let sealed = seal(&derive_ticket_key(&master, &REALM), &context, &padded(plain, 1 << 10), SALT);
    let Ok(ticket) = Ticket::open(&master, &owner, &sealed) else { return };
    let again = ticket.seal(&master, &owner, &mut Counted(SALT[0])).expect("a ticket that was opened");
    let again = Ticket::open(&master, &owner, &again).expect("a ticket that was sealed");
    let (first, second) = (facts(&ticket), facts(&again));
    assert!(first == second, "a ticket changes on its way");
}

fn facts(ticket: &Ticket) -> (u32, u64, i64, &[Vec<u8>], [u8; 32]) {
    (ticket.epoch, ticket.size, ticket.mtime, &ticket.path, *ticket.space.as_bytes())
}
