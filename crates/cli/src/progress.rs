//! The progress bar: how much of what is left was moved, how fast, how long it will take.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anonicloud_client::transfer::Progress;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::counted;
use crate::ui::Ui;

/// How far a command is, for who stops it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    is_planned: AtomicBool,
    counts_pieces: AtomicBool,
    files: AtomicU64,
    files_done: AtomicU64,
    /// Bytes, or pieces.
    amount: AtomicU64,
    moved: AtomicU64,
    present: AtomicU64,
}

impl Tally {
    /// What is done and what is left; `None` when nothing was begun.
    pub(crate) fn sentence(&self) -> Option<String> {
        if !self.is_planned.load(Ordering::Relaxed) {
            return None;
        }
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let done = of(&self.moved).saturating_add(of(&self.present));
        let left = of(&self.amount).saturating_sub(done);
        if self.counts_pieces.load(Ordering::Relaxed) {
            return Some(format!("{} done, {left} left", counted(done, "piece")));
        }
        let files = of(&self.files_done);
        let files_left = of(&self.files).saturating_sub(files);
        let (files, files_left) = (counted(files, "file"), counted(files_left, "file"));
        Some(format!("{files} and {} done, {files_left} and {} left", HumanBytes(done), HumanBytes(left)))
    }
}

/// A bar on stderr; unseen when stderr is no terminal, with `--quiet` and with `--json`.
#[derive(Debug)]
pub(crate) struct Bar {
    drawn: ProgressBar,
    ui: Ui,
    tally: Arc<Tally>,
}

impl Bar {
    /// A bar of bytes, which is not drawn before there is a plan; it counts in `tally`.
    pub(crate) fn new(ui: Ui, tally: &Arc<Tally>) -> Self {
        Self::with_template(ui, tally, TEMPLATE)
    }

    /// The same of what is no byte but a piece.
    pub(crate) fn of_pieces(ui: Ui, tally: &Arc<Tally>) -> Self {
        tally.counts_pieces.store(true, Ordering::Relaxed);
        Self::with_template(ui, tally, PIECES_TEMPLATE)
    }

    /// Does something with the terminal as if there were no bar.
    pub(crate) fn around<T>(&self, something: impl FnOnce() -> T) -> T {
        self.drawn.suspend(something)
    }

    fn with_template(ui: Ui, tally: &Arc<Tally>, template: &str) -> Self {
        let style = ProgressStyle::with_template(template).expect("the tests make it from both constants");
        let drawn = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()).with_style(style);
        Self { drawn, ui, tally: Arc::clone(tally) }
    }

    fn tell(&self) {
        let done = self.tally.files_done.load(Ordering::Relaxed);
        let files = self.tally.files.load(Ordering::Relaxed);
        let message = match self.tally.present.load(Ordering::Relaxed) {
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
        self.tally.is_planned.store(true, Ordering::Relaxed);
        self.tally.files.store(files, Ordering::Relaxed);
        self.tally.amount.store(bytes, Ordering::Relaxed);
        self.drawn.set_length(bytes.saturating_sub(self.tally.present.load(Ordering::Relaxed)));
        self.tell();
        if self.drawn.is_hidden() && self.ui.shows_progress() {
            self.drawn.set_draw_target(ProgressDrawTarget::stderr());
            self.drawn.enable_steady_tick(Duration::from_millis(250));
        }
    }

    fn advance(&self, bytes: u64) {
        self.tally.moved.fetch_add(bytes, Ordering::Relaxed);
        self.drawn.inc(bytes);
    }

    /// What is there already is taken off the plan, so that rate and time left are those of the bytes that move.
    fn skip(&self, bytes: u64) {
        self.tally.present.fetch_add(bytes, Ordering::Relaxed);
        self.drawn.dec_length(bytes);
        self.tell();
    }

    fn file_done(&self, _path: &str) {
        self.tally.files_done.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }
}

const TEMPLATE: &str =
    "{percent:>3}% {bar:20} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left, {msg}";

const PIECES_TEMPLATE: &str = "{percent:>3}% {bar:20} {pos} of {len} pieces, {eta} left";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use anonicloud_client::transfer::Progress as _;

    use super::{Bar, Tally};
    use crate::ui::Ui;

    const UNSEEN: Ui = Ui::new(true, false, false);

    #[test]
    fn what_is_there_already_is_not_left_to_do() {
        let tally = Arc::new(Tally::default());
        let bar = Bar::new(UNSEEN, &tally);
        assert_eq!(tally.sentence(), None);
        bar.plan(3, 1000);
        bar.skip(600);
        bar.advance(100);
        bar.file_done("a");
        assert_eq!((bar.drawn.position(), bar.drawn.length()), (100, Some(400)));
        assert_eq!(bar.drawn.message(), "1/3 files, 600 B there already");
        assert_eq!(tally.sentence().unwrap(), "1 file and 700 B done, 2 files and 300 B left");
        bar.plan(5, 1500);
        assert_eq!(bar.drawn.length(), Some(900));
    }

    #[test]
    fn pieces_are_counted_as_such() {
        let tally = Arc::new(Tally::default());
        let bar = Bar::of_pieces(UNSEEN, &tally);
        assert_eq!(bar.around(|| 3), 3);
        bar.plan(0, 10);
        bar.advance(1);
        bar.file_done("a");
        assert_eq!(tally.sentence().unwrap(), "1 piece done, 9 left");
    }
}
