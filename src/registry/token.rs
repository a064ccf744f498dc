//! Bearer tokens: asking the realm that a challenge names.
//!
//! Source: Docker's "Token Authentication Specification" and its OAuth2
//! variant for identity tokens.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::body::Body;
use super::credential::{Credential, Login};
use super::refusal;
use super::traffic::Traffic;
use super::transport::{Answer, Transport, authority, is_loopback};
use crate::error::{Context, Error, Reason, Result};
use crate::fetch::Secret;
use crate::fetch::redact;
use crate::fetch::retry::{Failure, Remedy};

/// Bytes of a token server's answer that are read.
const ANSWER: u64 = 1 << 20;

/// Lifetime of a token that does not say its own.
const LIFETIME: Duration = Duration::from_secs(60);

/// Redirects that a token server may make.
const HOPS: usize = 5;

/// A token, and until when it is used.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token.
    pub secret: Secret,
    until: Instant,
}

impl Token {
    /// Whether it is still used: a little less long than the server says, for
    /// clocks and for the way.
    pub fn is_fresh(&self) -> bool {
        Instant::now() < self.until
    }
}

/// The realm of a bearer challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    url: Url,
    service: Option<String>,
    /// Whether any certificate is taken from it.
    unverified: bool,
}

/// What is known of the registry that names a realm.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// Host and port of the registry.
    pub host: &'a str,
    /// Whether it is on this machine.
    pub loopback: bool,
    /// Hosts that the user takes without verified TLS.
    pub insecure: &'a [String],
}

impl Realm {
    /// Checks that credentials may go to `realm`: the address comes from the
    /// registry's answer, and with the answer of a hostile one, from anybody.
    pub fn new(realm: &str, service: Option<&str>, asker: Asker<'_>) -> Result<Realm> {
        let shown = redact::shown_text(realm);
        let refuse = |why: &str| {
            Error::new(format!(
                "the registry {} sends logins to {shown}, {why}",
                asker.host
            ))
        };
        let url = Url::parse(realm).map_err(|_| refuse("which is not an address"))?;
        let listed = authority(&url).is_some_and(|name| asker.insecure.contains(&name));
        let allowed = match url.scheme() {
            "https" => true,
            "http" => (is_loopback(&url) && asker.loopback) || listed,
            _ => false,
        };
        if !allowed {
            return Err(
                refuse("where credentials could be read on the way: not sent")
                    .hint("the token server has to be reached by https")
                    .because(Reason::Unauthorized),
            );
        }
        Ok(Realm {
            url,
            service: service.map(str::to_string),
            unverified: listed,
        })
    }

    /// Asks for a token for `scopes`.
    pub async fn ask(
        &self,
        transport: &Transport,
        traffic: &Traffic,
        credential: &Credential,
        scopes: &[String],
    ) -> Result<Token, Failure> {
        let doing = || format!("asking {} for a token", redact::shown(&self.url));
        let wrap = |failure: Failure| Failure::new(failure.remedy, failure.error.doing(doing()));
        let mut answer = self
            .request(transport, traffic, credential, scopes)
            .await
            .map_err(wrap)?;
        let status = answer.status;
        if status != StatusCode::OK {
            return Err(wrap(refused(answer, credential).await));
        }
        let bytes = answer.take(ANSWER).await.map_err(wrap)?;
        Ok(read(&bytes).doing(doing)?)
    }

    async fn request(
        &self,
        transport: &Transport,
        traffic: &Traffic,
        credential: &Credential,
        scopes: &[String],
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        let mut url = self.url.clone();
        let (method, body) = match &credential.login {
            Login::IdentityToken(token) => {
                let form = self.form(token, scopes);
                let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
                headers.insert(CONTENT_TYPE, kind);
                (Method::POST, Body::Bytes(Bytes::from(form)))
            }
            login => {
                if let Some(basic) = basic(login)? {
                    headers.insert(AUTHORIZATION, basic);
                }
                self.add_query(&mut url, scopes);
                (Method::GET, Body::Empty)
            }
        };
        for _ in 0..HOPS {
            traffic.count_token();
            // Its bytes are nobody's blobs: they count on their own.
            let answer = transport
                .exchange(
                    &method,
                    &url,
                    headers.clone(),
                    &body,
                    self.unverified && url.origin() == self.url.origin(),
                    &Traffic::default(),
                )
                .await?;
            if !answer.status.is_redirection() {
                return Ok(answer);
            }
            let next = answer
                .header("location")
                .and_then(|location| url.join(location).ok())
                .ok_or_else(|| Error::new("the token server redirects to nowhere"))?;
            if next.origin() != url.origin() {
                if method == Method::POST || next.scheme() != "https" {
                    return Err(Error::new(format!(
                        "the token server redirects to {}, where credentials are not sent",
                        redact::shown(&next)
                    ))
                    .into());
                }
                headers.remove(AUTHORIZATION);
            }
            url = next;
        }
        Err(Error::new(format!(
            "the token server redirected more than {HOPS} times"
        ))
        .into())
    }

