//! A request to fetch, from the tree to the files.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::iter::Peekable;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anonicloud_core::tree::edit::EditError;
use anonicloud_core::tree::lookup::{DirectoryRef, Found, Walk};
use anonicloud_core::tree::name::RemotePath;
use anonicloud_core::tree::node::EntryContent;
use anonicloud_proto::ids::BlobId;
use futures::future::join;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::Semaphore;

use super::file::{Fetching, Gathered, IN_FLIGHT};
use super::folders::{finish_folders, make_folders};
use super::packed::Unpacked;
use super::part::WRITE_BACK_EVERY;
use super::plan::{FileTask, Plan};
use super::settle::{SYNC_ALL_FROM, make_link, settle};
use crate::client::Client;
use crate::error::OperationError;
use crate::local::filter::Filter;
use crate::local::sieve::{Sieve, Sifted};
use crate::progress::Progress;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::work;

/// Files that are made durable together.
const BATCH_FILES: usize = 8192;
/// Packs that a batch wants whole: they stay in memory, and so may those of the batch before it.
const BATCH_PACKS: usize = 4;
/// Files under way at once.
const FILES_AT_ONCE: usize = 16;

/// Something to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a program fills in all of it")]
pub struct GetItem {
    /// The file or folder.
    pub remote: RemotePath,
    /// Where it goes.
    pub target: GetTarget,
    /// Whether another file there may be replaced.
    pub overwrite: bool,
}

/// Where a download goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a program chooses one")]
pub enum GetTarget {
    /// This path, which is the file or folder itself.
    Path(PathBuf),
    /// Standard output; of a file only.
    Stdout,
}

