use anonicloud_proto::api::{Base64, SealedBox};
use anonicloud_proto::ids::{AccountId, RealmId, SpaceId};

use super::{Person, REALM, SeededRandom, flip};
use crate::account::boxes::BoxOwner;
use crate::account::keys::Identity;
use crate::account::sigchain::Sigchain;
use crate::crypto::secret::{ExportKey, MasterKey, RecoveryEntropy, SecretBytes};
use crate::space::private::PrivateSpace;

struct Boxes {
    person: Person,
    owner: BoxOwner,
    export: ExportKey,
    words: RecoveryEntropy,
    space: PrivateSpace,
    password: SealedBox,
    recovery: SealedBox,
    identity: SealedBox,
    keys: SealedBox,
}

/// Opens one of the boxes; gives whether it did.
type Opens = fn(&Boxes, &BoxOwner, &SealedBox) -> bool;

fn boxes(seed: &str) -> Boxes {
    let random = &mut SeededRandom::new(seed);
    let person = Person::make(random);
    let owner = BoxOwner { realm: REALM, account: person.account };
    let export = ExportKey::make(random);
    let words = RecoveryEntropy::make(random);
    let (space, _) = PrivateSpace::make(REALM, person.chain.clone(), &person.device, 1, random).unwrap();
    let password = owner.seal_password_slot(1, &export, &person.master, random);
    let recovery = owner.seal_recovery_slot(2, &words, &person.master, random);
    let identity = owner.seal_identity(3, &person.master, &person.identity, random);
    let keys = owner.seal_space(4, &person.master, &space, random);
    Boxes { person, owner, export, words, space, password, recovery, identity, keys }
}

fn each(boxes: &Boxes) -> [(&SealedBox, Opens); 4] {
    [
        (&boxes.password, |boxes, owner, sealed| owner.open_password_slot(&boxes.export, sealed).is_ok()),
        (&boxes.recovery, |boxes, owner, sealed| owner.open_recovery_slot(&boxes.words, sealed).is_ok()),
        (&boxes.identity, |boxes, owner, sealed| {
            owner.open_identity(&boxes.person.master, sealed, &boxes.person.chain).is_ok()
        }),
        (&boxes.keys, |boxes, owner, sealed| owner.open_space(&boxes.space.id(), &boxes.person.master, sealed).is_ok()),
    ]
}

#[test]
fn every_box_gives_back_what_was_put_in() {
    let all = boxes("round trip");
    let master = all.person.master.expose_bytes();
    assert_eq!(all.owner.open_password_slot(&all.export, &all.password).unwrap().expose_bytes(), master);
    assert_eq!(all.owner.open_recovery_slot(&all.words, &all.recovery).unwrap().expose_bytes(), master);
    let identity = all.owner.open_identity(&all.person.master, &all.identity, &all.person.chain).unwrap();
    assert_eq!(identity.signing().public(), all.person.identity.signing().public());
    assert_eq!(identity.sharing().public(), all.person.identity.sharing().public());
    let keys = all.owner.open_space(&all.space.id(), &all.person.master, &all.keys).unwrap();
    assert_eq!(keys.expose_encoded().expose_bytes(), all.space.keys().expose_encoded().expose_bytes());
    assert_eq!(all.keys.version, 4);
}

#[test]
fn a01_every_flipped_bit_and_every_cut_is_rejected() {
    let all = boxes("flip");
    for (number, (sealed, opens)) in each(&all).into_iter().enumerate() {
        let bytes = sealed.sealed.as_bytes();
        let changed = |bytes: Vec<u8>| SealedBox { version: sealed.version, sealed: Base64::new(bytes) };
        assert!(opens(&all, &all.owner, sealed));
        for at in 0..bytes.len() * 8 {
            assert!(!opens(&all, &all.owner, &changed(flip(bytes, at / 8, at))), "box {number}, bit {at}");
        }
        for len in 0..bytes.len() {
            assert!(!opens(&all, &all.owner, &changed(bytes[..len].to_vec())), "box {number}, length {len}");
        }
        assert!(!opens(&all, &all.owner, &changed(vec![0; 5000])));
    }
}

