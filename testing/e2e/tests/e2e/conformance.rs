//! The server behind HTTP answers what its specification says, as the one in memory does that other tests use for it.

use anonicloud_client::remote::{HttpRemote, Patience, ServerAddress};
use anonicloud_e2e::world::World;
use anonicloud_testkit::remote::{Operator, QUOTA, SignUp, conforms, guards_its_door};
use data_encoding::BASE32_NOPAD;

#[tokio::test]
async fn the_server_conforms() {
    let world = World::with_options(&["--quota", &format!("{}MiB", QUOTA >> 20)]);
    let address = ServerAddress { url: world.wire().url(), ca_file: None };
    conforms(HttpRemote::new(&address, Patience::default()).unwrap()).await;
}

#[tokio::test]
async fn the_server_guards_its_door() {
    let world = World::with_options(&["--quota", &format!("{}MiB", QUOTA >> 20)]);
    let address = ServerAddress { url: world.wire().url(), ca_file: None };
    let remote = HttpRemote::new(&address, Patience::default()).unwrap();
    guards_its_door(remote, &Administered(&world)).await;
}

/// A server that is run by `admin`.
struct Administered<'a>(&'a World);

impl Operator for Administered<'_> {
    fn set_sign_up(&self, mode: SignUp) {
        let mode = match mode {
            SignUp::Open => "open",
            SignUp::Puzzle => "puzzle",
            SignUp::Invite => "invite",
            SignUp::Closed => "closed",
        };
        self.0.server().administer(&["signup", mode]);
    }

    fn make_invite(&self, quota: Option<u64>) -> (String, Vec<u8>) {
        let quota = quota.map(|bytes| (bytes >> 10).to_string() + "KiB");
        let quota: Vec<&str> = quota.iter().flat_map(|quota| ["--quota", quota]).collect();
        let made = self.0.server().administer(&[&["invite"], quota.as_slice()].concat());
        let (id, invite) = made.trim_end().split_once("  ").expect("an id and an invite");
        (id.to_owned(), BASE32_NOPAD.decode(invite.replace('-', "").as_bytes()).expect("base32"))
    }

    fn revoke_invite(&self, id: &str) {
        self.0.server().administer(&["revoke-invite", id]);
    }
}
