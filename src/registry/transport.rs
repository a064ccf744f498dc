//! One HTTP exchange: no login, no redirect, no second attempt.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::body::{Body, Watch};
use super::handshake::failure;
use super::options::Options;
use super::traffic::Traffic;
use super::trust::Trust;
use crate::error::{Context, Error, Result};
use crate::fetch::client;
use crate::fetch::retry::{Failure, Remedy};
use crate::image::reference::DOCKER_HUB;

/// Sends requests.
pub struct Transport {
    stall: Duration,
    answer: Duration,
    trust: Trust,
    clients: Mutex<HashMap<Kind, reqwest::Client>>,
}

/// The kinds of clients; one is made when it is first needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    tls: bool,
    loopback: bool,
    unverified: bool,
    /// The one host that it is for, where that has certificates of its own.
    special: Option<String>,
}

impl Transport {
    /// With the time limits and certificates of `options`.
    pub fn new(options: &Options) -> Transport {
        Transport {
            stall: options.patience.stall,
            answer: options.answer,
            trust: options.trust.clone(),
            clients: Mutex::default(),
        }
    }

    /// Sends one request and waits for the head of its answer. `unverified`
    /// takes any certificate.
    pub async fn exchange(
        &self,
        method: &Method,
        url: &Url,
        headers: HeaderMap,
        body: &Body,
        unverified: bool,
        traffic: &Traffic,
    ) -> Result<Answer, Failure> {
        let tls = url.scheme() == "https";
        let host = authority(url).filter(|host| tls && self.trust.is_special(host));
        let client = self.client(Kind {
            tls,
            loopback: is_loopback(url),
            unverified,
            special: host,
        })?;
        let watch = Arc::new(Watch::default());
        let mut request = client.request(method.clone(), url.clone()).headers(headers);
        request = match body {
            Body::Empty if *method == Method::GET || *method == Method::HEAD => request,
            Body::Empty => request.header(CONTENT_LENGTH, 0),
            Body::Bytes(bytes) => {
                traffic.count_sent(bytes.len() as u64);
                request.body(bytes.clone())
            }
            Body::Stream { open, length } => request
                .header(CONTENT_LENGTH, HeaderValue::from(*length))
                .body(reqwest::Body::wrap_stream(
                    watch.over(open(), traffic.clone()),
                )),
        };
        let outcome = tokio::select! {
            outcome = request.send() => outcome,
            () = self.stalled(&watch, body) => return Err(self.stall_failure(&watch)),
        };
        match outcome {
            Ok(response) => Ok(Answer {
                status: response.status(),
                headers: response.headers().clone(),
                url: url.clone(),
                response,
                unread: None,
                stall: self.stall,
                traffic: traffic.clone(),
            }),
            Err(error) => Err(match watch.failure() {
                Some(error) => error.into(),
                None => failure(error),
            }),
        }
    }

    /// Ends when nothing moved for too long. The HTTP client's own read limit
    /// counts from the beginning of a request, so it would cut long uploads.
    async fn stalled(&self, watch: &Watch, body: &Body) {
        let mut seen = watch.moved();
        let mut since = Instant::now();
        loop {
            let limit = match body {
                Body::Empty => self.stall,
                Body::Stream { length, .. } if watch.moved() < *length => self.stall,
                // A registry may hash and move a whole blob before it answers.
                _ => self.answer,
            };
            tokio::time::sleep(limit / 8).await;
            let moved = watch.moved();
            if moved != seen {
                (seen, since) = (moved, Instant::now());
            } else if since.elapsed() >= limit {
                return;
            }
        }
    }

    fn stall_failure(&self, watch: &Watch) -> Failure {
        let what = if watch.moved() > 0 {
            "the transfer stalled: nothing was taken or answered any more"
        } else {
            "the server did not answer in time"
        };
        Failure::new(Remedy::Again, Error::new(what))
    }

    fn client(&self, kind: Kind) -> Result<reqwest::Client> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&kind) {
            return Ok(client.clone());
        }
        let mut builder = client::builder(kind.tls)?;
        if kind.loopback {
            // A proxy's loopback is another machine's.
            builder = builder.no_proxy();
        }
        if kind.tls {
            builder = self
                .trust
                .apply(builder, kind.special.as_deref().unwrap_or_default())?;
        }
        if kind.unverified {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        let client = builder.build().doing(|| "setting up the HTTP client")?;
        clients.insert(kind, client.clone());
        Ok(client)
    }
}

/// The head of an answer, and its body as it comes.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// Where it came from.
    pub url: Url,
    response: reqwest::Response,
    unread: Option<Bytes>,
    stall: Duration,
    traffic: Traffic,
}

impl Answer {
    /// An answer without a body.
    #[cfg(test)]
    pub(super) fn of_status(status: StatusCode) -> Answer {
        let mut response = hyper::Response::new(reqwest::Body::default());
        *response.status_mut() = status;
        Answer {
            status,
            headers: HeaderMap::new(),
            url: "https://registry.example/v2/".parse().expect("an address"),
            response: response.into(),
            unread: None,
            stall: Duration::from_secs(1),
            traffic: Traffic::default(),
        }
    }

    /// A header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next piece of the body; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        if let Some(piece) = self.unread.take() {
            return Ok(Some(piece));
        }
        match tokio::time::timeout(self.stall, self.response.chunk()).await {
            Ok(Ok(chunk)) => {
                let bytes = chunk.as_ref().map_or(0, Bytes::len);
                self.traffic.count_received(bytes as u64);
                Ok(chunk)
            }
            Ok(Err(error)) => Err(Failure::new(
                Remedy::Again,
                Error::from(error.without_url()).doing("the transfer broke off"),
            )),
            Err(_) => Err(Failure::new(
                Remedy::Again,
                Error::new(format!(
                    "the transfer stalled: no byte came for {} s",
                    self.stall.as_secs_f32()
                )),
            )),
        }
    }

    /// Puts a piece back, to be the next one.
    pub fn unread(&mut self, piece: Bytes) {
        self.unread = Some(piece);
    }

    /// The rest of the body, which may not be longer than `most`.
    pub async fn take(&mut self, most: u64) -> Result<Bytes, Failure> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
            if all.len() as u64 > most {
                return Err(Error::new(format!("the answer is longer than {most} bytes")).into());
            }
        }
        Ok(all.into())
    }
}

/// Whether an address is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// `host[:port]`, as users name it.
pub fn authority(url: &Url) -> Option<String> {
    let host = match url.host_str()? {
        "registry-1.docker.io" => DOCKER_HUB,
        host => host,
    };
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    })
}