#[test]
fn a03_a_box_opens_as_no_other_box_and_for_no_other_owner() {
    let all = boxes("swap");
    let each = each(&all);
    for (number, (_, opens)) in each.iter().enumerate() {
        for (other, (sealed, _)) in each.iter().enumerate() {
            assert_eq!(opens(&all, &all.owner, sealed), number == other, "box {other} as {number}");
        }
        let realm = BoxOwner { realm: RealmId::from_bytes([0; 16]), ..all.owner };
        let account = BoxOwner { account: AccountId::from_bytes([0; 16]), ..all.owner };
        assert!(!opens(&all, &realm, each[number].0) && !opens(&all, &account, each[number].0), "box {number}");
    }
    let other = SpaceId::from_bytes([0; 32]);
    assert!(all.owner.open_space(&other, &all.person.master, &all.keys).is_err());
}

#[test]
fn a21_a_box_opens_under_its_own_version_only_and_none_under_zero() {
    let all = boxes("version");
    for (sealed, opens) in each(&all) {
        for version in (0..6).filter(|version| *version != sealed.version) {
            let relabelled = SealedBox { version, sealed: sealed.sealed.clone() };
            assert!(!opens(&all, &all.owner, &relabelled), "version {version}");
        }
    }
    let zero = all.owner.seal_password_slot(0, &all.export, &all.person.master, &mut SeededRandom::new("zero"));
    assert!(all.owner.open_password_slot(&all.export, &zero).is_err());
}

#[test]
fn another_secret_opens_nothing() {
    let all = boxes("secret");
    let random = &mut SeededRandom::new("other secret");
    assert!(all.owner.open_password_slot(&ExportKey::make(random), &all.password).is_err());
    assert!(all.owner.open_recovery_slot(&RecoveryEntropy::make(random), &all.recovery).is_err());
    let master = MasterKey::make(random);
    assert!(all.owner.open_identity(&master, &all.identity, &all.person.chain).is_err());
    assert!(all.owner.open_space(&all.space.id(), &master, &all.keys).is_err());
}

#[test]
fn a01_an_identity_that_the_sigchain_does_not_certify_is_rejected() {
    let all = boxes("identity");
    let other = Person::make(&mut SeededRandom::new("other identity"));
    assert!(all.owner.open_identity(&all.person.master, &all.identity, &other.chain).is_err());
    // The same account, but keys that a server made.
    let forged = Sigchain::sign_genesis(&REALM, &all.person.account, &other.identity, &"alice".parse().unwrap());
    let forged = Sigchain::verify(&REALM, &all.person.account, &[forged]).unwrap();
    assert!(all.owner.open_identity(&all.person.master, &all.identity, &forged).is_err());
}

#[test]
fn a01_an_identity_is_certified_by_its_account_and_by_both_of_its_keys() {
    let all = boxes("certified");
    let other = Person::make(&mut SeededRandom::new("other keys"));
    let mixed = |signing: &Identity, sharing: &Identity| {
        let (signing, sharing) = (signing.expose_encoded(), sharing.expose_encoded());
        let bytes = [&signing.expose_bytes()[..64], &sharing.expose_bytes()[64..]].concat();
        Identity::from_encoded(&SecretBytes::from_vec(bytes)).unwrap()
    };
    let opens = |account: &AccountId, identity: &Identity| {
        let genesis = Sigchain::sign_genesis(&REALM, account, identity, &"alice".parse().unwrap());
        let chain = Sigchain::verify(&REALM, account, &[genesis]).unwrap();
        all.owner.open_identity(&all.person.master, &all.identity, &chain).is_ok()
    };
    let (account, own) = (&all.person.account, &all.person.identity);
    assert!(opens(account, own));
    assert!(!opens(&other.account, own));
    assert!(!opens(account, &mixed(own, &other.identity)));
    assert!(!opens(account, &mixed(&other.identity, own)));
}
