//! A client for one registry: scheme, login, redirects, second attempts.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use super::body::Body;
use super::login::{Login, Surroundings};
use super::retry::{Attempts, Failure, Remedy, passes};
use super::token::Asker;
use super::transport::{Answer, is_loopback};
use super::{Registries, refusal};
use crate::error::{Error, Result};
use crate::fetch::redact;
use crate::image::reference::DOCKER_HUB;

/// Redirects that are followed.
const HOPS: usize = 10;

/// Different warnings that are passed on.
const WARNINGS: usize = 10;

/// What is known of one registry; shared by all its clients.
pub(super) struct Host {
    /// As references name it.
    name: String,
    /// Schemes to try, by liking.
    schemes: Vec<&'static str>,
    /// Which of them answered, plus one; 0 where none did yet.
    chosen: AtomicU8,
    insecure: bool,
    login: Login,
    /// Nobody asks before this time, since the registry said so.
    pause: Mutex<Option<Instant>>,
    /// Warnings that were passed on.
    warnings: Mutex<HashSet<String>>,
    /// Blobs under way to it.
    pub(super) uploads: Semaphore,
    /// Blobs under way from it into the store.
    pub(super) downloads: Semaphore,
}

impl Host {
    pub(super) fn new(name: &str, registries: &Registries) -> Result<Host> {
        let options = registries.options();
        let insecure = options.insecure.iter().any(|host| host == name);
        let url = Url::parse(&format!("https://{}/", authority(name)))
            .map_err(|_| Error::usage(format!("`{name}` is not the host of a registry")))?;
        let schemes = match (is_loopback(&url), insecure) {
            (true, _) => vec!["http", "https"],
            (false, true) => vec!["https", "http"],
            (false, false) => vec!["https"],
        };
        Ok(Host {
            name: name.to_string(),
            schemes,
            chosen: AtomicU8::new(0),
            insecure,
            login: Login::default(),
            pause: Mutex::default(),
            warnings: Mutex::default(),
            uploads: Semaphore::new(options.concurrency),
            downloads: Semaphore::new(options.concurrency),
        })
    }

    async fn rest(&self) {
        let until = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    fn pause_for(&self, time: Duration) {
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + time);
    }
}

/// Where the API of a registry answers.
fn authority(name: &str) -> &str {
    if name == DOCKER_HUB {
        "registry-1.docker.io"
    } else {
        name
    }
}

/// One thing asked of a registry. It can be sent again at any time.
#[derive(Clone)]
pub(super) struct Call {
    pub method: Method,
    pub to: To,
    pub headers: HeaderMap,
    pub body: Body,
    /// What a token for it must allow.
    pub scopes: Arc<[String]>,
    /// In words, for errors.
    pub doing: String,
}

/// Where a call goes.
#[derive(Clone)]
pub(super) enum To {
    /// Below `/v2/` of the registry: path and query.
    Path(String),
    /// To where an earlier answer pointed.
    Url(Url),
}

impl Call {
    pub fn new(method: Method, path: String, scopes: &Arc<[String]>, doing: String) -> Call {
        Call {
            method,
            to: To::Path(path),
            headers: HeaderMap::new(),
            body: Body::Empty,
            scopes: Arc::clone(scopes),
            doing,
        }
    }

    pub fn at(method: Method, url: Url, scopes: &Arc<[String]>, doing: String) -> Call {
        Call {
            to: To::Url(url),
            ..Call::new(method, String::new(), scopes, doing)
        }
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Call {
        self.headers.append(name, value);
        self
    }

    pub fn body(mut self, body: Body) -> Call {
        self.body = body;
        self
    }
}

/// A client for one registry.
#[derive(Clone)]
pub(super) struct Client {
    host: Arc<Host>,
    registries: Registries,
}

impl Client {
    pub fn new(host: Arc<Host>, registries: Registries) -> Client {
        Client { host, registries }
    }

