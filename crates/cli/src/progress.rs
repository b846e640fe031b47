//! The progress bar: how much of what is left was moved, how fast, how long it will take.

use core::time::Duration;
use std::sync::atomic::{AtomicU64, Ordering};

use anonicloud_client::transfer::Progress;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::ui::Ui;

/// A bar on stderr; unseen when stderr is no terminal, with `--quiet` and with `--json`.
#[derive(Debug)]
pub(crate) struct Bar {
    drawn: ProgressBar,
    ui: Ui,
    files: AtomicU64,
    files_done: AtomicU64,
    present: AtomicU64,
}

impl Bar {
    /// A bar that is not drawn before there is a plan.
    pub(crate) fn new(ui: Ui) -> Self {
        let style = ProgressStyle::with_template(TEMPLATE).expect("the tests make it from this constant");
        let drawn = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()).with_style(style);
        Self { drawn, ui, files: AtomicU64::new(0), files_done: AtomicU64::new(0), present: AtomicU64::new(0) }
    }

    fn tell(&self) {
        let done = self.files_done.load(Ordering::Relaxed);
        let files = self.files.load(Ordering::Relaxed);
        let message = match self.present.load(Ordering::Relaxed) {
            0 => format!("{done}/{files} files"),
            present => format!("{done}/{files} files, {} there already", HumanBytes(present)),
        };
        self.drawn.set_message(message);
    }
}

impl Drop for Bar {
    /// Leaves the terminal as if there had been no bar, however the command ended.
    fn drop(&mut self) {
        self.drawn.finish_and_clear();
    }
}

impl Progress for Bar {
    fn plan(&self, files: u64, bytes: u64) {
        self.files.store(files, Ordering::Relaxed);
        self.drawn.set_length(bytes.saturating_sub(self.present.load(Ordering::Relaxed)));
        self.tell();
        if self.drawn.is_hidden() && self.ui.shows_progress() {
            self.drawn.set_draw_target(ProgressDrawTarget::stderr());
            self.drawn.enable_steady_tick(Duration::from_millis(250));
        }
    }

    fn advance(&self, bytes: u64) {
        self.drawn.inc(bytes);
    }

    /// What is there already is taken off the plan, so that rate and time left are those of the bytes that move.
    fn skip(&self, bytes: u64) {
        self.present.fetch_add(bytes, Ordering::Relaxed);
        self.drawn.dec_length(bytes);
        self.tell();
    }

    fn file_done(&self, _path: &str) {
        self.files_done.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }
}

const TEMPLATE: &str =
    "{percent:>3}% {bar:20} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left, {msg}";

#[cfg(test)]
mod tests {
    use anonicloud_client::transfer::Progress as _;

    use super::Bar;
    use crate::ui::Ui;

    #[test]
    fn what_is_there_already_is_not_left_to_do() {
        let bar = Bar::new(Ui::new(true, false, false));
        bar.plan(3, 1000);
        bar.skip(600);
        bar.advance(100);
        bar.file_done("a");
        assert_eq!((bar.drawn.position(), bar.drawn.length()), (100, Some(400)));
        assert_eq!(bar.drawn.message(), "1/3 files, 600 B there already");
        bar.plan(5, 1500);
        assert_eq!(bar.drawn.length(), Some(900));
    }
}
