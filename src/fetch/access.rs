//! What opens a protected address: a user with a password, or headers.

use reqwest::RequestBuilder;
use reqwest::header::{HeaderName, HeaderValue};
use url::Url;

use super::secret::Secret;
use crate::error::{Context, Error, Result};

/// Credentials for one host. Like [`Secret`], it cannot be shown.
#[derive(Clone, Default)]
pub struct Access {
    basic: Option<(String, Secret)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Access {
    /// A user with a password, sent as basic authentication.
    pub fn basic(user: impl Into<String>, password: Secret) -> Access {
        Access {
            basic: Some((user.into(), password)),
            headers: Vec::new(),
        }
    }

    /// Adds a header. The error names the header and never its value.
    pub fn header(mut self, name: &str, value: &Secret) -> Result<Access> {
        let parsed: HeaderName = name
            .parse()
            .doing(|| format!("reading the name of the HTTP header `{name}`"))?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| {
            Error::new(format!(
                "the value of the HTTP header `{name}` has characters that headers must not have"
            ))
        })?;
        value.set_sensitive(true);
        self.headers.push((parsed, value));
        Ok(self)
    }

    /// Takes user and password out of an address.
    pub fn take_from(url: &mut Url) -> Option<Access> {
        if url.username().is_empty() && url.password().is_none() {
            return None;
        }
        let plain = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let user = plain(url.username());
        let password = Secret::new(plain(url.password().unwrap_or_default()));
        // Neither can fail: an address with a user has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Some(Access::basic(user, password))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.basic.is_none() && self.headers.is_empty()
    }

    pub(super) fn apply(&self, mut request: RequestBuilder) -> RequestBuilder {
        if let Some((user, password)) = &self.basic {
            request = request.basic_auth(user, Some(password.expose()));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_leave_the_address() {
        let mut url = Url::parse("https://me:a%40b@host/x").unwrap();
        let access = Access::take_from(&mut url).unwrap();
        assert_eq!(url.as_str(), "https://host/x");
        let (user, password) = access.basic.unwrap();
        assert_eq!((user.as_str(), password.expose()), ("me", "a@b"));
        assert!(Access::take_from(&mut url).is_none());
    }

    #[test]
    fn a_bad_header_is_named_without_its_value() {
        let error = Access::default()
            .header("X-Token", &Secret::new("top\nsecret"))
            .err()
            .unwrap();
        let text = error.report();
        assert!(
            text.contains("X-Token") && !text.contains("secret"),
            "{text}"
        );
    }
}
