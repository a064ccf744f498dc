//! Signs tokens as a token server of Docker's registry does, by the openssl
//! command line.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A key and its certificate.
pub struct Signer {
    folder: TempDir,
    /// Of every token: it carries the certificate.
    header: Value,
}

impl Signer {
    pub fn new() -> Signer {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -subj /CN=tokens -days 2";
        let output = Command::new("openssl")
            .args(made.split(' '))
            .current_dir(folder.path())
            .output()
            .expect("openssl runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl: {said}");
        let text = std::fs::read_to_string(folder.path().join("certificate.pem"));
        let text = text.expect("a certificate");
        let lines = text.lines().filter(|line| !line.starts_with('-'));
        let certificate: String = lines.collect();
        Signer {
            folder,
            header: json!({"typ": "JWT", "alg": "RS256", "x5c": [certificate]}),
        }
    }

    /// What the registry has to trust.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// A token of the service `test` for these scopes, for five minutes.
    pub fn token(&self, scopes: &[String]) -> String {
        let now = UNIX_EPOCH.elapsed().expect("a time").as_secs();
        let access: Vec<Value> = scopes
            .iter()
            .filter_map(|scope| {
                let mut parts = scope.splitn(3, ':');
                let (kind, name, actions) = (parts.next()?, parts.next()?, parts.next()?);
                let actions: Vec<&str> = actions.split(',').collect();
                Some(json!({"type": kind, "name": name, "actions": actions}))
            })
            .collect();
        let claims = json!({
            "iss": "test", "aud": "test", "sub": "", "jti": "1",
            "iat": now, "nbf": now - 10, "exp": now + 300,
            "access": access,
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let said = format!("{}.{}", encode(&self.header), encode(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(said.as_bytes()));
        format!("{said}.{signature}")
    }

    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let mut openssl = Command::new("openssl")
            .args(["dgst", "-sha256", "-sign", "key.pem"])
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("openssl runs");
        let mut input = openssl.stdin.take().expect("its input");
        input.write_all(bytes).expect("openssl reads");
        drop(input);
        let output = openssl.wait_with_output().expect("openssl ends");
        assert!(output.status.success(), "openssl signs");
        output.stdout
    }
}