    /// The registry, as references name it.
    pub fn name(&self) -> &str {
        &self.host.name
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn registries(&self) -> &Registries {
        &self.registries
    }

    pub fn attempts(&self) -> Attempts {
        Attempts::new(self.registries.options())
    }

    /// Sends `call` until it is answered: by anything but a failure that may
    /// pass, which is tried again.
    pub async fn send(&self, call: &Call) -> Result<Answer> {
        let mut attempts = self.attempts();
        loop {
            match self.attempt(call).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => attempts.wait(failure, self.registries.report()).await?,
            }
        }
    }

    /// Sends `call` and reads the whole answer, which may not be longer than
    /// `most`; its body is read only when `wanted` takes its status.
    pub async fn read(
        &self,
        call: &Call,
        most: u64,
        wanted: impl Fn(StatusCode) -> bool,
    ) -> Result<(Answer, Option<Bytes>)> {
        let mut attempts = self.attempts();
        loop {
            let outcome = async {
                let mut answer = self.attempt(call).await?;
                if !wanted(answer.status) {
                    return Ok((answer, None));
                }
                let bytes = answer
                    .take(most)
                    .await
                    .map_err(|failure| self.blame(call, failure))?;
                Ok((answer, Some(bytes)))
            };
            match outcome.await {
                Ok(read) => return Ok(read),
                Err(failure) => attempts.wait(failure, self.registries.report()).await?,
            }
        }
    }

    /// Sends `call` once. Logins and redirects belong to it.
    pub async fn attempt(&self, call: &Call) -> Result<Answer, Failure> {
        self.host.rest().await;
        let chosen = self.host.chosen.load(Ordering::Relaxed);
        let outcome = match self.host.schemes.get(usize::from(chosen).wrapping_sub(1)) {
            Some(scheme) => self.attempt_at(scheme, call).await,
            None => self.choose(call).await,
        };
        outcome.map_err(|failure| {
            if let Remedy::After(time) = failure.remedy
                && time <= self.registries.options().longest_wait
            {
                self.host.pause_for(time);
            }
            self.blame(call, failure)
        })
    }

    /// Says what was being done in `failure`.
    pub fn blame(&self, call: &Call, failure: Failure) -> Failure {
        Failure::new(failure.remedy, failure.error.doing(call.doing.clone()))
    }

    /// The error of a final answer to `call`.
    pub async fn refused(&self, call: &Call, answer: Answer) -> Error {
        self.refusal(answer).await.doing(call.doing.clone())
    }

    /// The same, where the caller says what was being done.
    pub async fn refusal(&self, answer: Answer) -> Error {
        refusal::error(answer, &self.host.name, self.host.login.credential()).await
    }

    /// The first call to a host finds out which scheme it speaks.
    async fn choose(&self, call: &Call) -> Result<Answer, Failure> {
        let mut first: Option<Result<Answer, Failure>> = None;
        for (at, scheme) in self.host.schemes.iter().enumerate() {
            let outcome = self.attempt_at(scheme, call).await;
            let other = match &outcome {
                Ok(answer) => *scheme == "http" && answer.status == StatusCode::BAD_REQUEST,
                Err(failure) => failure.remedy == Remedy::OtherScheme || *scheme == "https",
            };
            if !other {
                self.host.chosen.store(at as u8 + 1, Ordering::Relaxed);
                return outcome;
            }
            // What the favourite said counts, unless the other one answers.
            first.get_or_insert(outcome);
        }
        match first {
            Some(Err(failure)) if failure.remedy == Remedy::OtherScheme => {
                let name = &self.host.name;
                Err(Failure::from(failure.error.hint(format!(
                    "if {name} really speaks plain http, say so with `--insecure-registry {name}`"
                ))))
            }
            Some(outcome) => outcome,
            None => Err(Error::new("no scheme to try").into()),
        }
    }

