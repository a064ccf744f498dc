//! When to try again, and how long to wait before.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::client::STALL;
use crate::error::{Error, Result};
use crate::report::Report;

/// How often and how patiently a request is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Attempts in all.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each one.
    pub pause: Duration,
    /// The longest pause that a server may ask for.
    pub longest: Duration,
    /// Time without a byte after which a transfer counts as stalled.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            attempts: 5,
            pause: Duration::from_millis(300),
            longest: Duration::from_secs(60),
            stall: STALL,
        }
    }
}

/// Whether a failure may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The next attempt would end the same.
    Never,
    /// After a pause.
    Soon,
    /// After the pause that the server asked for.
    After(Duration),
}

/// What one attempt gives.
pub(super) type Attempt<T> = std::result::Result<T, Failure>;

/// Why an attempt failed.
pub(super) struct Failure {
    pub error: Error,
    pub again: Again,
}

impl Failure {
    pub(super) fn soon(error: Error) -> Failure {
        Failure {
            error,
            again: Again::Soon,
        }
    }
}

/// What is not about the network stays as it is.
impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure {
            error,
            again: Again::Never,
        }
    }
}

/// Counts the attempts of one request.
pub(super) struct Attempts {
    made: u32,
    patience: Patience,
}

impl Attempts {
    pub(super) fn new(patience: Patience) -> Attempts {
        Attempts { made: 0, patience }
    }

    /// Waits for the next attempt, or gives the error back when there is none.
    pub(super) async fn wait(&mut self, failure: Failure, report: &Report) -> Result<()> {
        self.made += 1;
        let pause = match failure.again {
            Again::Never => return Err(failure.error),
            Again::After(pause) if pause > self.patience.longest => {
                return Err(failure
                    .error
                    .hint(format!(
                        "the server asks to wait for {} s: try again later, or name another repository or mirror",
                        pause.as_secs()
                    ))
                    .tagged("too-many-requests"));
            }
            Again::After(pause) => pause,
            Again::Soon => self.patience.pause * 2u32.saturating_pow(self.made - 1),
        };
        if self.made >= self.patience.attempts {
            let made = self.made;
            return Err(match made {
                1 => failure.error,
                _ => failure.error.hint(format!("{made} attempts were made")),
            });
        }
        report.detail(format!(
            "{}; trying again in {:.1} s",
            failure.error,
            pause.as_secs_f64()
        ));
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// The pause of a `Retry-After` header: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than a number holds is still a number.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_has_three_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let later = httpdate::fmt_http_date(now + Duration::from_secs(30));
        let earlier = httpdate::fmt_http_date(now - Duration::from_secs(30));
        for (text, seconds) in [
            ("7", Some(7)),
            (later.as_str(), Some(30)),
            (earlier.as_str(), Some(0)),
            ("-1", None),
            ("soon", None),
            ("1.5", None),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Thu, 99 Nov 1994 08:49:37 GMT", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
