use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, RealmId};
use anonicloud_proto::label::Label;
use anonicloud_proto::link::check_link_signed;
use proptest::prelude::*;

use super::{Person, REALM, SeededRandom, flip};
use crate::account::keys::{DeviceSeeds, Identity};
use crate::account::link::{Action, Link, UnsignedLink, device_message};
use crate::account::sigchain::{Sigchain, SignLinkError};

/// A chain of four links: genesis, two devices, the second removed.
fn person(seed: &str) -> (Person, DeviceSeeds) {
    let random = &mut SeededRandom::new(seed);
    let mut person = Person::make(random);
    let second = person.add_device(random);
    person.remove_device(&second);
    (person, second)
}

fn verify(person: &Person, links: &[Vec<u8>]) -> bool {
    Sigchain::verify(&REALM, &person.account, links).is_ok()
}

/// `fields` signed by the identity, whatever they say.
fn signed(identity: &Identity, fields: UnsignedLink) -> Vec<u8> {
    let signature = identity.signing().sign(Label::SignSigchain, &REALM, &fields.to_bytes());
    Link { fields, signature }.to_bytes()
}

#[test]
fn a_chain_gives_keys_handle_and_the_history_of_devices() {
    let (person, second) = person("history");
    let chain = Sigchain::verify(&REALM, &person.account, person.chain.links()).unwrap();
    assert_eq!(chain.account(), person.account);
    assert_eq!(*chain.identity_key(), person.identity.signing().public());
    assert_eq!(*chain.sharing_key(), person.identity.sharing().public());
    assert_eq!(chain.handle().as_str(), "alice");
    assert_eq!(chain.link_count(), 4);
    assert_eq!(chain.head(), ChainHash::of(&chain.links()[3]));
    let first = chain.device(&person.device.device()).unwrap();
    assert_eq!((first.added(), first.removed()), (1, None));
    let removed = chain.device(&second.device()).unwrap();
    assert_eq!((removed.added(), removed.removed()), (2, Some(3)));
    assert_eq!(*removed.key(), second.signing().public());
}

#[test]
fn a17_dropped_reordered_doubled_and_foreign_links_are_rejected() {
    let (person, _) = person("order");
    let (other, _) = self::person("foreign");
    let links = person.chain.links();
    assert!(verify(&person, links));
    assert!(!verify(&person, &[]));
    for at in 0..links.len() {
        let mut dropped = links.to_vec();
        dropped.remove(at);
        // A chain cut at its end is a chain: only who saw the end can tell.
        assert_eq!(verify(&person, &dropped), at == links.len() - 1, "drop {at}");
        let mut doubled = links.to_vec();
        doubled.insert(at, links[at].clone());
        assert!(!verify(&person, &doubled), "double {at}");
        let mut foreign = links.to_vec();
        foreign[at] = other.chain.links()[at].clone();
        assert!(!verify(&person, &foreign), "foreign {at}");
        for to in 0..at {
            let mut swapped = links.to_vec();
            swapped.swap(at, to);
            assert!(!verify(&person, &swapped), "swap {at} and {to}");
        }
    }
}

#[test]
fn a_server_takes_what_the_identity_signed_and_nothing_else() {
    let (person, _) = person("server");
    let (other, _) = self::person("other server");
    let links = person.chain.links();
    let taken = |link: &[u8]| check_link_signed(&REALM, &links[0], link).is_ok();
    for (at, link) in links.iter().enumerate() {
        assert!(taken(link), "{at}");
        assert!(!taken(&other.chain.links()[at]), "{at}");
        assert!(check_link_signed(&RealmId::from_bytes([0; 16]), &links[0], link).is_err());
        assert!(check_link_signed(&REALM, &other.chain.links()[0], link).is_err());
        // A link that begins no chain names no identity.
        assert_eq!(check_link_signed(&REALM, link, link).is_ok(), at == 0);
        for len in (0..link.len()).step_by(61) {
            assert!(!taken(&link[..len]), "{at} cut to {len}");
            // Front, kind and key.
            let genesis = &links[0][..len.min(59 + 1984 - 1)];
            assert!(check_link_signed(&REALM, genesis, link).is_err(), "{at} by a genesis cut to {len}");
        }
        // The second half of the signature is for readers.
        for byte in (0..link.len() - 3309).step_by(61) {
            assert!(!taken(&flip(link, byte, byte)), "{at} with another byte {byte}");
        }
    }
}

#[test]
fn a19_a_chain_of_another_account_or_realm_is_rejected() {
    let (person, _) = person("context");
    let links = person.chain.links();
    assert!(Sigchain::verify(&REALM, &AccountId::from_bytes([0; 16]), links).is_err());
    assert!(Sigchain::verify(&RealmId::from_bytes([0; 16]), &person.account, links).is_err());
}

