//! How one registry wants to be logged in to, and with what.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::challenge;
use super::credential::{Credential, Login};
use super::keychain::Keychain;
use super::scope::repository;
use super::token::{Asker, Realm, Token, basic, bearer};
use super::traffic::Traffic;
use super::transport::{Answer, Transport};
use crate::error::Result;
use crate::fetch::retry::Failure;
use crate::report::Report;
use reqwest::header::{HeaderValue, WWW_AUTHENTICATE};

/// What was learned of a registry's login; shared by all that ask it.
#[derive(Default)]
pub struct Authenticator {
    scheme: Mutex<Option<AuthScheme>>,
    /// By repository.
    credentials: tokio::sync::Mutex<HashMap<String, Credential>>,
    tokens: Mutex<HashMap<String, Token>>,
    /// One token request at a time: the others then find its token.
    gate: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
enum AuthScheme {
    Basic,
    Bearer { realm: Realm, scope: Option<String> },
}

/// What a login needs of its surroundings.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    pub transport: &'a Transport,
    pub traffic: &'a Traffic,
    pub keychain: &'a Keychain,
    pub report: &'a Report,
    /// The registry as users name it, which is how credentials are kept.
    pub name: &'a str,
    pub asker: Asker<'a>,
}

impl Authenticator {
    /// The `Authorization` to send at once: what worked before.
    pub async fn header(
        &self,
        around: Surroundings<'_>,
        scopes: &[String],
    ) -> Result<Option<HeaderValue>, Failure> {
        let scheme = lock(&self.scheme).clone();
        match scheme {
            None => Ok(None),
            Some(scheme) => self.make(around, &scheme, scopes, None).await,
        }
    }

    /// After a 401: another `Authorization` than `used`, if there is one.
    pub async fn renew(
        &self,
        around: Surroundings<'_>,
        refusal: &Answer,
        scopes: &[String],
        used: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, Failure> {
        let Some(scheme) = asked_for(refusal, around.asker)? else {
            return Ok(None);
        };
        *lock(&self.scheme) = Some(scheme.clone());
        let header = self.make(around, &scheme, scopes, used).await?;
        Ok(header.filter(|header| Some(header) != used))
    }

    /// The credential for these scopes, if it was looked for.
    pub async fn credential(&self, scopes: &[String]) -> Option<Credential> {
        self.credentials
            .lock()
            .await
            .get(repository(scopes))
            .cloned()
    }

    async fn make(
        &self,
        around: Surroundings<'_>,
        scheme: &AuthScheme,
        scopes: &[String],
        used: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, Failure> {
        let credential = self.find(around, repository(scopes)).await?;
        if let Login::RegistryToken(token) = &credential.login {
            return Ok(Some(bearer(token)?));
        }
        let (realm, scope) = match scheme {
            AuthScheme::Basic => return Ok(basic(&credential.login)?),
            AuthScheme::Bearer { realm, scope } => (realm, scope),
        };
        let mut scopes = scopes.to_vec();
        if let Some(scope) = scope
            && scopes.is_empty()
        {
            scopes.push(scope.clone());
        }
        let key = scopes.join(" ");
        let _one = self.gate.lock().await;
        if let Some(token) = self.kept(&key) {
            let header = bearer(&token.secret)?;
            if Some(&header) != used {
                return Ok(Some(header));
            }
        }
        let token = realm
            .ask(around.transport, around.traffic, &credential, &scopes)
            .await?;
        let header = bearer(&token.secret)?;
        lock(&self.tokens).insert(key, token);
        Ok(Some(header))
    }

    fn kept(&self, key: &str) -> Option<Token> {
        let tokens = lock(&self.tokens);
        tokens.get(key).filter(|token| token.is_fresh()).cloned()
    }

    async fn find(&self, around: Surroundings<'_>, repository: &str) -> Result<Credential> {
        let mut known = self.credentials.lock().await;
        if let Some(credential) = known.get(repository) {
            return Ok(credential.clone());
        }
        let found = around.keychain.find(around.name, repository).await?;
        let how = match found.login {
            Login::Anonymous => "without credentials",
            _ => "with credentials",
        };
        if !known.values().any(|other| other.source == found.source) {
            around
                .report
                .detail(format!("{}: {how}: {}", around.name, found.source));
        }
        known.insert(repository.to_string(), found.clone());
        Ok(found)
    }
}

/// What a 401 asks for; a bearer token rather than a password.
fn asked_for(refusal: &Answer, asker: Asker<'_>) -> Result<Option<AuthScheme>> {
    let challenges: Vec<_> = refusal
        .headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(challenge::parse)
        .collect();
    for challenge in &challenges {
        if challenge.scheme == "bearer"
            && let Some(realm) = challenge.get("realm")
        {
            return Ok(Some(AuthScheme::Bearer {
                realm: Realm::new(realm, challenge.get("service"), asker)?,
                scope: challenge.get("scope").map(str::to_string),
            }));
        }
    }
    let basic = challenges.iter().any(|one| one.scheme == "basic");
    Ok(basic.then_some(AuthScheme::Basic))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
