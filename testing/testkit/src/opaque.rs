//! OPAQUE without the client's stretching, which the server does not see: for servers and clients of tests.

use opaque_ke::ksf::Identity;
use opaque_ke::{CipherSuite, Ristretto255, TripleDh};

/// ristretto255-SHA512-3DH.
pub(crate) struct OpaqueSuite;

impl CipherSuite for OpaqueSuite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_010::Sha512>;
    type Ksf = Identity;
}
