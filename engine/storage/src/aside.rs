//! Files that are written and synced beside their names, so that a name never shows half of one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Digits that the number of a file aside has at least. Other programs' have fewer: what they put aside is not ours to clear away.
const DIGITS: usize = 10;

/// Numbers the files that this process puts aside.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Bytes that lie synced beside the name they are for. A put of the same bytes to that name, given it among its extensions
/// (`PutOptions::extensions`), need not write them again: it only gives them their name. If no put takes it, the file goes with the last
/// clone.
#[derive(Debug, Clone)]
pub struct Aside {
    file: Arc<AsideFile>,
}

#[derive(Debug)]
struct AsideFile {
    name: PathBuf,
    bytes: Bytes,
    /// Where they lie, until they are taken.
    aside: Mutex<Option<PathBuf>>,
}

impl Aside {
    /// Writes bytes beside the name that they are to get, and syncs them. The name's folder must be there.
    ///
    /// # Errors
    /// The system's.
    pub fn write(name: &FilePath, bytes: Bytes) -> io::Result<Aside> {
        let aside = write_aside(name, std::slice::from_ref(&bytes))?;
        Ok(Aside { file: Arc::new(AsideFile { name: name.to_path_buf(), bytes, aside: Mutex::new(Some(aside)) }) })
    }

    /// The file aside, to be given its name, if these are the bytes and the name that it was written for; whoever takes it has it alone.
    pub(crate) fn take(&self, name: &FilePath, parts: &[Bytes]) -> Option<PathBuf> {
        let is_same = self.file.name == name && matches!(parts, [bytes] if *bytes == self.file.bytes);
        is_same.then(|| self.file.aside.lock().unwrap_or_else(PoisonError::into_inner).take()).flatten()
    }
}

impl Drop for AsideFile {
    fn drop(&mut self) {
        if let Some(aside) = self.aside.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            // What cannot be removed is invisible, and cleared away by the next start.
            let _ = fs::remove_file(aside);
        }
    }
}

/// Writes and syncs parts beside `name`, as a file that lists do not show (`name#digits`).
pub(crate) fn write_aside(name: &FilePath, parts: &[Bytes]) -> io::Result<PathBuf> {
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let aside = PathBuf::from(format!("{}#{}{number:0DIGITS$}", name.display(), std::process::id()));
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            opened => opened?,
        };
        let written = parts.iter().try_for_each(|part| file.write_all(part)).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // The error to report is the first one; what is left aside is invisible and harmless.
            let _ = fs::remove_file(&aside);
            return Err(error);
        }
        return Ok(aside);
    }
}

/// Removes what processes that died have left aside in a folder. One that lives and loses a file so writes it again.
///
/// # Errors
/// The system's; a folder that is not there has nothing.
pub fn clear_asides(folder: &FilePath) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let digits = name.to_str().and_then(|name| name.rsplit_once('#')).map(|(_, digits)| digits);
        if digits.is_some_and(|digits| digits.len() > DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit())) {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
