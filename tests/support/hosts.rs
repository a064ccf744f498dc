//! Ways to the daemon other than its socket: TLS and ssh, on loopback.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::authority::Authority;
use super::process::{Process, program};
use super::tls::{Special, TlsFront};

/// The daemon behind TLS: it lets in who has a certificate of the authority.
pub struct TlsDaemon {
    front: TlsFront,
    authority: Authority,
}

impl TlsDaemon {
    /// Before the daemon at this `unix://` address.
    pub fn start(daemon: &str) -> TlsDaemon {
        let authority = Authority::new();
        let socket = daemon.trim_start_matches("unix://");
        let special = Special {
            clients: Some(&authority),
            ..Special::default()
        };
        let front = TlsFront::start(&authority, &format!("unix:{socket}:"), special);
        TlsDaemon { front, authority }
    }

    /// `tcp://…`.
    pub fn address(&self) -> String {
        format!("tcp://{}", self.front.address())
    }

    /// A client's `ca.pem`, `cert.pem` and `key.pem`, in this folder.
    pub fn certificates(&self, folder: &Path) {
        certificates(&self.authority, folder);
        std::fs::copy(self.authority.certificate(), folder.join("ca.pem")).expect("a file");
    }

    /// The same, with a certificate that nobody there knows.
    pub fn strange_certificates(&self, folder: &Path) {
        certificates(&Authority::new(), folder);
        std::fs::copy(self.authority.certificate(), folder.join("ca.pem")).expect("a file");
    }
}

fn certificates(authority: &Authority, folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    authority.sign("DNS:client", folder);
    for (from, to) in [("server.pem", "cert.pem"), ("server.key", "key.pem")] {
        std::fs::rename(folder.join(from), folder.join(to)).expect("a file");
    }
}

/// An ssh server for this machine's user, from which `docker` leads to a daemon.
pub struct Sshd {
    process: Process,
}

impl Sshd {
    /// Whose sessions have this `DOCKER_HOST`.
    pub fn start(daemon: &str) -> Sshd {
        let process = Process::start(|folder, port| {
            for name in ["host", "client"] {
                run(Command::new("ssh-keygen")
                    .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                    .arg(folder.join(name)));
            }
            let at = folder.display();
            let server = format!(
                "ListenAddress 127.0.0.1:{port}\nHostKey {at}/host\nAuthorizedKeysFile {at}/client.pub\nPidFile {at}/pid\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nStrictModes no\nPermitRootLogin prohibit-password\nSetEnv DOCKER_HOST={daemon}\n"
            );
            std::fs::write(folder.join("sshd_config"), server).expect("a file");
            // What sshd wants, and its package makes when it starts the service.
            if !Path::new("/run/sshd").exists() {
                let _ = std::fs::create_dir("/run/sshd");
            }
            let mut command = program("sshd");
            command
                .args(["-D", "-e", "-f"])
                .arg(folder.join("sshd_config"));
            command
        });
        let sshd = Sshd { process };
        sshd.client("known", &sshd.known());
        sshd
    }

    fn known(&self) -> String {
        let key = self.process.read("host.pub");
        format!("[127.0.0.1]:{} {key}", self.process.port)
    }

    /// A folder with `ssh`: the system's, with a configuration of its own that
    /// knows these hosts and leaves the user's alone.
    pub fn client(&self, name: &str, known: &str) -> PathBuf {
        let folder = self.process.path(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let at = folder.display();
        std::fs::write(folder.join("hosts"), known).expect("a file");
        let key = self.process.path("client");
        let config = format!(
            "UserKnownHostsFile {at}/hosts\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\nIdentitiesOnly yes\nIdentityFile {}\n",
            key.display()
        );
        std::fs::write(folder.join("config"), config).expect("a file");
        let script = format!("#!/bin/sh\nexec /usr/bin/ssh -F {at}/config \"$@\"\n");
        std::fs::write(folder.join("ssh"), script).expect("a file");
        std::fs::set_permissions(folder.join("ssh"), std::fs::Permissions::from_mode(0o755))
            .expect("a mode");
        folder
    }

    /// `ssh://…`.
    pub fn address(&self) -> String {
        format!("ssh://127.0.0.1:{}", self.process.port)
    }

    /// How many sessions there were.
    pub fn sessions(&self) -> usize {
        let log = self.process.read("output");
        log.matches("Accepted publickey").count()
    }

    /// A search path on which its client comes first.
    pub fn path(&self, client: &str) -> String {
        let path = std::env::var("PATH").unwrap_or_default();
        format!("{}:{path}", self.process.path(client).display())
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
