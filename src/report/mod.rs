//! What is told of the work while it goes on: events, never bars.
//!
//! Library code gets a [`Report`] and says what it does; how that looks is
//! decided by the [`Reporter`] behind it.

mod bars;
mod bytes;
mod json;
mod lines;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use bars::Bars;
pub use bytes::bytes;
pub use json::Json;
pub use lines::{Level, Lines};

/// The kinds of long work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A JAR, POM or base blob comes over the network.
    Fetch,
    /// A base image is read.
    Base,
    /// A layer is written.
    Layer,
    /// An image goes into the daemon.
    Load,
    /// An image goes into a registry.
    Push,
    /// An image goes into a file or folder.
    Write,
}

impl Phase {
    /// The word that begins its lines.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Fetch => "fetch",
            Phase::Base => "base",
            Phase::Layer => "layer",
            Phase::Load => "load",
            Phase::Push => "push",
            Phase::Write => "write",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// Work began; `total` in bytes where it is known.
    Started {
        /// Names the work in later events.
        id: u64,
        /// What kind of work.
        phase: Phase,
        /// What it works on.
        name: &'a str,
        /// Bytes to do, where known.
        total: Option<u64>,
    },
    /// So many more bytes are done.
    Advanced {
        /// Which work.
        id: u64,
        /// Bytes since the last event.
        bytes: u64,
    },
    /// Work ended; `outcome` says how ("uploaded", "already there").
    Finished {
        /// Which work.
        id: u64,
        /// What kind of work.
        phase: Phase,
        /// What it worked on.
        name: &'a str,
        /// How it ended.
        outcome: &'a str,
        /// Bytes that were moved.
        bytes: u64,
    },
    /// A line worth telling.
    Note(&'a str),
    /// A line told with `-v` only.
    Detail(&'a str),
    /// Something the user should look at.
    Warning(&'a str),
}

/// Takes events and shows them.
pub trait Reporter: Send + Sync {
    /// Shows one event. Must not block for long.
    fn event(&self, event: Event<'_>);
}

/// A reporter that many parts share.
#[derive(Clone)]
pub struct Report(Arc<dyn Reporter>);

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Report {
    /// Tells `reporter`.
    pub fn new(reporter: impl Reporter + 'static) -> Report {
        Report(Arc::new(reporter))
    }

    /// Tells nobody.
    pub fn silent() -> Report {
        struct Silent;
        impl Reporter for Silent {
            fn event(&self, _: Event<'_>) {}
        }
        Report::new(Silent)
    }

    /// Something the user should look at.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.0.event(Event::Warning(text.as_ref()));
    }

    /// A line worth telling.
    pub fn note(&self, text: impl AsRef<str>) {
        self.0.event(Event::Note(text.as_ref()));
    }

    /// A line for `-v`.
    pub fn detail(&self, text: impl AsRef<str>) {
        self.0.event(Event::Detail(text.as_ref()));
    }

    /// Begins a piece of work over `total` bytes.
    pub fn start(&self, phase: Phase, name: impl Into<String>, total: Option<u64>) -> Task {
        let task = Task {
            report: self.clone(),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            phase,
            name: name.into(),
            done: AtomicU64::new(0),
        };
        self.0.event(Event::Started {
            id: task.id,
            phase,
            name: &task.name,
            total,
        });
        task
    }
}

/// A piece of work under way. Dropped without [`Task::finish`], it ends as "stopped".
pub struct Task {
    report: Report,
    id: u64,
    phase: Phase,
    name: String,
    done: AtomicU64,
}

impl Task {
    /// So many more bytes are done.
    pub fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.report.0.event(Event::Advanced { id: self.id, bytes });
    }

    /// The work ended like this.
    pub fn finish(mut self, outcome: &str) {
        self.end(outcome);
        self.id = 0;
    }

    fn end(&self, outcome: &str) {
        self.report.0.event(Event::Finished {
            id: self.id,
            phase: self.phase,
            name: &self.name,
            outcome,
            bytes: self.done.load(Ordering::Relaxed),
        });
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.id != 0 {
            self.end("stopped");
        }
    }
}
