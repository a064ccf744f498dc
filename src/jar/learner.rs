//! JARs read a few at once, while more of them are looked for.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::image::Digest;
use crate::parallel::processors;
use crate::store::Store;

/// How many: while one is put together and written, another is read. Each takes
/// memory, and shares the processors with the others.
const AT_ONCE: usize = 2;

/// A JAR to be read: its file, which goes with this where it is a temporary one.
struct Task {
    file: Box<dyn AsRef<Path> + Send>,
    digest: Digest,
    shown: String,
}

/// Threads that read JARs and keep what these hold.
pub struct Learner {
    queue: Queue,
    workers: Vec<JoinHandle<Result<()>>>,
}

/// Where JARs are handed in: whoever does waits until one is taken, so that few
/// temporary files lie about.
#[derive(Clone)]
pub struct Queue(SyncSender<Task>);

impl Learner {
    /// For up to this many JARs.
    pub fn new(store: &Store, count: usize) -> Learner {
        let (sender, receiver) = sync_channel(0);
        let receiver = Arc::new(Mutex::new(receiver));
        let workers = count.min(AT_ONCE);
        let threads = processors().div_ceil(workers.max(1));
        let workers = (0..workers).map(|_| {
            let (store, receiver) = (store.clone(), receiver.clone());
            std::thread::spawn(move || work(&store, &receiver, threads))
        });
        Learner {
            workers: workers.collect(),
            queue: Queue(sender),
        }
    }

    /// Where to hand JARs in.
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Waits until all are read that were handed in, and no [`Queue`] is left; an
    /// error where one was.
    pub async fn finish(self) -> Result<()> {
        let Learner { queue, workers } = self;
        drop(queue);
        let wait = move || {
            let mut done = Ok(());
            for worker in workers {
                let one = worker.join();
                done = done.and(one.unwrap_or_else(|_| Err(Error::new(PANIC))));
            }
            done
        };
        tokio::task::spawn_blocking(wait).await?
    }
}

const PANIC: &str = "a thread that read JARs ended by a panic";

/// Reads until nobody hands in any more. After an error the rest is left unread:
/// they are taken all the same, since somebody waits for that.
fn work(store: &Store, receiver: &Mutex<Receiver<Task>>, threads: usize) -> Result<()> {
    let next = || {
        let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv().ok()
    };
    let mut done = Ok(());
    while let Some(task) = next() {
        if done.is_ok() {
            let path = (*task.file).as_ref();
            done = super::learn::learn_on(store, path, &task.digest, &task.shown, threads);
        }
    }
    done
}

impl Queue {
    /// Hands in the JAR in this file, which has this digest (see [`super::learn`]).
    pub fn learn(
        &self,
        file: impl AsRef<Path> + Send + 'static,
        digest: &Digest,
        shown: &str,
    ) -> Result<()> {
        let task = Task {
            file: Box::new(file),
            digest: *digest,
            shown: shown.to_string(),
        };
        self.0.send(task).map_err(|_| Error::new(PANIC))
    }
}
