use super::{REALM, SeededRandom};
use crate::account::keys::{DeviceSeeds, SpaceKeys};
use crate::crypto::secret::SecretBytes;

#[test]
fn keys_come_back_from_their_encoding_and_from_no_other_length() {
    let random = &mut SeededRandom::new("keys");
    let keys = SpaceKeys::make(random);
    let encoded = keys.expose_encoded();
    let again = SpaceKeys::from_encoded(&encoded).unwrap();
    assert_eq!(again.expose_encoded().expose_bytes(), encoded.expose_bytes());
    assert_eq!(again.capability_keys(&REALM), keys.capability_keys(&REALM));
    let device = DeviceSeeds::make(random);
    let seeds = device.expose_encoded();
    let again = DeviceSeeds::from_encoded(&seeds).unwrap();
    assert_eq!(again.device(), device.device());
    assert_eq!(again.signing().public(), device.signing().public());
    assert_eq!(again.login_seed(&REALM).public(), device.login_seed(&REALM).public());
    for bytes in [encoded.expose_bytes(), seeds.expose_bytes()] {
        for changed in [bytes[1..].to_vec(), [bytes, &[0]].concat()] {
            let changed = SecretBytes::from_vec(changed);
            assert!(SpaceKeys::from_encoded(&changed).is_err());
            assert!(DeviceSeeds::from_encoded(&changed).is_err());
        }
    }
}

#[test]
fn each_right_has_a_key_of_its_own_and_the_token_opens_the_space() {
    let keys = SpaceKeys::make(&mut SeededRandom::new("rights"));
    let public = keys.capability_keys(&REALM);
    assert_eq!(public.read.check(keys.read_token(&REALM).expose_bytes()), Ok(()));
    assert_eq!(public.append, keys.append().public());
    assert!(public.append != public.write && public.write != public.admin && public.append != public.admin);
}

#[test]
fn nothing_secret_is_printed() {
    let random = &mut SeededRandom::new("debug");
    assert_eq!(format!("{:?}", SpaceKeys::make(random)), "SpaceKeys(epoch 0, ..)");
    let device = DeviceSeeds::make(random);
    assert_eq!(format!("{device:?}"), format!("DeviceSeeds({}, ..)", device.device()));
}
