//! Scratch places: a folder for checkpoints and logs, and a warehouse beside the user's, in the same store. They go with the drill, however
//! it ends: what a process that was killed leaves, the next one takes away.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use connector::Registry;
use job::Job;

use crate::block_on::block_on;
use crate::options::DrillOptions;

mod folder;

use folder::ScratchFolder;

/// Where the runs of a drill keep what they make. Dropped, it takes it away, unless it was [kept](Scratch::keep).
pub struct Scratch {
    connectors: Registry,
    folder: ScratchFolder,
    /// `s3://…` under which the runs' warehouses lie, if the user's lies in an object store.
    remote: Option<String>,
}

impl Scratch {
    /// Makes the scratch folder, and takes away those of drills that were killed; `say` what was found. Nothing is made in an object
    /// store before a run does it.
    pub fn new(
        job: &Job,
        options: &DrillOptions,
        connectors: &Registry,
        say: &mut dyn FnMut(&str),
    ) -> Result<Scratch, String> {
        let parent = options.scratch.clone().unwrap_or_else(std::env::temp_dir);
        remove_left(&parent, connectors, say);
        let id = format!("{:x}-{}", runtime::now_us(), std::process::id());
        let is_remote = job.warehouse.contains("://") && !job.warehouse.starts_with("file://");
        let remote = is_remote.then(|| format!("{}/_drill/{id}", job.warehouse.trim_end_matches('/')));
        let folder = ScratchFolder::make(&parent, &id, remote.as_deref()).map_err(|error| {
            format!("no scratch folder can be made in {}: {error}; name another with --scratch", parent.display())
        })?;
        Ok(Scratch { connectors: connectors.clone(), folder, remote })
    }

    /// Folder of a run: its checkpoint, and what it said.
    pub fn run_folder(&self, run: &str) -> Result<PathBuf, String> {
        let folder = self.folder.path().join(run);
        fs::create_dir_all(&folder)
            .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
        Ok(folder)
    }

    /// Warehouse of a run.
    pub fn warehouse(&self, run: &str) -> String {
        match &self.remote {
            Some(remote) => format!("{remote}/{run}"),
            None => self.folder.path().join(run).join("warehouse").display().to_string(),
        }
    }

    /// What a process holds that works in the folder: as long as one does, it is nobody else's.
    pub fn lock(&self) -> Arc<File> {
        self.folder.lock()
    }

    /// Takes away what a run made.
    pub fn remove_run(&self, run: &str) -> Result<(), String> {
        if self.remote.is_some() {
            remove_remote(&self.connectors, &self.warehouse(run))?;
        }
        let folder = self.folder.path().join(run);
        fs::remove_dir_all(&folder).map_err(|error| cannot_be_removed(&folder.display(), &error))
    }

    /// Takes everything away.
    pub fn remove(&self) -> Result<(), String> {
        if let Some(remote) = self.remote.as_ref().filter(|_| !self.folder.is_over()) {
            remove_remote(&self.connectors, remote)?;
        }
        self.folder.remove().map_err(|error| cannot_be_removed(&self.folder.path().display(), &error))
    }

    /// Leaves everything there, to be looked at. Returns where.
    pub fn keep(&self) -> String {
        self.folder.keep();
        self.describe()
    }

    /// Takes everything away if the drill is to end; `what` it is called.
    ///
    /// # Errors
    /// That it was stopped.
    pub fn remove_if_stopped(&self, options: &DrillOptions, what: &str) -> Result<(), String> {
        if options.check_goes_on().is_ok() {
            return Ok(());
        }
        self.remove()?;
        Err(format!("the {what} was stopped; what it had made is removed"))
    }

    /// The connectors that open what the runs leave.
    pub fn connectors(&self) -> &Registry {
        &self.connectors
    }

    /// The places, for a reader.
    fn describe(&self) -> String {
        let folder = self.folder.path().display();
        self.remote.as_ref().map_or_else(|| folder.to_string(), |remote| format!("{folder} and {remote}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // On the way out of an error or a panic, which is what has to be told. What cannot be removed now, the next drill removes.
        if !self.folder.is_over() {
            let _ = self.remove();
        }
    }
}

/// Takes away what drills have left that were killed. What cannot be removed is said and hinders nobody.
fn remove_left(parent: &std::path::Path, connectors: &Registry, say: &mut dyn FnMut(&str)) {
    for left in folder::left_in(parent) {
        let remote = left.remote().map_or(Ok(()), |remote| remove_remote(connectors, remote));
        let removed = remote.and_then(|()| left.remove().map_err(|error| error.to_string()));
        match removed {
            Ok(()) => say(&format!("what a killed drill had left in {} is removed", left.path().display())),
            Err(error) => say(&format!("what a killed drill has left in {} stays: {error}", left.path().display())),
        }
    }
}

fn remove_remote(connectors: &Registry, location: &str) -> Result<(), String> {
    block_on(async {
        let warehouse = connectors.warehouse(location).await.map_err(|error| error.to_string())?;
        warehouse.remove_all().await.map(|_| ()).map_err(|error| error.to_string())
    })?
}

fn cannot_be_removed(place: &dyn std::fmt::Display, error: &std::io::Error) -> String {
    format!("the scratch folder {place} cannot be removed: {error}")
}
