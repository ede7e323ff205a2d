//! When nothing more is read: a place that is written to is too far behind the commits, or what is left of the disk is for commits.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use job::Job;

/// Commits that may wait to be published to a warehouse. Their artifacts lie where they will be seen, so a warehouse that is away holds up
/// the next epoch's files anyway; a few are enough to keep reading and publishing from waiting for each other.
pub const COMMITS_MAX: usize = 4;

/// How far a place may be behind before nothing more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Commits that touch it.
    pub commits: usize,
    /// Bytes of the data files that they add.
    pub bytes: u64,
    /// How long the first of them has waited.
    pub age: Duration,
}

/// Which bound is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// The number of commits.
    Commits,
    /// Their bytes.
    Bytes,
    /// The age of the first.
    Age,
}

impl Bounds {
    /// Those of a job.
    pub fn of(job: &Job) -> Bounds {
        Bounds { commits: COMMITS_MAX, bytes: job.unpublished_bytes_max, age: job.unpublished_age_max }
    }

    /// The bound that so much reaches, if it reaches one. Nothing at all reaches none: an epoch larger than the bound must come through.
    pub fn reached(&self, commits: usize, bytes: u64, age: Duration) -> Option<Reached> {
        match commits {
            0 => None,
            _ if commits >= self.commits => Some(Reached::Commits),
            _ if bytes >= self.bytes => Some(Reached::Bytes),
            _ => (age >= self.age).then_some(Reached::Age),
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reached::Commits => "",
            Reached::Bytes => " (max_unpublished_size)",
            Reached::Age => " (max_unpublished_age)",
        })
    }
}

/// A disk on which less is free than is held back for commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortOfSpace {
    folder: String,
    free: u64,
    held_back: u64,
}

impl ShortOfSpace {
    /// Looks at the disk of a folder. A disk that does not say how much is free is not short of it: what it lacks shows when it is written to.
    pub fn of(folder: &str, held_back: u64) -> Option<ShortOfSpace> {
        let free = (held_back > 0).then(|| free_bytes(Path::new(folder))).flatten()?;
        (free < held_back).then(|| ShortOfSpace { folder: folder.to_string(), free, held_back })
    }
}

impl fmt::Display for ShortOfSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let ShortOfSpace { folder, free, held_back } = self;
        write!(
            f,
            "the disk of the checkpoint {folder} has {:.1} MiB left, and {:.1} MiB are held back for commits (min_free_space in [job]); \
             nothing more is read until there is room",
            mib(*free),
            mib(*held_back)
        )
    }
}

/// Bytes that may still be written to the disk of a folder.
#[cfg(target_os = "linux")]
fn free_bytes(folder: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;

    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path ends with a zero and lives until the call returns, which writes into the one place that it is given.
    let result = unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) };
    if result != 0 {
        return None;
    }
    // SAFETY: the call has succeeded, so it has filled it in.
    let found = unsafe { found.assume_init() };
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(target_os = "linux"))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests;
