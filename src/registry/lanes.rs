//! How much goes on at once with one registry.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Result;

/// Things of one kind that may be under way at once. A registry that says that
/// it is asked too often gets half as many, down to one at a time.
pub(super) struct Lanes {
    permits: Semaphore,
    /// Permits that there are, free or taken.
    open: AtomicUsize,
    /// Permits that there shall be.
    wanted: AtomicUsize,
}

impl Lanes {
    pub fn new(lanes: usize) -> Lanes {
        let lanes = lanes.max(1);
        Lanes {
            permits: Semaphore::new(lanes),
            open: AtomicUsize::new(lanes),
            wanted: AtomicUsize::new(lanes),
        }
    }

    /// Waits for a free one, and holds it.
    pub async fn enter(&self) -> Result<Lane<'_>> {
        Ok(Lane {
            lanes: self,
            permit: Some(self.permits.acquire().await?),
        })
    }

    /// Closes half of them: free ones at once, the others when they are left.
    pub fn narrow(&self) {
        let halve = |wanted: usize| Some((wanted / 2).max(1));
        let _ = self
            .wanted
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, halve);
        while self.closes_one() {
            if self.permits.forget_permits(1) == 0 {
                self.open.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }

    /// Takes one off the open ones, if there are more than wanted.
    fn closes_one(&self) -> bool {
        let wanted = self.wanted.load(Ordering::Relaxed);
        let fewer = |open: usize| (open > wanted).then(|| open - 1);
        self.open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer)
            .is_ok()
    }
}

/// A lane that is held.
pub(super) struct Lane<'a> {
    lanes: &'a Lanes,
    permit: Option<SemaphorePermit<'a>>,
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take()
            && self.lanes.closes_one()
        {
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn half_of_them_close_free_or_taken() {
        let lanes = Lanes::new(4);
        let held = [
            lanes.enter().await.unwrap(),
            lanes.enter().await.unwrap(),
            lanes.enter().await.unwrap(),
        ];
        lanes.narrow();
        assert_eq!(lanes.permits.available_permits(), 0);
        drop(held);
        assert_eq!(lanes.permits.available_permits(), 2);
        for _ in 0..3 {
            lanes.narrow();
        }
        assert_eq!(lanes.permits.available_permits(), 1);
        let _last = lanes.enter().await.unwrap();
    }
}
