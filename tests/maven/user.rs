//! A user with a settings.xml, who runs whole commands.

use crate::support::project::{Project, Run};

/// Words that are secret in these tests.
const SECRETS: [&str; 6] = [
    "pa55word",
    "t0ken-9x7",
    "pr0xy9x7",
    "wr0ng-9x7",
    // The first two in base 64, with their user.
    "YW5uOnBhNTV3b3Jk",
    "Ym9iOnByMHh5OXg3",
];

/// A project whose user has these settings.
pub fn project(settings: &str) -> Project {
    let project = Project::new();
    project.write_home(".m2/settings.xml", settings);
    project
}

/// Settings with a mirror of all repositories, `corp`, and more.
pub fn settings(url: &str, more: &str) -> String {
    format!(
        "<settings><mirrors><mirror><id>corp</id><mirrorOf>*</mirrorOf><url>{url}</url></mirror></mirrors>\n{more}</settings>"
    )
}

/// The servers with one of this id.
pub fn server(id: &str, login: &str) -> String {
    format!("<servers><server><id>{id}</id>{login}</server></servers>")
}

/// No secret was printed.
pub fn clean(run: &Run) {
    for secret in SECRETS {
        let shown = run.stderr.contains(secret) || run.stdout.contains(secret);
        assert!(!shown, "{secret} is shown:\n{}{}", run.stdout, run.stderr);
    }
}
