//! A client for one registry: scheme, login, redirects, second attempts.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::AUTHORIZATION;
use url::Url;

use super::authenticator::Surroundings;
use super::call::{Call, To, redirect};
use super::host::Host;
use super::network::Network;
use super::options::Options;
use super::refusal;
use super::token::Asker;
use super::traffic::Traffic;
use super::transport::{Answer, authority, is_loopback};
use crate::error::{Error, Result};
use crate::fetch::retry::{Advice, Attempts, Failure, Remedy};
use crate::fetch::{Patience, redact};
use crate::report::Report;

/// Redirects that are followed.
const HOPS: usize = 10;

/// A client for one registry.
#[derive(Clone)]
pub(super) struct Client {
    host: Arc<Host>,
    network: Arc<Network>,
    traffic: Traffic,
    patience: Patience,
}

/// What a user can do about a registry that fails.
const ADVICE: Advice = Advice {
    wait_too_long: |seconds| {
        format!("the registry asks to wait {seconds} s; run the command again after that")
    },
    gave_up: |attempts| {
        format!("it was tried {attempts} times; run the command again when the registry is well")
    },
};

impl Client {
    /// A client that counts for `traffic`.
    pub fn new(host: Arc<Host>, network: &Arc<Network>, traffic: &Traffic) -> Client {
        Client {
            host,
            network: Arc::clone(network),
            traffic: traffic.clone(),
            patience: network.options.patience,
        }
    }

    /// This client, giving up after fewer attempts.
    pub fn with_attempts(mut self, most: u32) -> Client {
        self.patience.attempts = most.min(self.patience.attempts);
        self
    }

    /// The registry, as references name it.
    pub fn name(&self) -> &str {
        &self.host.name
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn options(&self) -> &Options {
        &self.network.options
    }

    pub fn report(&self) -> &Report {
        &self.network.report
    }

    pub fn attempts(&self) -> Attempts {
        Attempts::new(self.patience, &ADVICE)
    }

    /// Sends `call` until it is answered: by anything but a failure that may
    /// pass, which is tried again.
    pub async fn send(&self, call: &Call) -> Result<Answer> {
        let mut attempts = self.attempts();
        loop {
            match self.attempt(call).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => attempts.wait(failure, self.report()).await?,
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
                Err(failure) => attempts.wait(failure, self.report()).await?,
            }
        }
    }

    /// Sends `call` once. Logins and redirects belong to it.
    pub async fn attempt(&self, call: &Call) -> Result<Answer, Failure> {
        self.host.rest().await;
        let outcome = match self.host.scheme() {
            Some(scheme) => self.attempt_at(scheme, call).await,
            None => self.choose(call).await,
        };
        outcome.map_err(|failure| {
            if let Remedy::After(time) = failure.remedy
                && time <= self.patience.longest
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
        self.refusal(call, answer).await.doing(call.doing.clone())
    }

    /// The error of a final answer to `call`, where the caller says what was being
    /// done.
    pub async fn refusal(&self, call: &Call, answer: Answer) -> Error {
        if let Some(place) = self.elsewhere(&answer.url) {
            return refusal::elsewhere(answer, &self.host.name, &place).await;
        }
        let credential = self.host.authenticator.credential(&call.scopes).await;
        refusal::error(answer, &self.host.name, credential.as_ref()).await
    }

    /// The host that an address is on, where that is not the registry itself.
    fn elsewhere(&self, url: &Url) -> Option<String> {
        let home = self.host.home(url.scheme()).ok()?;
        (url.origin() != home.origin()).then(|| authority(url))?
    }

    /// The first call to a host finds out which scheme it speaks.
    async fn choose(&self, call: &Call) -> Result<Answer, Failure> {
        let mut first: Option<Result<Answer, Failure>> = None;
        for scheme in &self.host.schemes {
            let outcome = self.attempt_at(scheme, call).await;
            // A certificate that is not trusted is TLS all the same.
            let refused = matches!(&outcome, Err(failure) if failure.remedy == Remedy::None);
            if self.host.scheme().is_some() || (refused && *scheme == "https") {
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
        let home = self.host.home(scheme)?;
        let mut url = match &call.to {
            To::Path(path) => home.join(path).map_err(Error::from)?,
            To::Url(url) => url.clone(),
        };
        let around = self.surroundings(&home);
        let mut login = None;
        if url.origin() == home.origin() {
            login = self.host.authenticator.header(around, &call.scopes).await?;
        }
        let mut renewals = 0;
        let mut hops = 0;
        loop {
            let at_home = url.origin() == home.origin();
            let mut headers = call.headers.clone();
            if let Some(login) = login.as_ref().filter(|_| at_home) {
                headers.insert(AUTHORIZATION, login.clone());
            }
            self.traffic.count_request();
            let answer = self
                .network
                .transport
                .exchange(
                    &call.method,
                    &url,
                    headers,
                    &call.body,
                    self.host.insecure && at_home,
                    &self.traffic,
                )
                .await
                .map_err(|failure| unreachable(&url, failure))?;
            let status = answer.status;
            // Servers of TLS answer plain http with this, if they answer.
            if at_home && !(scheme == "http" && status == StatusCode::BAD_REQUEST) {
                self.host.speaks(scheme);
            }
            if status == StatusCode::UNAUTHORIZED && at_home && renewals < call.renewals {
                renewals += 1;
                let fresh = self
                    .host
                    .authenticator
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
                    .hint("the registry, or a proxy before it, does not know the address that it is reached by: who runs it can set that")
                    .into());
                }
                url = next;
            } else {
                if at_home && status == StatusCode::TOO_MANY_REQUESTS {
                    self.host.slow_down();
                }
                let answer = refusal::unless_passing(answer).await?;
                if at_home {
                    self.host.speed_up();
                }
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
            if self.host.is_new_warning(text) {
                self.report()
                    .warn(format!("{} says: {text}", self.host.name));
            }
        }
    }

    fn surroundings<'a>(&'a self, home: &Url) -> Surroundings<'a> {
        let network = &self.network;
        Surroundings {
            transport: &network.transport,
            traffic: &self.traffic,
            keychain: &network.keychain,
            report: &network.report,
            name: &self.host.name,
            asker: Asker {
                host: &self.host.name,
                loopback: is_loopback(home),
                insecure: &network.options.insecure,
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
