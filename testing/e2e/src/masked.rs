//! Bytes on their way to a process whose memory is searched for them, or from it: no byte of them is there as it is.

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

const MASK: u8 = 0xa5;

/// `bytes` as a text that does not show them.
pub fn mask(bytes: &[u8]) -> String {
    let masked: Vec<u8> = bytes.iter().map(|byte| byte ^ MASK).collect();
    HEXLOWER.encode(&masked)
}

/// The bytes that [`mask`] made `text` of, in a place where they are wiped.
pub fn unmask(text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(HEXLOWER.decode(text.as_bytes()).expect("what was masked"));
    for byte in bytes.iter_mut() {
        *byte ^= MASK;
    }
    bytes
}
