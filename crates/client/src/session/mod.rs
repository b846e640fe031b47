//! Accounts: made, signed in to, signed out of (spec: 1-accounts).

mod account;
mod door;
mod login;
mod logout;
mod password;
pub(crate) mod record;
mod released;
mod sign_up;

pub use account::{Quota, WhoAmI};
pub use login::{Credentials, login};
pub use logout::LogoutReport;
pub use password::{check_password, generate_handle, generate_passphrase};
pub use released::{Freeing, PasswordProof, Released};
pub use sign_up::{NewAccount, SignUpDraft};

/// Logins that are begun before a refusal of the second message counts: a server that is started again after the first does not know it.
pub(crate) const LOGINS: u32 = 5;
