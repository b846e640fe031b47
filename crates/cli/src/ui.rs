//! All that is printed: answers to stdout, everything else to stderr.
//!
//! Enters: answers with a form for people and one for programs, notes, refusals. Leaves: bytes on the two streams.
//! Never: a name that was not escaped on a terminal, a secret that nobody asked to see.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{CliError, ErrorReport};
use crate::escape;

/// How this run prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    json: bool,
    quiet: bool,
    color: bool,
}

impl Ui {
    /// `json`: answers and refusals are JSON; `quiet`: no notes and no progress; `color`: stderr may be coloured.
    pub(crate) const fn new(json: bool, quiet: bool, color: bool) -> Self {
        Self { json, quiet, color }
    }

    /// Whether answers are JSON.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Whether somebody is there to answer a question.
    pub(crate) fn is_interactive(self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether a progress bar can be seen.
    pub(crate) fn shows_progress(self) -> bool {
        !self.json && !self.quiet && io::stderr().is_terminal()
    }

    /// Whether names on stdout reach a terminal, and so must be escaped.
    pub(crate) fn stdout_is_terminal(self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// What was asked for, on stdout: `value` as one line of JSON, or `text`.
    pub(crate) fn answer<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), CliError> {
        if self.json { write_stdout(|out| write_json(out, value)) } else { write_stdout(text) }
    }

    /// `value` as one line of JSON on stdout for a program; nothing for a person, who was told already.
    pub(crate) fn object<T: Serialize>(self, value: &T) -> Result<(), CliError> {
        self.answer(value, |_| Ok(()))
    }

    /// An answer of many items, on stdout as they are found.
    pub(crate) fn items(self) -> Items {
        Items { json: self.json, begun: false, out: BufWriter::new(io::stdout()) }
    }

    /// A line of an answer that comes as it is found, on stdout; nothing for programs.
    pub(crate) fn line(self, line: &[u8]) -> Result<(), CliError> {
        if self.json {
            return Ok(());
        }
        write_stdout(|out| {
            out.write_all(line)?;
            out.write_all(b"\n")
        })
    }

    /// What was done: `value` as one line of JSON on stdout, or `text` as a note.
    pub(crate) fn summary<T: Serialize>(self, value: &T, text: &str) -> Result<(), CliError> {
        if self.json { write_stdout(|out| write_json(out, value)) } else { self.note(text) }
    }

    /// Like [`Self::summary`], when stdout is taken by the content of files.
    pub(crate) fn summary_beside_content<T: Serialize>(self, value: &T, text: &str) -> Result<(), CliError> {
        if self.json { write_json(&mut io::stderr().lock(), value).map_err(CliError::Output) } else { self.note(text) }
    }

    /// A line on stderr for a person; nothing for programs, or when asked to be quiet.
    pub(crate) fn note(self, text: &str) -> Result<(), CliError> {
        if self.quiet { Ok(()) } else { self.tell(text) }
    }

    /// A line on stderr that a person must see, quiet or not; nothing for programs.
    pub(crate) fn tell(self, text: &str) -> Result<(), CliError> {
        if self.json {
            return Ok(());
        }
        writeln!(io::stderr().lock(), "{}", escape::sentence(text)).map_err(CliError::Output)
    }

    /// A secret on stderr that a person is to keep: written as it is, without a copy that would stay in memory.
    pub(crate) fn show_secret(self, text: &str) -> Result<(), CliError> {
        if self.json {
            return Ok(());
        }
        io::stderr().write_all(text.as_bytes()).map_err(CliError::Output)
    }

    /// A refusal on stderr: what, and what to do. A stderr that is gone has nobody to tell.
    pub(crate) fn refusal(self, report: &ErrorReport) {
        let written = if self.json {
            write_json(&mut io::stderr().lock(), report)
        } else {
            io::stderr().lock().write_all(report.text(self.color).as_bytes())
        };
        written.ok();
    }
}

/// Writes to stdout, bytes as they are.
pub(crate) fn write_stdout(text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), CliError> {
    let mut out = BufWriter::new(io::stdout().lock());
    text(&mut out).and_then(|()| out.flush()).map_err(CliError::Output)
}

/// Items that go out as they are found: as text for a person, in one object on one line for a program. What was not ended is no
/// JSON, so that no program takes a part for the whole.
#[derive(Debug)]
pub(crate) struct Items {
    json: bool,
    begun: bool,
    out: BufWriter<io::Stdout>,
}

impl Items {
    /// The next item: `value`, or `text`.
    pub(crate) fn item<T: Serialize>(
        &mut self,
        value: impl FnOnce() -> T,
        text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if !self.json {
            return text(&mut self.out);
        }
        self.out.write_all(if self.begun { b"," } else { ITEMS_BEGIN })?;
        self.begun = true;
        Ok(serde_json::to_writer(&mut self.out, &value())?)
    }

    /// That was all.
    pub(crate) fn end(mut self) -> Result<(), CliError> {
        let mut end = || {
            if self.json {
                self.out.write_all(if self.begun { b"" } else { ITEMS_BEGIN })?;
                self.out.write_all(b"]}\n")?;
            }
            self.out.flush()
        };
        end().map_err(CliError::Output)
    }
}

const ITEMS_BEGIN: &[u8] = b"{\"items\":[";

/// Bytes of a line that is typed.
const LINE: usize = 1 << 10;

/// Asks on stderr and reads one line of stdin, without its end. Blocks, but holds no stream meanwhile: Ctrl-C must be
/// able to print.
pub(crate) fn ask(question: &str) -> Result<Zeroizing<String>, CliError> {
    io::stderr().write_all(question.as_bytes()).map_err(CliError::Output)?;
    // It may be a secret word: one that is no longer than any of them leaves no copy where the line would have grown.
    let mut line = Zeroizing::new(String::with_capacity(LINE));
    match io::stdin().read_line(&mut line) {
        Ok(0) => Err(CliError::NoAnswer),
        Ok(_) => Ok(Zeroizing::new(line.trim().to_owned())),
        Err(error) => Err(CliError::Input(error)),
    }
}

fn write_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
