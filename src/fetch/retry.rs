//! The retry engine of downloads and registries: which failures pass, how often a
//! request is tried, and the wait before the next attempt.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::client::STALL;
use crate::error::{Error, Reason, Result};
use crate::report::Report;

/// How often and how patiently a request is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Attempts in all.
    pub attempts: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub pause: Duration,
    /// The longest wait that a server may ask for.
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

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The next attempt would end the same.
    None,
    /// The same request may work after a wait.
    Again,
    /// The same request may work, but not before this time has passed.
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

/// What one attempt gives.
pub type Attempt<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with this remedy.
    pub fn new(remedy: Remedy, error: Error) -> Failure {
        Failure { remedy, error }
    }

    /// A failure that may pass.
    pub fn passing(error: Error) -> Failure {
        Failure::new(Remedy::Again, error)
    }
}

/// An error that is not about the network is final.
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

/// The remedy for an answer with this status. Docker's registry answers 499 when
/// a proxy before it lost the client; 520 to 524 are a proxy's, too.
pub fn remedy(status: StatusCode, headers: &HeaderMap) -> Remedy {
    match status.as_u16() {
        408 | 429 | 499 | 500 | 502 | 503 | 504 | 520..=524 => {
            retry_after(headers, SystemTime::now()).map_or(Remedy::Again, Remedy::After)
        }
        _ => Remedy::None,
    }
}

/// The wait that a `Retry-After` header asks for: seconds, or a date (RFC 9110,
/// 10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than a number holds is still a number.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The hints for a user when a request is not tried again.
#[derive(Clone, Copy)]
pub struct Advice {
    /// The server asks to wait for more seconds than the patience allows.
    pub wait_too_long: fn(u64) -> String,
    /// This many attempts failed.
    pub gave_up: fn(u32) -> String,
}

/// The attempts at one request, with the waits between them.
pub struct Attempts {
    patience: Patience,
    advice: &'static Advice,
    delays: ExponentialBackoff,
    made: u32,
}

impl Attempts {
    /// As many attempts as `patience` allows.
    pub fn new(patience: Patience, advice: &'static Advice) -> Attempts {
        Attempts {
            delays: delays(patience.pause),
            patience,
            advice,
            made: 0,
        }
    }

    /// Counts anew, since a transfer went forward.
    pub fn progress(&mut self) {
        self.made = 0;
        self.delays = delays(self.patience.pause);
    }

    /// Waits for the next attempt, or gives the error back when there is none.
    pub async fn wait(&mut self, failure: Failure, report: &Report) -> Result<()> {
        self.made += 1;
        let delay = match failure.remedy {
            Remedy::None | Remedy::OtherScheme => return Err(failure.error),
            Remedy::After(time) if time > self.patience.longest => {
                let hint = (self.advice.wait_too_long)(time.as_secs());
                return Err(failure.error.hint(hint).because(Reason::TooManyRequests));
            }
            Remedy::After(time) => time,
            Remedy::Again => self.delays.next().unwrap_or(self.patience.pause),
        };
        if self.made >= self.patience.attempts {
            return Err(match self.made {
                1 => failure.error,
                made => failure.error.hint((self.advice.gave_up)(made)),
            });
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

/// Growing delays, with jitter, so that many clients do not come back at once.
fn delays(first: Duration) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_max_delay(first.saturating_mul(32))
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The statuses after which every user of the engine tries again.
    pub(crate) const PASSING: [u16; 12] =
        [408, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524];

    #[test]
    fn some_statuses_pass_and_all_others_are_final() {
        for code in 100..1000 {
            let status = StatusCode::from_u16(code).unwrap();
            let expected = match PASSING.contains(&code) {
                true => Remedy::Again,
                false => Remedy::None,
            };
            assert_eq!(remedy(status, &HeaderMap::new()), expected, "{code}");
        }
    }

    #[test]
    fn retry_after_has_three_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let later = httpdate::fmt_http_date(now + Duration::from_secs(30));
        let earlier = httpdate::fmt_http_date(now - Duration::from_secs(30));
        for (text, seconds) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
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

    #[test]
    fn every_passing_status_honours_retry_after() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        for code in PASSING {
            let status = StatusCode::from_u16(code).unwrap();
            let wait = Remedy::After(Duration::from_secs(7));
            assert_eq!(remedy(status, &headers), wait, "{code}");
        }
        assert_eq!(remedy(StatusCode::NOT_FOUND, &headers), Remedy::None);
    }
}
