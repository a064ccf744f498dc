//! Sending one blob: whole in one request where it is not big, and after a
//! failure from where the registry has it; in chunks where it is big, or where
//! a request may not be that long.
//!
//! Chunks make a session outlast a cut: many registries forget the bytes of a
//! request that broke off. Docker's registry (2.8) also forgets the session
//! then, but goes on with one that was left between two requests.

use super::session::{Kept, Session};
use super::upload_requests::{Trouble, UploadRequests};
use crate::error::{Reason, Result};
use crate::fetch::retry::{Failure, Remedy};
use crate::store::Store;

/// Chunk sizes to try, one after the other, when a request was too long.
const CHUNKS: [u64; 5] = [32 << 20, 8 << 20, 4 << 20, 1 << 20, 512 << 10];

/// Failures without progress after which shorter requests are tried: a proxy
/// that cuts long ones often says nothing but that.
const CUTS: u32 = 2;

/// Blobs from this size on are worth going on with in another run.
const KEPT: u64 = 8 << 20;

/// One blob being sent to one repository.
pub(super) struct Upload<'a> {
    pub requests: UploadRequests<'a>,
    /// Where the session is kept for the next run.
    pub store: Option<&'a Store>,
}

impl Upload<'_> {
    /// Sends the blob: goes on with what an earlier run left, or with `session`
    /// if there is one already.
    pub async fn run(&self, session: Option<Session>) -> Result<()> {
        let kept = self.kept();
        let session = match (self.left(kept.as_ref()).await, session) {
            (Some(left), Some(opened)) => {
                self.requests.cancel(&opened).await;
                Some(left)
            }
            (left, opened) => left.or(opened),
        };
        let mut open = None;
        let outcome = self.send(session, kept.as_ref(), &mut open).await;
        // With what is kept another run goes on.
        if let (Some(open), None) = (&open, &kept) {
            self.requests.cancel(open).await;
        }
        outcome
    }

    /// Sends until the blob is there, or cannot be; what is `open` then, nobody has
    /// cancelled.
    async fn send(
        &self,
        mut session: Option<Session>,
        kept: Option<&Kept>,
        open: &mut Option<Session>,
    ) -> Result<()> {
        let mut attempts = self.requests.client.attempts();
        let mut limit = self.usual();
        // Whether the chunks are our idea, and nothing that the registry asked for.
        let mut by_choice = limit.is_some();
        let (mut best, mut cuts, mut odd) = (0, 0, 0);
        let forget = || {
            if let Some(kept) = kept {
                kept.forget();
            }
        };
        loop {
            *open = None;
            let (mut current, is_fresh) = match session.take() {
                Some(session) => (session, false),
                None => (self.requests.begin().await?, true),
            };
            if let Some(kept) = kept {
                kept.put(&current);
            }
            let trouble = match self.requests.go_on(&mut current, limit, kept).await {
                Ok(()) => {
                    forget();
                    return Ok(());
                }
                Err(trouble) => trouble,
            };
            *open = Some(current.clone());
            if matches!(trouble, Trouble::OutOfStep(_) | Trouble::Gone(_)) {
                odd += 1;
            }
            if by_choice && (is_final(&trouble, is_fresh) || odd == CUTS) {
                self.requests.source.verify().await?;
                self.requests.client.report().detail(format!(
                    "{}: sent whole, since the registry does not take it in chunks",
                    self.requests.doing()
                ));
                (limit, by_choice) = (None, false);
                self.requests.cancel(&current).await;
                continue;
            }
            let failure = match trouble {
                Trouble::Failure(failure) => failure,
                Trouble::OutOfStep(error) | Trouble::Gone(error) => {
                    Failure::new(Remedy::Again, error)
                }
                Trouble::TooLong(error) => {
                    by_choice = false;
                    limit = match self.shorter(limit, current.least) {
                        None => return Err(error),
                        some => some,
                    };
                    session = self.requests.ask(&current).await?;
                    continue;
                }
                Trouble::Refused(error) => {
                    // Whose bytes are wrong? Ours, those put together over
                    // several requests, or the registry's idea of them?
                    forget();
                    self.requests.cancel(&current).await;
                    *open = None;
                    self.requests.source.verify().await?;
                    if is_fresh {
                        return Err(error);
                    }
                    best = 0;
                    let failure = Failure::new(Remedy::Again, error);
                    attempts
                        .wait(failure, self.requests.client.report())
                        .await?;
                    continue;
                }
            };
            attempts
                .wait(failure, self.requests.client.report())
                .await?;
            if self.requests.is_there().await? {
                forget();
                self.requests.cancel(&current).await;
                *open = None;
                return Ok(());
            }
            session = self.requests.ask(&current).await?;
            let offset = session.as_ref().map_or(0, |session| session.offset);
            if offset > best {
                (best, cuts, odd) = (offset, 0, 0);
                attempts.progress();
            } else {
                cuts += 1;
            }
            if cuts == CUTS {
                (cuts, by_choice) = (0, false);
                limit = self.shorter(limit, current.least).or(limit);
            }
        }
    }

    /// Where the session is kept between runs, if that is worth it.
    fn kept(&self) -> Option<Kept> {
        let store = self.store.filter(|_| self.requests.source.size > KEPT)?;
        let repository = format!(
            "{}/{}",
            self.requests.client.name(),
            self.requests.repository
        );
        Kept::of(store, &repository, &self.requests.source.digest)
    }

    /// The session that an earlier run left, if the registry still has it.
    async fn left(&self, kept: Option<&Kept>) -> Option<Session> {
        let left = kept?.get()?;
        // Whatever went wrong with it, the blob can be sent anew.
        let session = self.requests.ask(&left).await.ok()??;
        self.requests.client.report().detail(format!(
            "{}: going on after {} of {} bytes",
            self.requests.doing(),
            session.offset,
            self.requests.source.size
        ));
        if let Some(progress) = &self.requests.progress {
            progress.reach(session.offset);
        }
        Some(session)
    }

    /// How long requests are, where nothing says otherwise; `None`: whole.
    fn usual(&self) -> Option<u64> {
        let chunk = self.requests.client.options().chunk;
        (self.requests.source.size > chunk.saturating_mul(2)).then_some(chunk)
    }

    /// The chunk size to try after `limit`.
    fn shorter(&self, limit: Option<u64>, least: u64) -> Option<u64> {
        let longest = limit.unwrap_or(self.requests.source.size);
        CHUNKS
            .into_iter()
            .find(|chunk| *chunk < longest && *chunk >= least)
    }
}

/// Whether the same again would end the same, though not for want of a right.
fn is_final(trouble: &Trouble, is_fresh: bool) -> bool {
    match trouble {
        Trouble::Failure(failure) => {
            let right = [Some(Reason::Unauthorized), Some(Reason::Forbidden)];
            failure.remedy == Remedy::None && !right.contains(&failure.error.reason())
        }
        Trouble::Refused(_) => is_fresh,
        _ => false,
    }
}
