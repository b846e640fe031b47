//! How an item looks in `ls -l` and `stat`, and how names get to stdout.

use std::io::{self, Write};

use anonicloud_client::item::{Item, ItemKind};

use crate::escape;
use crate::report::kind;
use crate::units;

/// Type, permissions, size, time and name in one line.
pub(super) fn write_long(out: &mut dyn Write, name: &[u8], item: &Item) -> io::Result<()> {
    write!(
        out,
        "{}{}  {:>14}  {}  {}",
        letter(item.kind),
        units::permissions(item.mode),
        item.size,
        units::utc(item.mtime_ns),
        escape::name(name)
    )?;
    if let Some(target) = &item.target {
        write!(out, " -> {}", escape::name(target))?;
    }
    writeln!(out)
}

/// All that is known, a line each.
pub(super) fn write_card(out: &mut dyn Write, path: &[u8], item: &Item) -> io::Result<()> {
    writeln!(out, "path:      {}", escape::name(path))?;
    writeln!(out, "kind:      {}", kind(item.kind))?;
    writeln!(out, "size:      {} ({})", item.size, indicatif::HumanBytes(item.size))?;
    if item.kind == ItemKind::Directory {
        writeln!(out, "files:     {}", item.files)?;
    }
    writeln!(out, "modified:  {}", units::utc(item.mtime_ns))?;
    writeln!(out, "mode:      {:04o} ({})", item.mode, units::permissions(item.mode))?;
    if let Some(target) = &item.target {
        writeln!(out, "target:    {}", escape::name(target))?;
    }
    Ok(())
}

const fn letter(kind: ItemKind) -> char {
    match kind {
        ItemKind::Directory => 'd',
        ItemKind::Symlink => 'l',
        _ => '-',
    }
}