    fn add_query(&self, url: &mut Url, scopes: &[String]) {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &self.service {
            query.append_pair("service", service);
        }
        for scope in scopes {
            query.append_pair("scope", scope);
        }
    }

    fn form(&self, token: &Secret, scopes: &[String]) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("service", self.service.as_deref().unwrap_or_default())
            .append_pair("client_id", "flinkpack")
            .append_pair("scope", &scopes.join(" "))
            .append_pair("refresh_token", token.expose())
            .finish()
    }
}

/// The `Authorization` of a login by password.
pub fn basic(login: &Login) -> Result<Option<HeaderValue>> {
    use base64::Engine as _;
    let Login::Password { user, password } = login else {
        return Ok(None);
    };
    let pair = format!("{user}:{}", password.expose());
    let text = base64::engine::general_purpose::STANDARD.encode(pair);
    secret_header(&format!("Basic {text}")).map(Some)
}

/// The `Authorization` that carries a token.
pub fn bearer(token: &Secret) -> Result<HeaderValue> {
    secret_header(&format!("Bearer {}", token.expose()))
}

fn secret_header(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::new("the token has characters that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

async fn refused(answer: Answer, credential: &Credential) -> Failure {
    let answer = match refusal::unless_passing(answer).await {
        Ok(answer) => answer,
        Err(failure) => return failure,
    };
    let status = answer.status;
    let said = refusal::said(answer, credential.login.secret()).await;
    let error = Error::new(format!("the token server answered {status}{said}"));
    let error = match &credential.login {
        Login::Anonymous => error
            .doing(format!("without credentials ({})", credential.source))
            .hint("log in with `docker login` and the registry's name"),
        _ => error
            .doing(format!("with the credentials of the {}", credential.source))
            .hint("they may have expired, or may lack a right: log in again with `docker login` and the registry's name"),
    };
    Failure::new(Remedy::None, error.because(Reason::Unauthorized))
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<f64>,
}

fn read(bytes: &[u8]) -> Result<Token> {
    // The parser's message would quote what it read.
    let answer: TokenAnswer = serde_json::from_slice(bytes)
        .map_err(|_| Error::new("the answer is not the JSON of a token"))?;
    let token = answer
        .token
        .filter(|token| !token.is_empty())
        .or(answer.access_token)
        .filter(|token| !token.is_empty())
        .ok_or_else(|| Error::new("the answer holds neither `token` nor `access_token`"))?;
    let lifetime = answer
        .expires_in
        .filter(|seconds| *seconds > 0.0)
        .map_or(LIFETIME, |seconds| {
            Duration::from_secs_f64(seconds.min(1e6))
        });
    let margin = Duration::from_secs(10).min(lifetime / 4);
    Ok(Token {
        secret: Secret::new(token),
        until: Instant::now() + lifetime - margin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(url: &str, loopback: bool, insecure: &[String]) -> Result<Realm> {
        let asker = Asker {
            host: "r.example",
            loopback,
            insecure,
        };
        Realm::new(url, None, asker)
    }

    #[test]
    fn credentials_go_to_https_and_loopback_realms_alone() {
        assert!(realm("https://auth.other.example/token", false, &[]).is_ok());
        assert!(realm("http://127.0.0.1:5001/token", true, &[]).is_ok());
        assert!(realm("http://auth.example/token", false, &["auth.example".into()]).is_ok());
        for bad in [
            "http://r.example/token",
            "http://127.0.0.1:5001/token",
            "ftp://r.example/token",
            "token",
        ] {
            assert!(realm(bad, false, &[]).is_err(), "{bad}");
        }
        assert!(realm("http://auth.example/token", true, &[]).is_err());
    }

    #[test]
    fn a_token_may_have_either_name() {
        assert_eq!(
            read(br#"{"access_token":"a","expires_in":300}"#)
                .unwrap()
                .secret
                .expose(),
            "a"
        );
        assert_eq!(read(br#"{"token":"b"}"#).unwrap().secret.expose(), "b");
        let error = read(b"{\"tok\":\"secret").unwrap_err().report();
        assert!(!error.contains("secret"), "{error}");
        assert!(read(b"{}").is_err());
    }
}
