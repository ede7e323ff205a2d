//! Scratch places: a folder for checkpoints and logs, and a warehouse beside the user's, in the same store.

use std::fs;
use std::path::PathBuf;

use connector::Registry;
use job::Job;

use crate::block_on::block_on;
use crate::options::DrillOptions;

/// Where the runs of a drill keep what they make.
pub struct Scratch {
    connectors: Registry,
    folder: PathBuf,
    /// `s3://…` under which the runs' warehouses lie, if the user's lies in an object store.
    remote: Option<String>,
}

impl Scratch {
    /// Makes the scratch folder. Nothing is made in an object store before a run does it.
    pub fn new(job: &Job, options: &DrillOptions, connectors: &Registry) -> Result<Scratch, String> {
        let id = format!("{:x}-{}", runtime::now_us(), std::process::id());
        let folder = options.scratch.clone().unwrap_or_else(std::env::temp_dir).join(format!("engine-drill-{id}"));
        fs::create_dir_all(&folder).map_err(|error| {
            format!("the scratch folder {} cannot be made: {error}; name another with --scratch", folder.display())
        })?;
        let is_remote = job.warehouse.contains("://") && !job.warehouse.starts_with("file://");
        let remote = is_remote.then(|| format!("{}/_drill/{id}", job.warehouse.trim_end_matches('/')));
        Ok(Scratch { connectors: connectors.clone(), folder, remote })
    }

    /// Folder of a run: its checkpoint, and what it said.
    pub fn run_folder(&self, run: &str) -> Result<PathBuf, String> {
        let folder = self.folder.join(run);
        fs::create_dir_all(&folder)
            .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
        Ok(folder)
    }

    /// Warehouse of a run.
    pub fn warehouse(&self, run: &str) -> String {
        match &self.remote {
            Some(remote) => format!("{remote}/{run}"),
            None => self.folder.join(run).join("warehouse").display().to_string(),
        }
    }

    /// Takes away what a run made.
    pub fn remove_run(&self, run: &str) -> Result<(), String> {
        if self.remote.is_some() {
            self.remove_remote(&self.warehouse(run))?;
        }
        remove_folder(&self.folder.join(run))
    }

    /// Takes everything away.
    pub fn remove(&self) -> Result<(), String> {
        if let Some(remote) = &self.remote {
            self.remove_remote(remote)?;
        }
        remove_folder(&self.folder)
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

    fn remove_remote(&self, location: &str) -> Result<(), String> {
        block_on(async {
            let warehouse = self.connectors.warehouse(location).await.map_err(|error| error.to_string())?;
            warehouse.remove_all().await.map(|_| ()).map_err(|error| error.to_string())
        })?
    }

    /// The connectors that open what the runs leave.
    pub fn connectors(&self) -> &Registry {
        &self.connectors
    }

    /// The places, for a reader.
    pub fn describe(&self) -> String {
        let folder = self.folder.display();
        self.remote.as_ref().map_or_else(|| folder.to_string(), |remote| format!("{folder} and {remote}"))
    }
}

fn remove_folder(folder: &PathBuf) -> Result<(), String> {
    fs::remove_dir_all(folder)
        .map_err(|error| format!("the scratch folder {} cannot be removed: {error}", folder.display()))
}
