//! nginx as a Maven repository, with what protects one.

use std::path::Path;
use std::process::Command;

use sha1::{Digest as _, Sha1};

use super::authority::Authority;
use super::process::{Process, program};

/// Its folders: `/open/` for everybody, `/basic/` for ann with the password
/// `pa55word`, `/token/` with the header `X-Token: t0ken-9x7`, `/moved/`, which
/// sends to another server's `/open/`.
pub struct Nginx {
    process: Process,
    scheme: &'static str,
}

impl Nginx {
    /// In plain http.
    pub fn http() -> Nginx {
        Nginx::start(None, "http://127.0.0.1:9")
    }

    /// With a certificate of this authority for this machine.
    pub fn https(authority: &Authority) -> Nginx {
        Nginx::start(
            Some((authority, "DNS:localhost,IP:127.0.0.1")),
            "http://127.0.0.1:9",
        )
    }

    /// With a certificate for these names, or plain; `/moved/` sends to `other`.
    pub fn start(tls: Option<(&Authority, &str)>, other: &str) -> Nginx {
        let process = Process::start(|folder, port| {
            if let Some((authority, names)) = tls {
                authority.sign(names, folder);
            }
            let password = Command::new("openssl")
                .args(["passwd", "-apr1", "pa55word"])
                .output()
                .expect("openssl runs");
            let password = String::from_utf8(password.stdout).expect("a text");
            write(folder, "users", &format!("ann:{password}"));
            for name in ["open", "basic", "token"] {
                std::fs::create_dir_all(folder.join("files").join(name)).expect("a folder");
            }
            command(folder, &http(folder, port, tls.is_some(), other))
        });
        Nginx {
            process,
            scheme: if tls.is_some() { "https" } else { "http" },
        }
    }

    /// The address of a path, under the name `127.0.0.1`.
    pub fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.process.port)
    }

    /// The address of a path, under the name `localhost`.
    pub fn url_as_localhost(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.process.port)
    }

    /// A file, with its `.sha1`, in each folder.
    pub fn file(&self, path: &str, bytes: &[u8]) -> &Nginx {
        for folder in ["open", "basic", "token"] {
            let path = self.process.path("files").join(folder).join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(&path, bytes).expect("a file");
            let sum = hex::encode(Sha1::digest(bytes));
            std::fs::write(format!("{}.sha1", path.display()), sum).expect("a file");
        }
        self
    }

    /// Another content, with the checksum of the old one.
    pub fn damage(&self, path: &str) {
        for folder in ["open", "basic", "token"] {
            let path = self.process.path("files").join(folder).join(path);
            let mut bytes = std::fs::read(&path).expect("a file");
            bytes.push(b' ');
            std::fs::write(path, bytes).expect("a file");
        }
    }

    /// The POM and the JAR of `g:NAME:1`.
    pub fn artifact(&self, name: &str) -> &Nginx {
        let pom = format!(
            "<project><groupId>g</groupId><artifactId>{name}</artifactId><version>1</version></project>"
        );
        self.file(&format!("g/{name}/1/{name}-1.pom"), pom.as_bytes());
        let jar = super::project::jar(&[("x/A.class", name.as_bytes())]);
        self.file(&format!("g/{name}/1/{name}-1.jar"), &jar)
    }

    /// What came: a line each, with the path, and the headers that are secret.
    pub fn seen(&self) -> Vec<String> {
        let log = self.process.read("seen");
        log.lines().map(str::to_owned).collect()
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a file");
}

/// nginx in the foreground, with its files in `folder`, and these directives for
/// http.
pub fn command(folder: &Path, http: &str) -> Command {
    let at = folder.display();
    let text = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/error;
events {{}}
http {{
  client_body_temp_path {at}/t1; proxy_temp_path {at}/t2; fastcgi_temp_path {at}/t3;
  uwsgi_temp_path {at}/t4; scgi_temp_path {at}/t5;
  {http}
}}
"
    );
    write(folder, "nginx.conf", &text);
    let mut command = program("nginx");
    command.arg("-p").arg(folder);
    command.arg("-c").arg(folder.join("nginx.conf"));
    command
}

fn http(folder: &Path, port: u16, tls: bool, other: &str) -> String {
    let at = folder.display();
    let (ssl, files) = match tls {
        true => (
            " ssl",
            format!("ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key;"),
        ),
        false => ("", String::new()),
    };
    format!(
        "log_format seen '$request_uri authorization=$http_authorization proxy=$http_proxy_authorization token=$http_x_token via=$http_via';
  access_log {at}/seen seen;
  server {{
    listen 127.0.0.1:{port}{ssl}; {files}
    root {at}/files;
    location /basic/ {{ auth_basic \"corp\"; auth_basic_user_file {at}/users; }}
    location /token/ {{ if ($http_x_token != \"t0ken-9x7\") {{ return 401; }} }}
    location /moved/ {{ rewrite ^/moved/(.*)$ {other}/open/$1 redirect; }}
  }}"
    )
}
