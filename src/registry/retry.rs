//! What failed, whether it may be tried again, and when.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::StatusCode;

use super::Options;
use crate::error::{Error, Result};
use crate::report::Report;

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing helps.
    None,
    /// The same again may work.
    Again,
    /// The same again, but not before this time.
    After(Duration),
    /// The server speaks another scheme (http, https).
    OtherScheme,
}

/// A failed attempt.
#[derive(Debug)]
pub struct Failure {
    /// What may be done about it.
    pub remedy: Remedy,
    /// What happened.
    pub error: Error,
}

impl Failure {
    pub(super) fn new(remedy: Remedy, error: Error) -> Failure {
        Failure { remedy, error }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::new(Remedy::None, error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        failure.error
    }
}

/// Whether a status is one that goes away by itself. Docker's registry answers
/// 499 when a proxy before it lost the client; 520 to 524 are a proxy's, too.
pub fn passes(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        408 | 429 | 499 | 500 | 502 | 503 | 504 | 520..=524
    )
}

/// What `Retry-After` says, counted from `now`: seconds, or a date.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Counts attempts, and waits between them.
pub struct Attempts {
    delays: ExponentialBackoff,
    made: u32,
    most: u32,
    longest: Duration,
    first: Duration,
}

impl Attempts {
    /// Up to `most` of them, with waits as `options` say.
    pub fn new(options: &Options, most: u32) -> Attempts {
        Attempts {
            delays: delays(options.first_delay),
            made: 0,
            most,
            longest: options.longest_wait,
            first: options.first_delay,
        }
    }

    /// Something went forward: count anew.
    pub fn progress(&mut self) {
        self.made = 0;
        self.delays = delays(self.first);
    }

    /// After a failure: waits, if the work may be tried again, or gives the error.
    pub async fn wait(&mut self, failure: Failure, report: &Report) -> Result<()> {
        self.made += 1;
        let delay = match failure.remedy {
            Remedy::None | Remedy::OtherScheme => return Err(failure.error),
            Remedy::Again => self.delays.next().unwrap_or(self.first),
            Remedy::After(time) if time > self.longest => {
                return Err(failure.error.hint(format!(
                    "the registry asks to wait {} s; run the command again after that",
                    time.as_secs()
                )));
            }
            Remedy::After(time) => time,
        };
        if self.made >= self.most {
            let times = self.made;
            return Err(failure.error.hint(format!(
                "it was tried {times} times; run the command again when the registry is well"
            )));
        }
        report.detail(format!(
            "{}; trying again in {:.1} s",
            failure.error,
            delay.as_secs_f64()
        ));
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

fn delays(first: Duration) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_max_delay(first.saturating_mul(32))
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let at = |value| retry_after(value, now);
        assert_eq!(at(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(
            at("Sun, 06 Nov 1994 08:49:47 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(at("Sun, 06 Nov 1994 08:49:07 GMT"), Some(Duration::ZERO));
        assert_eq!(at("soon"), None);
    }
}
