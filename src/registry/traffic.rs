//! What went over the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of requests and bytes. Clones count together; what a
/// [`Traffic::part`] counts is counted by the whole as well.
#[derive(Clone, Debug, Default)]
pub struct Traffic(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    tokens: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    whole: Option<Traffic>,
}

impl Traffic {
    /// Counters of their own that count for `self` too.
    pub fn part(&self) -> Traffic {
        Traffic(Arc::new(Counters {
            whole: Some(self.clone()),
            ..Counters::default()
        }))
    }

    /// Requests to registries and to where they redirect, retries included.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Requests to token servers.
    pub fn tokens(&self) -> u64 {
        self.0.tokens.load(Ordering::Relaxed)
    }

    /// Bytes of request bodies.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Bytes of response bodies.
    pub fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    pub(super) fn count_request(&self) {
        self.add(|counters| &counters.requests, 1);
    }

    pub(super) fn count_token(&self) {
        self.add(|counters| &counters.tokens, 1);
    }

    pub(super) fn count_sent(&self, bytes: u64) {
        self.add(|counters| &counters.sent, bytes);
    }

    pub(super) fn count_received(&self, bytes: u64) {
        self.add(|counters| &counters.received, bytes);
    }

    fn add(&self, counter: impl Fn(&Counters) -> &AtomicU64, more: u64) {
        let mut at = Some(self);
        while let Some(traffic) = at {
            counter(&traffic.0).fetch_add(more, Ordering::Relaxed);
            at = traffic.0.whole.as_ref();
        }
    }
}
