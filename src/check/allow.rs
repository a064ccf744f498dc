//! Findings that the manifest allows.

use serde::Serialize;

use super::finding::Finding;

/// One entry of `[check] allow`.
#[derive(Clone, Debug, Serialize)]
pub struct Allow {
    /// The code.
    pub code: String,
    /// Patterns of file names or paths, with `*`; each must fit one of the
    /// finding's files. Without any, every finding of the code is allowed.
    pub jars: Vec<String>,
    /// Why.
    pub reason: String,
}

/// Marks what is allowed, and answers the places in `allowed` of entries that
/// fit nothing.
pub fn apply(allowed: &[Allow], findings: &mut [Finding]) -> Vec<usize> {
    let mut used = vec![false; allowed.len()];
    for finding in findings {
        for (at, allow) in allowed.iter().enumerate() {
            if allow.code == finding.code && allow.jars.iter().all(|one| fits(one, finding)) {
                used[at] = true;
                finding.allowed.get_or_insert(allow.reason.clone());
            }
        }
    }
    let unused = used.iter().enumerate().filter(|(_, used)| !**used);
    unused.map(|(at, _)| at).collect()
}

fn fits(pattern: &str, finding: &Finding) -> bool {
    let Ok(pattern) = glob::Pattern::new(pattern) else {
        return false;
    };
    finding.jars.iter().any(|path| {
        let name = path.rsplit('/').next().unwrap_or(path);
        pattern.matches(path) || pattern.matches(name)
    })
}
