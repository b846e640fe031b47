//! How a long operation tells how far it is.

/// Told while files go up or come down; called from one thread.
pub trait Progress {
    /// What is to be done in all, as far as known; called again when more is found.
    fn plan(&self, files: u64, bytes: u64);
    /// Content bytes that were sent or fetched.
    fn advance(&self, bytes: u64);
    /// Content bytes that need no transfer, since they are there.
    fn skip(&self, bytes: u64);
    /// A file is whole at the other side.
    fn file_done(&self, path: &str);
}
