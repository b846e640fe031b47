//! `tree`: a folder and all below it as a drawing.

use std::io::{self, Write};

use anonicloud_client::item::ItemKind;
use clap::Args;

use super::offline::Offline;
use super::walked::{self, Walked};
use crate::context::Context;
use crate::error::CliError;
use crate::escape;
use crate::paths::RemoteArgument;
use crate::report::{Listed, counted};
use crate::ui::write_stdout;

/// Draw a folder and all that is below it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  anonicloud tree\n  anonicloud tree /Photos")]
pub(crate) struct Arguments {
    /// Path in the cloud
    #[arg(value_name = "PATH", default_value = "/", value_parser = RemoteArgument::parser())]
    path: RemoteArgument,
    #[command(flatten)]
    offline: Offline,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = self.offline.client(context).await?;
        if context.ui.is_json() {
            let mut items = context.ui.items();
            let show = |walked: Walked<'_>| items.item(|| Listed::new(walked.path, walked.item), |_| Ok(()));
            walked::below(&client, &self.path.path, show).await?;
            return items.end();
        }
        let (mut branches, mut folders) = (Vec::new(), 0);
        let keep = |walked: Walked<'_>| {
            folders += usize::from(walked.item.kind == ItemKind::Directory);
            branches.push(Branch::from(walked));
            Ok(())
        };
        walked::below(&client, &self.path.path, keep).await?;
        write_stdout(|out| {
            writeln!(out, "{}", escape::name(&self.path.path.to_bytes()))?;
            draw(out, &branches)?;
            let others = branches.len() - folders;
            writeln!(out, "\n{}, {}", counted(folders as u64, "folder"), counted(others as u64, "file"))
        })
    }
}

/// A line of the drawing.
struct Branch {
    /// Folders above, at least the one that is drawn.
    depth: usize,
    label: String,
}

impl From<Walked<'_>> for Branch {
    fn from(walked: Walked<'_>) -> Self {
        let name = escape::name(&walked.item.name);
        let label = match &walked.item.target {
            Some(target) => format!("{name} -> {}", escape::name(target)),
            None => name,
        };
        Self { depth: walked.depth, label }
    }
}

/// Writes a line a branch, joined to the folder that it is in.
fn draw(out: &mut dyn Write, branches: &[Branch]) -> io::Result<()> {
    let mut folders_ended: Vec<bool> = Vec::new();
    for (branch, is_last) in branches.iter().zip(last_of_their_folder(branches)) {
        folders_ended.truncate(branch.depth.saturating_sub(1));
        for ended in &folders_ended {
            out.write_all(if *ended { "    " } else { "│   " }.as_bytes())?;
        }
        let joint = if is_last { "└── " } else { "├── " };
        writeln!(out, "{joint}{}", branch.label)?;
        folders_ended.push(is_last);
    }
    Ok(())
}

/// For each branch, whether no other of the same folder follows: read from the end, it is the first of its depth since
/// one of a smaller depth.
fn last_of_their_folder(branches: &[Branch]) -> Vec<bool> {
    let mut seen: Vec<bool> = Vec::new();
    let mut last: Vec<bool> = branches
        .iter()
        .rev()
        .map(|branch| {
            seen.resize(branch.depth + 1, false);
            !core::mem::replace(&mut seen[branch.depth], true)
        })
        .collect();
    last.reverse();
    last
}

#[cfg(test)]
mod tests {
    use super::{Branch, draw};

    #[test]
    fn branches_end_with_their_folder() {
        let branches = [(1, "a"), (2, "b"), (3, "c"), (2, "d"), (1, "e"), (2, "f")]
            .map(|(depth, label)| Branch { depth, label: label.to_owned() });
        let mut out = Vec::new();
        draw(&mut out, &branches).unwrap();
        let drawn = "\
├── a
│   ├── b
│   │   └── c
│   └── d
└── e
    └── f
";
        assert_eq!(String::from_utf8(out).unwrap(), drawn);
    }
}