/// What a download did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct GetReport {
    /// Files written.
    pub files: u64,
    /// Folders that are there now.
    pub directories: u64,
    /// Symlinks made.
    pub symlinks: u64,
    /// Files and symlinks that were there as they are.
    pub unchanged: u64,
    /// Content bytes of the files written.
    pub bytes: u64,
    /// Sealed bytes of segments that came over the wire.
    pub bytes_fetched: u64,
    /// What the patterns did.
    pub sifted: Sifted,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Fetches `items`, of folders what the filter takes. Interrupted at any instant, it goes on when called again: verified segments are not fetched twice.
    ///
    /// # Errors
    /// Those of [`OperationError`]; before anything is written when a target is in the way.
    pub async fn get(
        &self,
        items: Vec<GetItem>,
        filter: &Filter,
        progress: &dyn Progress,
    ) -> Result<GetReport, OperationError> {
        let mut report = GetReport::default();
        loop {
            let sweeps = self.sweeps().get();
            let plan = self.plan_get(&items, filter).await;
            let fetched = match plan {
                Ok(plan) => self.carry_out(plan, progress, &mut report).await,
                Err(error) => Err(error),
            };
            match fetched {
                Ok(()) => break,
                // What was to be fetched may lie elsewhere now; what came before that is there already.
                Err(error) if error.is_not_found() && self.is_swept_since(sweeps).await? => {}
                Err(error) => return Err(error),
            }
        }
        for item in items.iter().filter(|item| item.target == GetTarget::Stdout) {
            self.get_to_stdout(&item.remote, progress, &mut report).await?;
        }
        self.clear_nodes().await?;
        Ok(report)
    }

    /// What is to be written so that `items` are there, but for those that go to standard output.
    pub(crate) async fn plan_get(&self, items: &[GetItem], filter: &Filter) -> Result<Plan, OperationError> {
        self.sync().await?;
        let mut plan = Plan::default();
        let mut sieve = Sieve::new(filter);
        for item in items {
            if let GetTarget::Path(target) = &item.target {
                let absolute = std::path::absolute(target);
                let target = absolute.map_err(|error| OperationError::local(target, error))?;
                self.plan_item(item, &target, &mut sieve, &mut plan).await?;
            }
        }
        plan.sifted = sieve.sifted();
        Ok(plan)
    }

    async fn get_to_stdout(
        &self,
        remote: &RemotePath,
        progress: &dyn Progress,
        report: &mut GetReport,
    ) -> Result<(), OperationError> {
        let Found::Entry(entry) = self.found(remote).await? else {
            return Err(EditError::IsDirectory(remote.clone()).into());
        };
        let (size, version) = match &entry.content {
            EntryContent::File { size, version } => (size, version),
            EntryContent::Directory { .. } => return Err(EditError::IsDirectory(remote.clone()).into()),
            EntryContent::Symlink { .. } => return Err(OperationError::IsSymlink(remote.clone())),
        };
        progress.plan(1, *size);
        report.bytes_fetched += self.stream_out(version, &mut tokio::io::stdout(), progress).await?;
        report.files += 1;
        report.bytes += size;
        Ok(())
    }

    async fn plan_item(
        &self,
        item: &GetItem,
        target: &Path,
        sieve: &mut Sieve<'_>,
        plan: &mut Plan,
    ) -> Result<(), OperationError> {
        let directory = if let Found::Entry(entry) = self.found(&item.remote).await? {
            plan.add(&entry, target.to_owned(), item.overwrite)?;
            DirectoryRef::of(&entry)
        } else {
            plan.add_root(target.to_owned())?;
            self.root().await?.as_ref().map(DirectoryRef::root)
        };
        let Some(directory) = directory else {
            return Ok(());
        };
        let mut walk = Walk::new(RemotePath::root(), directory);
        let mut left_out = HashSet::new();
        while let Some((path, entries)) = self.walk_steps(|nodes| walk.next(nodes)).await? {
            let below: PathBuf = path.names().iter().map(|name| OsStr::from_bytes(name.as_bytes())).collect();
            for entry in entries {
                let place = below.join(OsStr::from_bytes(entry.name.as_bytes()));
                let is_directory = entry.content.is_directory();
                if left_out.contains(&path) || sieve.leaves_out(&place, is_directory) {
                    if is_directory {
                        left_out.insert(path.join(&entry.name));
                    }
                } else {
                    plan.add(&entry, target.join(place), item.overwrite)?;
                }
            }
        }
        Ok(())
    }

    async fn carry_out(
        &self,
        plan: Plan,
        progress: &dyn Progress,
        report: &mut GetReport,
    ) -> Result<(), OperationError> {
        let bytes: u64 = plan.files.iter().map(FileTask::size).sum();
        progress.plan(plan.files.len() as u64 + plan.unchanged, bytes + plan.unchanged_bytes);
        // What this wrote before it had to plan anew is no news.
        progress.skip(plan.unchanged_bytes.saturating_sub(report.bytes));
        report.unchanged = plan.unchanged.saturating_sub(report.files);
        let Plan { mut folders, links, files, places, sifted, .. } = plan;
        report.sifted = sifted;
        let (folders, changed) = work::run(move || {
            let changed = make_folders(&mut folders)?;
            Ok::<_, OperationError>((folders, changed))
        })
        .await?;
        report.directories = folders.len() as u64;
        let mut files = files.into_iter().peekable();
        let mut gathered = Vec::new();
        while files.peek().is_some() {
            let batch = next_batch(&mut files);
            // One batch comes while the one before it is made durable; neither is left half-way when the other fails.
            let (next, settled) =
                join(self.gather_batch(batch, progress), settle_batch(gathered, progress, report)).await;
            settled?;
            gathered = next?;
        }
        settle_batch(gathered, progress, report).await?;
        report.symlinks += links.len() as u64;
        work::run(move || {
            links.iter().try_for_each(make_link)?;
            finish_folders(&folders, &places, changed)
        })
        .await
    }

    /// Gathers the files of a batch, by the pack that their records lie in.
    async fn gather_batch(&self, batch: Batch, progress: &dyn Progress) -> Result<Vec<Gathered>, OperationError> {
        let small = batch.values().flatten().filter(|task| task.size() < WRITE_BACK_EVERY).count();
        let one_by_one = small < SYNC_ALL_FROM;
        let packs = stream::iter(batch).map(|(pack, tasks)| async move {
            if let Some(pack) = pack
                && tasks.len() > 1
            {
                self.fetch_pack(&pack).await?;
            }
            if one_by_one {
                Ok(Unpacked { gathered: Vec::new(), left: tasks })
            } else {
                self.unpack(tasks, progress).await
            }
        });
        let mut packs = packs.buffer_unordered(IN_FLIGHT);
        let (mut gathered, mut left) = (Vec::new(), Vec::new());
        while let Some(mut unpacked) = packs.try_next().await? {
            gathered.append(&mut unpacked.gathered);
            left.append(&mut unpacked.left);
        }
        let shared = Fetching { progress, requests: Semaphore::new(IN_FLIGHT), one_by_one };
        let files = stream::iter(left).map(|task| self.gather(task, &shared));
        gathered.append(&mut files.buffer_unordered(FILES_AT_ONCE).try_collect().await?);
        Ok(gathered)
    }
}

async fn settle_batch(
    gathered: Vec<Gathered>,
    progress: &dyn Progress,
    report: &mut GetReport,
) -> Result<(), OperationError> {
    let gathered = work::run(move || settle(&gathered).map(|()| gathered)).await?;
    for Gathered { task, fetched, .. } in &gathered {
        report.bytes_fetched += fetched;
        report.files += 1;
        report.bytes += task.size();
        progress.file_done(&task.target.display().to_string());
    }
    Ok(())
}

/// Files by the pack of their records.
type Batch = BTreeMap<Option<BlobId>, Vec<FileTask>>;

/// The next files that are made durable together: at least one.
fn next_batch(files: &mut Peekable<impl Iterator<Item = FileTask>>) -> Batch {
    let mut batch = Batch::new();
    let (mut len, mut whole_packs) = (0, 0);
    while len < BATCH_FILES
        && let Some(task) = files.next_if(|task| {
            let together = batch.get(&task.record_pack()).map_or(0, Vec::len);
            together > 1 || whole_packs < BATCH_PACKS
        })
    {
        let tasks = batch.entry(task.record_pack()).or_default();
        tasks.push(task);
        whole_packs += usize::from(tasks.len() == 2);
        len += 1;
    }
    batch
}
