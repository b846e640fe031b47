//! `--limit-rate`: it decides when bytes go, never which. How fast they go is tested with a clock of our own, in the client.

use anonicloud_e2e::content;
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::world::World;

use crate::transfer::MIB;

#[test]
fn what_is_slowed_down_arrives_whole_in_both_directions() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice").with_options(&["--limit-rate", "16M"]);
    let folder = world.folder("folder");
    content::write(&folder.join("large"), 1, 9 * MIB + 5);
    for small in 0..40 {
        content::write(&folder.join(small.to_string()), small, 20_000);
    }
    laptop.json(&[&"put", &folder, &"/"]);
    let back = world.folder("back");
    laptop.json(&[&"get", &"/folder", &back]);
    assert_same(&folder, &back.join("folder"));
    let answer = laptop.json(&[&"check"]);
    assert_eq!(answer["bytes"], 9 * MIB + 5 + 40 * 20_000);
}

#[test]
fn a_rate_comes_from_the_option_the_environment_or_the_file() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let refusal = laptop.refusal(&[&"ls", &"--limit-rate", &"1K"]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (Some(2), "usage"));
    assert!(refusal.message.contains("limit-rate"), "{refusal:?}");
    let status = laptop.command(&[&"ls"]).env("ANONICLOUD_LIMIT_RATE", "slow").status();
    assert_eq!(status.unwrap().code(), Some(2));
    let config = world.path("config.toml");
    fs_err::write(&config, "limit_rate = \"slow\"\n").unwrap();
    let refusal = laptop.refusal(&[&"ls", &"--config", &config]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (Some(2), "config_invalid"));
    fs_err::write(&config, "limit_rate = \"4M\"\n").unwrap();
    laptop.json(&[&"ls", &"--config", &config]);
}
