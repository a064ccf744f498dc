//! Downloads, and files out of Maven repositories.

mod catalogue;
mod catalogue_walk;
mod differential;
mod download;
mod files;
mod metadata;
mod proxies;
mod real_server;
mod repositories;
mod robust;
mod user;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use flinkpack::fetch::Patience;
use flinkpack::report::{Event, Report, Reporter};
use flinkpack::repository::{Location, Maven, Repository};
use flinkpack::store::Store;

use crate::support::maven::Server;

/// Tries often and at once.
fn hasty() -> Patience {
    Patience {
        attempts: 5,
        pause: Duration::from_millis(1),
        longest: Duration::from_secs(2),
        stall: Duration::from_millis(400),
    }
}

/// Keeps the warnings.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn report(&self) -> Report {
        Report::new(self.clone())
    }

    fn warnings(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Reporter for Heard {
    fn event(&self, event: Event<'_>) {
        if let Event::Warning(text) = event {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path());
    (folder, store)
}

fn repository(id: &str, server: &Server) -> Repository {
    Repository {
        id: id.to_owned(),
        ids: vec![id.to_owned()],
        place: Location::Web(server.url("/m2/")),
        releases: true,
        snapshots: true,
        blocked: None,
        access: None,
    }
}

fn maven(list: Vec<Repository>, store: &Store, report: Report) -> Maven {
    Maven::new(list, store.clone(), report, false).with_patience(hasty())
}
