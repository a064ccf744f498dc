//! Credentials in the environment, for CI jobs.

use super::auth_file::covers;
use super::credential::Login;
use crate::error::{Error, Result};
use crate::fetch::Secret;

const REGISTRY: &str = "FLINKPACK_REGISTRY";
const USER: &str = "FLINKPACK_REGISTRY_USERNAME";
const PASSWORD: &str = "FLINKPACK_REGISTRY_PASSWORD";
const TOKEN: &str = "FLINKPACK_REGISTRY_TOKEN";

/// A login, and the registry that it is for.
#[derive(Clone, Debug)]
pub(super) struct EnvCredentials {
    pub login: Login,
    /// `host[:port][/namespace]`.
    registry: String,
}

impl EnvCredentials {
    /// What the variables say; `None` where they say nothing.
    ///
    /// The registry has to be named: what a manifest calls its image must not
    /// decide where a password goes.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Option<EnvCredentials>> {
        let value = |name| variable(name).filter(|value| !value.is_empty());
        let (user, password, token) = (value(USER), value(PASSWORD), value(TOKEN));
        let login = match (user, password, token) {
            (None, None, None) => return Ok(None),
            (Some(user), Some(password), None) => Login::password(user, password),
            (None, None, Some(token)) => Login::RegistryToken(Secret::new(token)),
            (Some(_), None, None) => return Err(lacking(USER, PASSWORD)),
            (None, Some(_), None) => return Err(lacking(PASSWORD, USER)),
            (_, _, Some(_)) => {
                return Err(Error::usage(format!(
                    "both {TOKEN} and a user or password are set in the environment"
                ))
                .hint(format!(
                    "{TOKEN} is a bearer token, sent as it is; a token that stands for a password goes into {PASSWORD}"
                )));
            }
        };
        let registry = value(REGISTRY).ok_or_else(|| {
            Error::usage(format!(
                "credentials are set in the environment, but not the registry that they are for: {REGISTRY} is not set"
            ))
            .hint(format!("set {REGISTRY} to its host, such as registry.example.com; they are sent nowhere else"))
        })?;
        Ok(Some(EnvCredentials { login, registry }))
    }

    /// Whether they are for this repository.
    pub fn are_for(&self, host: &str, repository: &str) -> bool {
        covers(&self.registry, host, repository).is_some()
    }

    /// The variables and the registry, in words.
    pub fn source(&self) -> String {
        let names = match self.login {
            Login::RegistryToken(_) => TOKEN.to_string(),
            _ => format!("{USER} and {PASSWORD}"),
        };
        format!("environment ({names}, for {REGISTRY}={})", self.registry)
    }

    /// Why they were not used for another host, in words.
    pub fn not_for(&self) -> String {
        format!("those of the environment are for {}", self.registry)
    }
}

fn lacking(set: &str, lacking: &str) -> Error {
    Error::usage(format!(
        "{set} is set in the environment, but {lacking} is not"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> Result<Option<EnvCredentials>> {
        let set: Vec<(String, String)> = set
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        EnvCredentials::of(|name| {
            let found = set.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn they_are_for_the_registry_that_is_named_and_no_other() {
        let login = [(USER, "me"), (PASSWORD, "secret")];
        let with = |registry| {
            of(&[login[0], login[1], (REGISTRY, registry)])
                .unwrap()
                .unwrap()
        };
        let host = with("r.example:5000");
        assert!(host.are_for("r.example:5000", "a/b"));
        assert!(!host.are_for("r.example", "a/b") && !host.are_for("r.example.evil", "a/b"));
        let team = with("r.example/team");
        assert!(team.are_for("r.example", "team/job") && !team.are_for("r.example", "teams/job"));
        assert!(with("docker.io").are_for("docker.io", "library/flink"));
        assert!(!host.source().contains("secret"));
    }

    #[test]
    fn halves_and_doubles_are_errors_without_their_values() {
        for set in [
            &[(USER, "me"), (PASSWORD, "secret")][..],
            &[(USER, "me"), (REGISTRY, "r")],
            &[(PASSWORD, "secret"), (REGISTRY, "r")],
            &[(TOKEN, "secret"), (PASSWORD, "secret"), (REGISTRY, "r")],
        ] {
            let error = of(set).unwrap_err().report();
            assert!(
                error.contains("FLINKPACK_REGISTRY") && !error.contains("secret"),
                "{error}"
            );
        }
        assert!(of(&[(REGISTRY, "r")]).unwrap().is_none());
    }
}
