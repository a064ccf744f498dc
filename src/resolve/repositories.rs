//! The user's Maven repositories, looked for only when one is needed: a build
//! whose JARs are all pinned and cached reads no settings.

use std::sync::OnceLock;

use crate::error::Result;
use crate::report::Report;
use crate::repository::{Environment, Maven};
use crate::store::Store;

/// Repositories to be.
pub struct Repositories {
    manifest: Vec<String>,
    store: Store,
    report: Report,
    offline: bool,
    maven: OnceLock<Maven>,
}

impl Repositories {
    /// The manifest's repositories come before the user's own.
    pub fn new(manifest: Vec<String>, store: Store, report: Report, offline: bool) -> Repositories {
        Repositories {
            manifest,
            store,
            report,
            offline,
            maven: OnceLock::new(),
        }
    }

    /// Those of `maven`, and no others.
    pub fn of(maven: Maven) -> Repositories {
        Repositories {
            manifest: Vec::new(),
            store: maven.store().clone(),
            report: maven.report().clone(),
            offline: maven.offline(),
            maven: OnceLock::from(maven),
        }
    }

    /// The repositories; settings are read at the first call.
    pub fn get(&self) -> Result<&Maven> {
        if let Some(maven) = self.maven.get() {
            return Ok(maven);
        }
        let maven = Maven::of_user(
            &self.manifest,
            &Environment::of_process(),
            self.store.clone(),
            self.report.clone(),
            self.offline,
        )?;
        Ok(self.maven.get_or_init(|| maven))
    }
}
