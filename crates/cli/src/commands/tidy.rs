//! What a command does for the room at the server once its own work is done.

use crate::context::NativeClient;

/// Releases what nothing needs any more, if that is due. The command is done, whatever comes of this.
pub(super) async fn sweep(client: &NativeClient) {
    drop(client.sweep_if_due().await);
}
