//! How much goes on at once with one registry.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Result;

/// Answers without a complaint after which one more slot opens.
const CALM: usize = 50;

/// Things of one kind that may be under way at once. A registry that says that
/// it is asked too often gets half as many, down to one at a time; while it says
/// no more of that, one after the other comes back.
pub(super) struct Concurrency {
    permits: Semaphore,
    /// Permits that there are at most.
    most: usize,
    /// Answers since it complained, or since the last slot came back.
    calm: AtomicUsize,
    /// Permits that there are, free or taken.
    open: AtomicUsize,
    /// Permits that there shall be.
    wanted: AtomicUsize,
}

impl Concurrency {
    pub fn new(slots: usize) -> Concurrency {
        let slots = slots.max(1);
        Concurrency {
            permits: Semaphore::new(slots),
            most: slots,
            calm: AtomicUsize::new(0),
            open: AtomicUsize::new(slots),
            wanted: AtomicUsize::new(slots),
        }
    }

    /// Waits for a free slot, and holds it.
    pub async fn enter(&self) -> Result<Slot<'_>> {
        Ok(Slot {
            slots: self,
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

    /// Closes half of the slots: free ones at once, the others when they are left.
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

    /// Adds one to the open slots, if there are fewer than wanted: a slot that shall be
    /// closed and is still taken stays open instead.
    fn opens_one(&self) -> bool {
        let wanted = self.wanted.load(Ordering::Relaxed);
        let more = |open: usize| (open < wanted).then(|| open + 1);
        self.open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    /// Takes one off the open slots, if there are more than wanted.
    fn closes_one(&self) -> bool {
        let wanted = self.wanted.load(Ordering::Relaxed);
        let fewer = |open: usize| (open > wanted).then(|| open - 1);
        self.open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer)
            .is_ok()
    }
}

/// A slot that is held.
pub(super) struct Slot<'a> {
    slots: &'a Concurrency,
    permit: Option<SemaphorePermit<'a>>,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take()
            && self.slots.closes_one()
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
        let slots = Concurrency::new(4);
        let held = [
            slots.enter().await.unwrap(),
            slots.enter().await.unwrap(),
            slots.enter().await.unwrap(),
        ];
        slots.narrow();
        assert_eq!(slots.permits.available_permits(), 0);
        drop(held);
        assert_eq!(slots.permits.available_permits(), 2);
        for _ in 0..3 {
            slots.narrow();
        }
        assert_eq!(slots.permits.available_permits(), 1);
        let _last = slots.enter().await.unwrap();
    }

    #[tokio::test]
    async fn they_come_back_one_by_one() {
        let slots = Concurrency::new(4);
        slots.narrow();
        slots.narrow();
        let free = |slots: &Concurrency| slots.permits.available_permits();
        assert_eq!(free(&slots), 1);
        for _ in 1..CALM {
            slots.widen();
        }
        assert_eq!(free(&slots), 1);
        slots.widen();
        assert_eq!(free(&slots), 2);
        // A complaint counts more than the calm before it.
        for _ in 1..CALM {
            slots.widen();
        }
        slots.narrow();
        slots.widen();
        assert_eq!(free(&slots), 1);
        for _ in 0..10 * CALM {
            slots.widen();
        }
        assert_eq!(free(&slots), 4, "and no more than there were");
    }

    #[tokio::test]
    async fn a_slot_that_is_still_taken_stays_open() {
        let slots = Concurrency::new(2);
        let held = [slots.enter().await.unwrap(), slots.enter().await.unwrap()];
        slots.narrow();
        for _ in 0..CALM {
            slots.widen();
        }
        drop(held);
        assert_eq!(slots.permits.available_permits(), 2);
    }
}
