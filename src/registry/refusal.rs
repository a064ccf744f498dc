//! A server's "no", in words.

use reqwest::StatusCode;
use serde_json::Value;

use super::credential::{Credential, Login};
use super::transport::Answer;
use crate::error::{Error, Reason};
use crate::fetch::Secret;
use crate::fetch::retry::{Failure, Remedy, remedy};

/// Bytes of a refusal that are read.
const MESSAGE: u64 = 64 << 10;

/// Characters of it that are shown.
const SHOWN: usize = 300;

/// Codes of errors about a blob that the registry lacks (OCI distribution
/// specification 1.1, "Error Codes").
const BLOB_UNKNOWN: [&str; 2] = ["BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN"];

/// What a server says about its answer.
#[derive(Default)]
struct Said {
    /// `code: message` of each error that it lists, or a short plain text.
    text: Option<String>,
    /// Whether it lacks a blob.
    lacks_blob: bool,
}

/// What the server says about its answer, as ` (…)`, or nothing; `secret` is
/// blotted out, should the server repeat it.
pub async fn said(answer: Answer, secret: Option<&Secret>) -> String {
    shown(&read(answer).await, secret)
}

async fn read(mut answer: Answer) -> Said {
    match answer.take(MESSAGE).await {
        Ok(bytes) => Said::of(&bytes),
        Err(_) => Said::default(),
    }
}

fn shown(said: &Said, secret: Option<&Secret>) -> String {
    let Some(text) = &said.text else {
        return String::new();
    };
    let text = secret.map_or(text.clone(), |secret| secret.scrub(text));
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN)
        .collect();
    format!(" ({})", line.trim())
}

impl Said {
    fn of(bytes: &[u8]) -> Said {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
            let text = std::str::from_utf8(bytes).unwrap_or_default().trim();
            let plain = !text.is_empty() && text.len() <= SHOWN && !text.contains('<');
            return Said {
                text: plain.then(|| text.to_string()),
                lacks_blob: false,
            };
        };
        let errors = match value.get("errors").and_then(Value::as_array) {
            Some(errors) => &errors[..],
            None => std::slice::from_ref(&value),
        };
        let text = |error: &Value, key: &str| Some(error.get(key)?.as_str()?.to_string());
        let one = |error: &Value| {
            let message = text(error, "message").or(text(error, "details"));
            match (text(error, "code"), message) {
                (Some(code), Some(message)) => Some(format!("{code}: {message}")),
                (word, None) | (None, word) => word,
            }
        };
        let all: Vec<String> = errors.iter().take(3).filter_map(one).collect();
        let code = |error: &Value| text(error, "code").unwrap_or_default();
        Said {
            text: (!all.is_empty()).then(|| all.join("; ")),
            lacks_blob: errors
                .iter()
                .any(|error| BLOB_UNKNOWN.contains(&code(error).as_str())),
        }
    }
}

/// The answer, unless its status is one that passes.
pub async fn unless_passing(answer: Answer) -> Result<Answer, Failure> {
    let status = answer.status;
    let remedy = remedy(status, &answer.headers);
    if remedy == Remedy::None {
        return Ok(answer);
    }
    let said = said(answer, None).await;
    let error = Error::new(format!("the server answered {status}{said}"));
    let error = match status {
        StatusCode::TOO_MANY_REQUESTS => error.hint("the registry limits how often it is asked: credentials raise that limit on many registries"),
        _ => error,
    };
    Err(Failure::new(remedy, error))
}

/// The error of an answer that is final. `credential` is what the request was
/// sent with, where the registry asked for a login.
pub async fn error(answer: Answer, host: &str, credential: Option<&Credential>) -> Error {
    let status = answer.status;
    let secret = credential.and_then(|credential| credential.login.secret());
    let challenged = answer.header("www-authenticate").is_some();
    let said = read(answer).await;
    let shown = shown(&said, secret);
    let error = Error::new(format!("the registry answered {status}{shown}"));
    let login = format!("log in with `docker login {host}`");
    match (status, credential) {
        (StatusCode::UNAUTHORIZED, Some(credential)) => match credential.login {
            Login::Anonymous => error
                .doing(format!("no credentials were found for {host}: {}", credential.source))
                .hint(login),
            _ => error
                .doing(format!("the credentials of the {} were refused", credential.source))
                .hint(format!("they may have expired, or may lack a right: {login}")),
        }
        .because(Reason::Unauthorized),
        (StatusCode::UNAUTHORIZED, None) => {
            let why = if challenged {
                "it asks for a login in a way that is not known here"
            } else {
                "it does not say how to log in"
            };
            error.doing(why).because(Reason::Unauthorized)
        }
        (StatusCode::FORBIDDEN, credential) => match credential {
            Some(credential) if !matches!(credential.login, Login::Anonymous) => error.hint(format!(
                "the credentials of the {} lack the right to do this",
                credential.source
            )),
            _ => error.hint(format!("no credentials were used: {login}")),
        }
        .because(Reason::Forbidden),
        _ if said.lacks_blob => error.because(Reason::BlobUnknown),
        (StatusCode::NOT_FOUND, _) => error.because(Reason::NotFound),
        (StatusCode::PAYLOAD_TOO_LARGE, _) => {
            error.hint("the registry, or a proxy before it, limits the size of a request: raise that limit").because(Reason::TooLarge)
        }
        _ => error,
    }
}

/// The error of a final answer from a `place` that the registry `host` had pointed
/// to: no credentials were sent there.
pub async fn elsewhere(answer: Answer, host: &str, place: &str) -> Error {
    let pointed = format!("{host} pointed to {place}");
    match answer.status {
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            let said = said(answer, None).await;
            Error::new(format!("{place} answered {status}{said}"))
                .doing(pointed)
                .hint("such addresses are good for a time: is the clock of this machine right, and does no proxy stand between?")
                .because(Reason::AddressEnded)
        }
        _ => error(answer, host, None).await.doing(pointed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::retry::tests::PASSING;

    #[tokio::test]
    async fn a_registry_is_asked_again_after_the_statuses_that_pass() {
        for code in 100..1000 {
            let status = StatusCode::from_u16(code).unwrap();
            let passes = unless_passing(Answer::of_status(status)).await.is_err();
            assert_eq!(passes, PASSING.contains(&code), "{code}");
        }
    }

    #[test]
    fn messages_are_taken_from_where_registries_put_them() {
        let of = |text: &str| Said::of(text.as_bytes()).text;
        assert_eq!(
            of(r#"{"errors":[{"code":"DENIED","message":"no"}]}"#).as_deref(),
            Some("DENIED: no")
        );
        assert_eq!(
            of(r#"{"details":"incorrect"}"#).as_deref(),
            Some("incorrect")
        );
        assert_eq!(of("busy").as_deref(), Some("busy"));
        assert_eq!(of("<html>busy</html>"), None);
        assert_eq!(of(""), None);
    }
}
