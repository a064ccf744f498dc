//! Faults to inject.

use std::time::Duration;

use super::http::{Request, Response};

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Action {
    /// This is answered, after the body was read.
    Answer(Response),
    /// This is answered before the body was read, and the connection ended.
    Early(Response),
    /// The connection is reset after so many bytes of the body; an upload
    /// keeps them.
    ResetAfter(u64),
    /// So many bytes of the body are taken and kept, and then nothing happens.
    HoldAfter(u64),
    /// The request is served, but its answer lost.
    ResetAfterwards,
    /// The body is read in parts of so many bytes, with waits between them.
    Slow(u64, Duration),
    /// Nothing is answered.
    Stall,
    /// The answer's body ends after so many bytes, by a reset.
    Cut(usize),
    /// The answer's body stops after so many bytes.
    Hang(usize),
    /// A byte of the answer's body is another one.
    Corrupt,
    /// The body is read, and the same is to be asked of the server at this address
    /// (scheme, host and port), with this status.
    Redirect(u16, String),
    /// The answer gets this header instead of its own; without a value, none.
    Header(&'static str, Option<String>),
}

/// A fault, and when it happens.
#[derive(Clone, Debug)]
pub struct Fault {
    method: &'static str,
    path: String,
    skip: usize,
    times: usize,
    action: Action,
}

impl Fault {
    /// Happens once: at the next request of this method whose path or query
    /// holds `path`.
    pub fn new(method: &'static str, path: impl Into<String>, action: Action) -> Fault {
        Fault {
            method,
            path: path.into(),
            skip: 0,
            times: 1,
            action,
        }
    }

    pub fn times(self, times: usize) -> Fault {
        Fault { times, ..self }
    }

    pub fn always(self) -> Fault {
        self.times(usize::MAX)
    }

    /// Lets so many requests pass first.
    pub fn after(self, skip: usize) -> Fault {
        Fault { skip, ..self }
    }
}

/// The faults of one server.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// From now on nothing goes wrong.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What goes wrong with `request`.
    pub fn take(&mut self, request: &Request) -> Option<Action> {
        for fault in &mut self.0 {
            if fault.method != request.method
                || !request.path.contains(&fault.path)
                || fault.times == 0
            {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.times -= 1;
            return Some(fault.action.clone());
        }
        None
    }
}
