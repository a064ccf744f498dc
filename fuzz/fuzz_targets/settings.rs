//! Maven's settings: read or refused, and what they say makes a list of
//! repositories, credentials and folders or an error.
#![no_main]

use std::sync::OnceLock;

use flinkpack::repository::{Environment, Settings, repositories};
use libfuzzer_sys::fuzz_target;

/// The pass phrase of this is Maven's own constant.
const SECURITY: &str = "<settingsSecurity><master>{6jFkJnZ1L0UHN+wbzduK2FnochOVWnj3np/krvVHM6Y=}</master></settingsSecurity>";

fn environment() -> &'static Environment {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let security = flinkpack_fuzz::file("security.xml", SECURITY.as_bytes());
        let options = format!("-Dsettings.security={}", security.display());
        Environment::of([
            ("HOME", "/home/me"),
            ("TOKEN", "t0ken"),
            ("MAVEN_OPTS", options.as_str()),
        ])
    })
}

fuzz_target!(|bytes: &[u8]| {
    let environment = environment();
    // The user's, and that of the installed Maven.
    let cut = bytes.iter().position(|byte| *byte == 0);
    let (user, global) = bytes.split_at(cut.unwrap_or(bytes.len()));
    let user = flinkpack_fuzz::file("settings.xml", user);
    let global = cut.map(|_| flinkpack_fuzz::file("global.xml", &global[1..]));
    let read = Settings::read_files(Some(&user), global.as_deref(), environment);
    let settings = match read {
        Ok(settings) => settings,
        Err(error) => return assert!(!error.report().is_empty()),
    };
    for server in &settings.servers {
        if let Err(error) = settings.access(&server.id) {
            assert!(error.report().contains(&server.id));
        }
    }
    assert!(settings.local_repository().is_some());
    let manifest = ["https://example.com/own".to_string()];
    if let Ok(list) = repositories(&manifest, &settings, "https://example.com/central") {
        for (at, one) in list.iter().enumerate() {
            assert!(!one.shown().is_empty());
            let twice = list[..at].iter().any(|other| other.place == one.place);
            assert!(!twice, "{} is asked twice", one.shown());
        }
    }
    // Nothing comes of the same file a second time.
    if global.is_none() {
        let both = Settings::read_files(Some(&user), Some(&user), environment).expect("as before");
        assert_eq!(both.local_repository, settings.local_repository);
        assert_eq!(both.offline, settings.offline);
    }
});
