//! The server behind HTTP answers what its specification says, as the one in memory does that other tests use for it.

use anonicloud_client::remote::{HttpRemote, Patience, ServerAddress};
use anonicloud_e2e::world::World;
use anonicloud_testkit::remote::{QUOTA, conforms};

#[tokio::test]
async fn the_server_conforms() {
    let world = World::with_options(&["--quota", &format!("{}MiB", QUOTA >> 20)]);
    let address = ServerAddress { url: world.wire().url(), ca_file: None };
    conforms(HttpRemote::new(&address, Patience::default()).unwrap()).await;
}
