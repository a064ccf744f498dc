//! A certificate authority, by the openssl command line.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub struct Authority {
    folder: TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let authority = Authority {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        authority.run(&format!(
            "req -x509 {KEY} -keyout ca.key -out ca.pem -subj /CN=Corp -days 2 -addext basicConstraints=critical,CA:TRUE"
        ));
        authority
    }

    /// Its own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Writes `server.pem` and `server.key` for these names into a folder.
    pub fn sign(&self, names: &str, folder: &Path) {
        self.sign_for(names, folder, 2);
    }

    /// The same for so many days; -1 means until yesterday.
    pub fn sign_for(&self, names: &str, folder: &Path, days: i32) {
        self.run(&format!(
            "req {KEY} -keyout server.key -out server.csr -subj /CN=server"
        ));
        let names = format!("subjectAltName={names}\n");
        std::fs::write(self.folder.path().join("names"), names).expect("a file");
        self.run(&format!(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {days} -extfile names -out server.pem"
        ));
        for name in ["server.pem", "server.key"] {
            std::fs::copy(self.folder.path().join(name), folder.join(name)).expect("a file");
        }
    }

    fn run(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .output()
            .expect("openssl runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {said}");
    }
}

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
