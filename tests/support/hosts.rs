//! Ways to the daemon other than its socket: TLS and ssh, on loopback.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::authority::Authority;
use super::process::{Process, program};

/// The daemon behind TLS: it lets in who has a certificate of the authority.
pub struct TlsDaemon {
    process: Process,
    authority: Authority,
}

impl TlsDaemon {
    /// Before the daemon at this `unix://` address.
    pub fn start(daemon: &str) -> TlsDaemon {
        let authority = Authority::new();
        let socket = daemon.trim_start_matches("unix://");
        let process = Process::start(|folder, port| {
            authority.sign("DNS:localhost,IP:127.0.0.1", folder);
            let at = folder.display();
            let ca = authority.certificate();
            let text = format!(
                "daemon off; master_process off; pid {at}/pid; error_log {at}/error;
events {{}}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {at}/t1; proxy_temp_path {at}/t2; fastcgi_temp_path {at}/t3;
  uwsgi_temp_path {at}/t4; scgi_temp_path {at}/t5;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key;
    ssl_client_certificate {}; ssl_verify_client on;
    location / {{
      proxy_pass http://unix:{socket}:; proxy_http_version 1.1;
      proxy_request_buffering off; proxy_buffering off; proxy_read_timeout 300;
    }}
  }}
}}
",
                ca.display()
            );
            std::fs::write(folder.join("nginx.conf"), text).expect("a file");
            let mut command = program("nginx");
            command.arg("-p").arg(folder);
            command.arg("-c").arg(folder.join("nginx.conf"));
            command
        });
        TlsDaemon { process, authority }
    }

    /// `tcp://…`.
    pub fn address(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.process.port)
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
