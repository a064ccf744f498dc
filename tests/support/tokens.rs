//! Who may do what: passwords and tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;

use super::http::{Request, Response};
use super::signer::Signer;

/// How a registry is logged in to.
#[derive(Clone)]
pub enum Auth {
    None,
    Basic { user: String, password: String },
    Bearer { realm: String, tokens: Tokens },
}

/// A token server's state.
#[derive(Clone, Default)]
pub struct Tokens(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    user: Option<(String, String)>,
    identity: Option<String>,
    issued: HashMap<String, (Vec<String>, Instant)>,
    count: usize,
    lifetime: Option<Duration>,
    refused: Option<String>,
    withheld: Option<String>,
    signer: Option<Arc<Signer>>,
}

impl Tokens {
    /// Gives tokens to anybody.
    pub fn open() -> Tokens {
        Tokens::default()
    }

    /// Gives tokens to this user alone.
    pub fn for_user(user: &str, password: &str) -> Tokens {
        let tokens = Tokens::default();
        tokens.0.lock().unwrap().user = Some((user.into(), password.into()));
        tokens
    }

    /// Gives tokens for this identity token alone.
    pub fn for_identity(token: &str) -> Tokens {
        let tokens = Tokens::default();
        tokens.0.lock().unwrap().identity = Some(token.into());
        tokens
    }

    /// Tokens live this long, and say so.
    pub fn lifetime(self, lifetime: Duration) -> Tokens {
        self.0.lock().unwrap().lifetime = Some(lifetime);
        self
    }

    /// Refuses requests for a scope that holds this.
    pub fn refusing(self, scope: &str) -> Tokens {
        self.0.lock().unwrap().refused = Some(scope.into());
        self
    }

    /// Gives tokens that do not allow this action, whoever asks for it.
    pub fn withholding(self, action: &str) -> Tokens {
        self.0.lock().unwrap().withheld = Some(action.into());
        self
    }

    /// Its tokens are such that a real registry takes them.
    pub fn signed_by(self, signer: &Arc<Signer>) -> Tokens {
        self.0.lock().unwrap().signer = Some(Arc::clone(signer));
        self
    }

    /// No token that was given counts any more.
    pub fn revoke(&self) {
        self.0.lock().unwrap().issued.clear();
    }

    /// Tokens that were given.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().count
    }

    pub fn answer(&self, request: &Request, body: &[u8]) -> Response {
        let mut inner = self.0.lock().unwrap();
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(body).into_owned().collect();
        let mut scopes: Vec<String> = match request.method.as_str() {
            "POST" => form["scope"].split(' ').map(str::to_string).collect(),
            _ => request.queries("scope"),
        };
        if let Some(action) = &inner.withheld {
            for scope in &mut scopes {
                *scope = scope.replace(&format!(",{action}"), "");
            }
        }
        let allowed = match (&inner.user, &inner.identity) {
            (Some((user, password)), _) => {
                request.header("authorization") == Some(basic(user, password).as_str())
            }
            (_, Some(identity)) => form.get("refresh_token") == Some(identity),
            (None, None) => true,
        };
        let refused = inner.refused.as_ref();
        let refused =
            refused.is_some_and(|refused| scopes.iter().any(|scope| scope.contains(refused)));
        if !allowed || refused {
            return Response::new(401).body(r#"{"details":"wrong login"}"#);
        }
        inner.count += 1;
        let token = match &inner.signer {
            Some(signer) => signer.token(&scopes),
            None => format!("secret-token-{}", inner.count),
        };
        let lifetime = inner.lifetime.unwrap_or(Duration::from_secs(300));
        inner
            .issued
            .insert(token.clone(), (scopes, Instant::now() + lifetime));
        let key = if request.method == "POST" {
            "access_token"
        } else {
            "token"
        };
        Response::new(200).body(format!(
            r#"{{"{key}":"{token}","expires_in":{}}}"#,
            lifetime.as_secs_f64()
        ))
    }

    fn allows(&self, header: &str, wanted: &[String]) -> bool {
        let inner = self.0.lock().unwrap();
        let Some((scopes, until)) = header
            .strip_prefix("Bearer ")
            .and_then(|token| inner.issued.get(token))
        else {
            return false;
        };
        let held = |wanted: &String| {
            let (name, action) = wanted.rsplit_once(':').unwrap();
            scopes.iter().any(|scope| {
                let (held, actions) = scope.rsplit_once(':').unwrap();
                held == name && actions.split(',').any(|one| one == action)
            })
        };
        Instant::now() < *until && wanted.iter().all(held)
    }
}

pub fn basic(user: &str, password: &str) -> String {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

impl Auth {
    /// The refusal, if `request` is not allowed; `wanted` are scopes with one
    /// action each.
    pub fn refuses(&self, request: &Request, wanted: &[String]) -> Option<Response> {
        let sent = request.header("authorization").unwrap_or_default();
        let refusal = Response::new(401)
            .body(r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#);
        match self {
            Auth::None => None,
            Auth::Basic { user, password } => (sent != basic(user, password))
                .then(|| refusal.with("WWW-Authenticate", "Basic realm=\"test\"")),
            Auth::Bearer { realm, tokens } => (!tokens.allows(sent, wanted)).then(|| {
                refusal.with(
                    "WWW-Authenticate",
                    format!(
                        "Bearer realm=\"{realm}\",service=\"test\",scope=\"{}\"",
                        wanted.join(" ")
                    ),
                )
            }),
        }
    }
}
