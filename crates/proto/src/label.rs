//! The label registry (spec: 0-conventions, "Labels"). Every KDF info and signed message names one of these.

macro_rules! labels {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// What a derived key, a wrap, a signature or a hash is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Label { $($(#[doc = $doc])+ $variant,)+ }

        impl Label {
            /// Every label, in the order of the spec's table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The text that enters the context.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

labels! {
    /// The password input of OPAQUE: fields NFKC(password), account key or empty.
    OpaquePassword = "opaque-pw",
    /// The context of the OPAQUE key exchange: field suite.
    OpaqueContext = "opaque-context",
    /// OPAQUE export key to the key that wraps the UMK.
    KekPassword = "kek/password",
    /// Recovery entropy to the key that wraps the UMK.
    KekRecovery = "kek/recovery",
    /// A device's passphrase, stretched, to the key that wraps the device key.
    KekPassphrase = "kek/passphrase",
    /// Recovery entropy to the seeds of the recovery signing key.
    RecoveryAuth = "recovery-auth",
    /// UMK to the key that wraps the identity seeds.
    IdentityBox = "identity-box",
    /// UMK to the key that wraps upload tickets.
    Ticket = "ticket",
    /// UMK to the key that wraps the keys of the private space.
    SpaceRoot = "space-root",
    /// Device seed to the Ed25519 key that signs in.
    DeviceAuth = "device-auth",
    /// SEK to the key that wraps commit bodies.
    SpaceBody = "space/body",
    /// SEK to the key that wraps root directory keys.
    SpaceRootKey = "space/root",
    /// SEK to the read token.
    SpaceReadToken = "space/read-token",
    /// SEK to the name key of large directories.
    SpaceNames = "space/names",
    /// FK to the key of synthetic salts.
    FileSiv = "file/siv",
    /// FK to the key that encrypts segments.
    FileEncrypt = "file/enc",
    /// FK to the key of blob ids.
    FileAddress = "file/addr",
    /// FK to the key of content roots.
    FileMeta = "file/meta",
    /// FK to the key that wraps version records and leaf pages.
    FileRecord = "file/record",
    /// Wrap of the UMK under the password's key.
    WrapPasswordSlot = "wrap/password-slot",
    /// Wrap of the UMK under the recovery key.
    WrapRecoverySlot = "wrap/recovery-slot",
    /// Wrap of the identity seeds.
    WrapIdentityBox = "wrap/identity-box",
    /// Wrap of an upload ticket.
    WrapTicket = "wrap/ticket",
    /// Wrap of a space's keys under the UMK.
    WrapSpaceKeys = "wrap/space-keys",
    /// Wrap of a commit body.
    WrapCommitBody = "wrap/commit-body",
    /// Wrap of a root directory key.
    WrapRootKey = "wrap/root-key",
    /// Wrap of a directory node.
    WrapDirectory = "wrap/directory",
    /// Wrap of a version record.
    WrapVersionRecord = "wrap/version-record",
    /// Wrap of a page of leaves.
    WrapLeafPage = "wrap/leaf-page",
    /// Wrap of a value in a device's local state.
    WrapLocalState = "wrap/local-state",
    /// Wrap of the key of a device's local state.
    WrapDeviceKey = "wrap/device-key",
    /// Hash that names a space.
    SpaceId = "space-id",
    /// Hash of a composite public key.
    PublicKeyHash = "public-key",
    /// Composite signature of a sigchain link by the identity.
    SignSigchain = "sig/sigchain",
    /// Composite signature of a device link by the device it adds.
    SignDevice = "sig/device",
    /// Composite signature of a commit by its author's device.
    SignCommit = "sig/commit",
    /// Capability signature of a commit header.
    CapabilityCommit = "cap/commit",
    /// Capability signature that opens a space session.
    CapabilitySession = "cap/session",
    /// Device signature that opens an account session.
    SignDeviceLogin = "sig/device-login",
    /// Hash that a client puzzle asks zeros of: fields puzzle, solution.
    Puzzle = "puzzle",
    /// Hash that two people compare: fields space, seq u64, head, history root.
    StateCode = "state-code",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn labels_are_unique_and_none_starts_another() {
        let texts: BTreeSet<_> = Label::ALL.iter().map(|label| label.as_str()).collect();
        assert_eq!(texts.len(), Label::ALL.len());
    }

    #[test]
    fn the_registry_in_the_spec_is_this_one() {
        let spec = include_str!("../../../docs/spec/0-conventions.md");
        for label in Label::ALL {
            let cell = format!("| `{}` |", label.as_str());
            assert_eq!(spec.matches(&cell).count(), 1, "{cell} in the spec");
        }
        let rows = spec.lines().filter(|line| line.starts_with("| `") && line.contains("` | label"));
        assert_eq!(rows.count(), Label::ALL.len());
    }
}
