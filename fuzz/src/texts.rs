//! Names, paths, handles and recovery words: what a person or another device typed.

use anonicloud_core::account::handle::Handle;
use anonicloud_core::crypto::secret::RecoveryEntropy;
use anonicloud_core::tree::name::{EntryName, RemotePath};

/// Reads the bytes as each of them.
pub fn run(data: &[u8]) {
    if let Ok(name) = EntryName::new(data) {
        assert!(name.as_bytes() == data, "a name changes");
    }
    if let Ok(path) = RemotePath::parse(data) {
        let again = RemotePath::parse(&path.to_bytes()).expect("a path that was written");
        assert!(again.to_bytes() == path.to_bytes(), "a path changes on its way");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(handle) = text.parse::<Handle>() {
        assert!(handle.as_str().parse::<Handle>().is_ok(), "a handle is none");
    }
    if let Ok(entropy) = RecoveryEntropy::from_words(text) {
        let again = RecoveryEntropy::from_words(entropy.words().expose_str()).expect("words that were written");
        assert!(again.expose_bytes() == entropy.expose_bytes(), "words change on their way");
    }
}
