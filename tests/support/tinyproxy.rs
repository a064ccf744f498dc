//! tinyproxy: a forwarding proxy that wants credentials.

use super::process::{Process, program};

pub struct Tinyproxy {
    process: Process,
}

impl Tinyproxy {
    /// For bob with the password `pr0xy9x7`.
    pub fn start() -> Tinyproxy {
        Tinyproxy::with("BasicAuth bob pr0xy9x7\n")
    }

    /// With these lines of configuration.
    pub fn with(lines: &str) -> Tinyproxy {
        let process = Process::start(|folder, port| {
            let at = folder.display();
            let text = format!(
                "Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 50\nLogFile \"{at}/log\"\nLogLevel Connect\nPidFile \"{at}/pid\"\n{lines}"
            );
            let path = folder.join("tinyproxy.conf");
            std::fs::write(&path, text).expect("a file");
            let mut command = program("tinyproxy");
            command.arg("-d").arg("-c").arg(path);
            command
        });
        Tinyproxy { process }
    }

    pub fn port(&self) -> u16 {
        self.process.port
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The first lines of the requests that came: method and what was asked for.
    pub fn asked(&self) -> Vec<String> {
        let log = self.process.read("log");
        log.lines()
            .filter_map(|line| {
                line.split_once("Request (file descriptor")?
                    .1
                    .split_once("): ")
            })
            .map(|(_, request)| request.to_owned())
            .collect()
    }
}