#[test]
fn a17_every_changed_byte_of_every_link_is_rejected() {
    let (person, _) = person("flip");
    let links = person.chain.links();
    for (number, link) in links.iter().enumerate() {
        let before = Sigchain::verify(&REALM, &person.account, &links[..number]);
        let follows = |link: &[u8]| match &before {
            Ok(chain) => chain.clone().append(&REALM, link).is_ok(),
            Err(_) => Sigchain::verify(&REALM, &person.account, &[link]).is_ok(),
        };
        assert!(follows(link));
        // Fields byte by byte, keys and signatures by every 13th byte: each costs two signature checks.
        for at in (0..80).chain((80..link.len()).step_by(13)) {
            assert!(!follows(&flip(link, at, at)), "link {number}, byte {at}");
        }
        for len in [0, 1, 60, link.len() - 1] {
            assert!(!follows(&link[..len]), "link {number}, length {len}");
        }
        assert!(!follows(&[&link[..], &[0]].concat()), "link {number}, longer");
    }
}

#[test]
fn a17_a_device_is_added_once_and_removed_only_when_it_is_there() {
    let (person, second) = person("twice");
    let chain = &person.chain;
    let next = |action| UnsignedLink { account: person.account, seq: chain.link_count(), prev: chain.head(), action };
    let follows = |action| chain.clone().append(&REALM, &signed(&person.identity, next(action))).is_ok();
    let add = |seeds: &DeviceSeeds, signer: &DeviceSeeds| {
        let (device, key) = (seeds.device(), seeds.signing().public());
        let message = device_message(&person.account, chain.link_count(), &chain.head(), &device, &key);
        let signature = signer.signing().sign(Label::SignDevice, &REALM, &message);
        Action::AddDevice { device, key, signature }
    };
    let fresh = DeviceSeeds::make(&mut SeededRandom::new("fresh"));
    assert!(follows(add(&fresh, &fresh)));
    assert!(!follows(add(&fresh, &second)), "a device that did not sign");
    assert!(!follows(add(&second, &second)), "a removed id again");
    assert!(!follows(add(&person.device, &person.device)), "an id that is there");
    assert!(follows(Action::RemoveDevice { device: person.device.device() }));
    assert!(!follows(Action::RemoveDevice { device: second.device() }), "removed before");
    assert!(!follows(Action::RemoveDevice { device: fresh.device() }), "never there");
    let genesis = Action::Genesis {
        identity: person.identity.signing().public(),
        sharing: person.identity.sharing().public(),
        handle: "alice".parse().unwrap(),
    };
    assert!(!follows(genesis), "a second genesis");
}

#[test]
fn a07_a_link_that_the_identity_did_not_sign_is_rejected() {
    let (person, _) = person("signer");
    let other = Identity::make(&mut SeededRandom::new("other signer"));
    for (identity, follows) in [(&person.identity, true), (&other, false)] {
        let fields = UnsignedLink {
            account: person.account,
            seq: person.chain.link_count(),
            prev: person.chain.head(),
            action: Action::RemoveDevice { device: person.device.device() },
        };
        let mut chain = person.chain.clone();
        assert_eq!(chain.append(&REALM, &signed(identity, fields)).is_ok(), follows);
    }
}

#[test]
fn a_chain_continues_itself_and_what_it_began_with_and_no_other_branch() {
    let (mut person, _) = person("continues");
    let before = person.chain.clone();
    let mut branch = before.clone();
    person.add_device(&mut SeededRandom::new("continues device"));
    let link = branch.sign_remove_device(&REALM, &person.identity, person.device.device()).unwrap();
    branch.append(&REALM, &link).unwrap();
    assert!(before.continues(&before).is_ok() && person.chain.continues(&before).is_ok());
    // Shorter, or another link with the same number.
    assert!(before.continues(&person.chain).is_err());
    assert!(branch.continues(&person.chain).is_err());
    let (other, _) = self::person("another");
    assert!(other.chain.continues(&before).is_err());
}

#[test]
fn a_caller_cannot_sign_what_would_be_rejected() {
    let (person, second) = person("caller");
    let random = &mut SeededRandom::new("caller devices");
    let (fresh, other) = (DeviceSeeds::make(random), Identity::make(random));
    let known = person.chain.sign_add_device(&REALM, &person.identity, &second);
    assert_eq!(known, Err(SignLinkError::DeviceKnown(second.device())));
    let removed = person.chain.sign_remove_device(&REALM, &person.identity, second.device());
    assert_eq!(removed, Err(SignLinkError::DeviceUnknown(second.device())));
    let foreign = person.chain.sign_add_device(&REALM, &other, &fresh);
    assert_eq!(foreign, Err(SignLinkError::OtherIdentity));
}

proptest! {
    #[test]
    fn a33_any_bytes_are_answered_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0u8..4) {
        // A start that decodes, so that what follows is reached.
        let mut link = vec![1, 0];
        link.extend_from_slice(&[0; 56]);
        link.push(kind);
        link.extend_from_slice(&bytes);
        for link in [&bytes, &link] {
            prop_assert!(Sigchain::verify(&REALM, &AccountId::from_bytes([0; 16]), &[link]).is_err());
        }
    }
}
