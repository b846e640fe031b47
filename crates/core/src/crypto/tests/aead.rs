//! The two implementations of AES-256-GCM are one.

use proptest::prelude::*;

use crate::crypto::aead::{Aead256 as _, Aes256Gcm, PortableAes256Gcm, TAG_LEN};

proptest! {
    #[test]
    fn native_and_portable_agree_byte_for_byte(
        key: [u8; 32],
        nonce: [u8; 12],
        aad in proptest::collection::vec(any::<u8>(), 0..64),
        plaintext in proptest::collection::vec(any::<u8>(), 0..5000),
        flip: proptest::sample::Index,
    ) {
        let (native, portable) = (Aes256Gcm::new(&key), PortableAes256Gcm::new(&key));
        let mut first = vec![0; plaintext.len() + TAG_LEN];
        let mut second = first.clone();
        native.seal(&nonce, &aad, &plaintext, &mut first);
        portable.seal(&nonce, &aad, &plaintext, &mut second);
        prop_assert_eq!(&first, &second);

        let mut opened = vec![0; plaintext.len()];
        prop_assert!(native.open(&nonce, &aad, &second, &mut opened).is_ok());
        prop_assert_eq!(&opened, &plaintext);
        opened.fill(0);
        prop_assert!(portable.open(&nonce, &aad, &first, &mut opened).is_ok());
        prop_assert_eq!(&opened, &plaintext);

        let at = flip.index(first.len());
        first[at] ^= 1;
        prop_assert!(native.open(&nonce, &aad, &first, &mut opened).is_err());
        prop_assert!(portable.open(&nonce, &aad, &first, &mut opened).is_err());
    }
}