    async fn attempt_at(&self, scheme: &str, call: &Call) -> Result<Answer, Failure> {
        let home = format!("{scheme}://{}/v2/", authority(&self.host.name));
        let home = Url::parse(&home).map_err(Error::from)?;
        let mut url = match &call.to {
            To::Path(path) => home.join(path).map_err(Error::from)?,
            To::Url(url) => url.clone(),
        };
        let around = self.surroundings(&home);
        let mut login = None;
        if url.origin() == home.origin() {
            login = self.host.login.header(around, &call.scopes).await?;
        }
        let mut renewals = 0;
        let mut hops = 0;
        loop {
            let at_home = url.origin() == home.origin();
            let mut headers = call.headers.clone();
            if let Some(login) = login.as_ref().filter(|_| at_home) {
                headers.insert(AUTHORIZATION, login.clone());
            }
            let registries = &self.registries;
            registries.traffic().count_request();
            let answer = registries
                .transport()
                .exchange(
                    &call.method,
                    &url,
                    headers,
                    &call.body,
                    self.host.insecure && at_home,
                    registries.traffic(),
                )
                .await
                .map_err(|failure| unreachable(&url, failure))?;
            let status = answer.status;
            if status == StatusCode::UNAUTHORIZED && at_home && renewals < 2 {
                renewals += 1;
                let fresh = self
                    .host
                    .login
                    .renew(around, &answer, &call.scopes, login.as_ref())
                    .await?;
                match fresh {
                    Some(fresh) => login = Some(fresh),
                    None => return Ok(answer),
                }
            } else if let Some(next) = redirect(&call.method, &answer) {
                hops += 1;
                if hops > HOPS {
                    return Err(Error::new(format!(
                        "redirected more than {HOPS} times, at last to {}",
                        redact::shown(&next)
                    ))
                    .into());
                }
                url = next;
            } else if passes(status) {
                return Err(refusal::passing(answer).await);
            } else {
                self.pass_on_warnings(&answer);
                return Ok(answer);
            }
        }
    }

    /// `Warning: 299 - "…"` is meant for the user.
    fn pass_on_warnings(&self, answer: &Answer) {
        for value in answer.headers.get_all("warning") {
            let text = value
                .to_str()
                .ok()
                .and_then(|text| text.strip_prefix("299 "));
            let Some(text) = text else { continue };
            let text = text.trim_start_matches(['-', ' ']).trim_matches('"');
            let mut told = self
                .host
                .warnings
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if told.len() < WARNINGS && told.insert(text.to_string()) {
                let report = self.registries.report();
                report.warn(format!("{} says: {text}", self.host.name));
            }
        }
    }

    fn surroundings<'a>(&'a self, home: &Url) -> Surroundings<'a> {
        let registries = &self.registries;
        Surroundings {
            transport: registries.transport(),
            traffic: registries.traffic(),
            keychain: registries.keychain(),
            report: registries.report(),
            name: &self.host.name,
            asker: Asker {
                host: &self.host.name,
                loopback: is_loopback(home),
                insecure: &registries.options().insecure,
            },
        }
    }
}

fn unreachable(url: &Url, failure: Failure) -> Failure {
    Failure::new(
        failure.remedy,
        failure
            .error
            .doing(format!("asking {}", redact::shown(url))),
    )
}

/// Where to go on, if the answer is a redirect that may be followed: of a
/// request with a body only one that keeps method and body.
fn redirect(method: &Method, answer: &Answer) -> Option<Url> {
    let reading = *method == Method::GET || *method == Method::HEAD;
    let follows = match answer.status.as_u16() {
        301..=303 => reading,
        307 | 308 => true,
        _ => false,
    };
    let location = answer.headers.get(LOCATION)?.to_str().ok()?;
    let next = answer.url.join(location).ok()?;
    let web = matches!(next.scheme(), "http" | "https");
    (follows && web).then_some(next)
}
