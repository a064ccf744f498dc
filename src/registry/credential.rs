//! A login to a registry.

use crate::fetch::Secret;

/// How to log in.
#[derive(Clone, Debug)]
pub enum Login {
    /// Nothing is known for the registry.
    Anonymous,
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A refresh token, to be exchanged for an access token (OAuth2).
    IdentityToken(Secret),
    /// A bearer token for the registry itself.
    RegistryToken(Secret),
}

impl Login {
    pub(super) fn password(user: String, password: String) -> Login {
        Login::Password {
            user,
            password: Secret::new(password),
        }
    }

    /// The secret in it.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Login::Anonymous => None,
            Login::Password { password, .. } => Some(password),
            Login::IdentityToken(token) | Login::RegistryToken(token) => Some(token),
        }
    }
}

/// A login, and where it was found or looked for.
#[derive(Clone, Debug)]
pub struct Credential {
    /// How to log in.
    pub login: Login,
    /// File, helper and key, in words: for `-v` and for errors.
    pub source: String,
}
