//! Work on all processors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// How many threads can run at once.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What `make` gives for the numbers below `count`, in their order; begun in that
/// order too, as many at once as there are processors, on threads of their own, which
/// may wait for what this one's runtime does. After an error none is begun, and of
/// several errors that of the smallest number counts. Blocks.
pub fn in_parallel<T: Send>(
    count: usize,
    make: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let threads = processors();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.min(count) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        break;
                    }
                    let made = make(at);
                    if made.is_err() {
                        next.fetch_max(count, Ordering::Relaxed);
                    }
                    if let Ok(mut done) = done.lock() {
                        done.push((at, made));
                    }
                }
            });
        }
    });
    let panicked = || Error::new("a thread ended by a panic");
    let mut done = done.into_inner().map_err(|_| panicked())?;
    done.sort_by_key(|(at, _)| *at);
    let done: Vec<T> = done
        .into_iter()
        .map(|(_, made)| made)
        .collect::<Result<_>>()?;
    match done.len() == count {
        true => Ok(done),
        false => Err(panicked()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_keeps_its_order_and_the_first_error_counts() {
        for count in [0, 1, 2, 100] {
            let made = in_parallel(count, |at| Ok(at * 2)).unwrap();
            assert_eq!(made, (0..count).map(|at| at * 2).collect::<Vec<_>>());
        }
        let begun = AtomicUsize::new(0);
        let error = in_parallel(1000, |at| {
            begun.fetch_add(1, Ordering::Relaxed);
            match at {
                0 => {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                    Err(Error::new("the first"))
                }
                _ if at < 10 => Ok(at),
                _ => Err::<usize, _>(Error::new("another")),
            }
        })
        .unwrap_err();
        assert_eq!(error.message(), "the first");
        assert!(begun.into_inner() < 100);
    }
}
