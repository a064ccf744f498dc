//! How much goes on at once with one registry.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Result;

/// Answers without a complaint after which one more lane opens.
const CALM: usize = 50;

/// Things of one kind that may be under way at once. A registry that says that
/// it is asked too often gets half as many, down to one at a time; while it says
/// no more of that, one after the other comes back.
pub(super) struct Lanes {
    permits: Semaphore,
    /// Permits that there are at most.
    most: usize,
    /// Answers since it complained, or since the last lane came back.
    calm: AtomicUsize,
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
            most: lanes,
            calm: AtomicUsize::new(0),
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

    /// The registry answered without a complaint.
    pub fn widen(&self) {
        if self.wanted.load(Ordering::Relaxed) == self.most {
            return;
        }
        if self.calm.fetch_add(1, Ordering::Relaxed) + 1 != CALM {
            return;
        }
        self.calm.store(0, Ordering::Relaxed);
        let more = |wanted: usize| (wanted < self.most).then(|| wanted + 1);
        let widened = self
            .wanted
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        if widened.is_ok() && self.opens_one() {
            self.permits.add_permits(1);
        }
    }

    /// Closes half of them: free ones at once, the others when they are left.
    pub fn narrow(&self) {
        self.calm.store(0, Ordering::Relaxed);
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

    /// Adds one to the open ones, if there are fewer than wanted: one that shall be
    /// closed and is still taken stays open instead.
    fn opens_one(&self) -> bool {
        let wanted = self.wanted.load(Ordering::Relaxed);
        let more = |open: usize| (open < wanted).then(|| open + 1);
        self.open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
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

    #[tokio::test]
    async fn they_come_back_one_by_one() {
        let lanes = Lanes::new(4);
        lanes.narrow();
        lanes.narrow();
        let free = |lanes: &Lanes| lanes.permits.available_permits();
        assert_eq!(free(&lanes), 1);
        for _ in 1..CALM {
            lanes.widen();
        }
        assert_eq!(free(&lanes), 1);
        lanes.widen();
        assert_eq!(free(&lanes), 2);
        // A complaint counts more than the calm before it.
        for _ in 1..CALM {
            lanes.widen();
        }
        lanes.narrow();
        lanes.widen();
        assert_eq!(free(&lanes), 1);
        for _ in 0..10 * CALM {
            lanes.widen();
        }
        assert_eq!(free(&lanes), 4, "and no more than there were");
    }

    #[tokio::test]
    async fn a_lane_that_is_still_taken_stays_open() {
        let lanes = Lanes::new(2);
        let held = [lanes.enter().await.unwrap(), lanes.enter().await.unwrap()];
        lanes.narrow();
        for _ in 0..CALM {
            lanes.widen();
        }
        drop(held);
        assert_eq!(lanes.permits.available_permits(), 2);
    }
}
