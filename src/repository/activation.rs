//! Which profiles of settings.xml count: for this machine, unlike those of
//! POMs, which count for the image.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use crate::maven::Context;
use crate::maven::pom::Activation;

/// Whether there are conditions, and all hold here.
pub(super) fn holds(activation: &Activation, environment: &Environment) -> bool {
    let file = activation
        .file
        .as_ref()
        .map(|(exists, missing)| match (exists, missing) {
            (Some(path), _) => there(path, environment) == Some(true),
            (None, Some(path)) => there(path, environment) == Some(false),
            (None, None) => false,
        });
    let rest = Activation {
        file: None,
        ..activation.clone()
    };
    if rest.jdk.is_none() && rest.os.is_none() && rest.property.is_none() {
        return file == Some(true);
    }
    // Whatever the condition on Java is, it is not known to hold without one.
    let java = match &rest.jdk {
        Some(_) => java(environment),
        None => Some(String::new()),
    };
    file != Some(false) && java.is_some_and(|java| rest.holds(&context(environment, &java)))
}

/// Whether there is such a file; `None` where the path has what is not known.
fn there(path: &str, environment: &Environment) -> Option<bool> {
    let path = environment.interpolate(path);
    // The folder of a Maven project, which there is not.
    let path = path.strip_prefix("${basedir}/").unwrap_or(&path);
    (!path.contains("${")).then(|| Path::new(path).exists())
}

fn context(environment: &Environment, java: &str) -> Context {
    let os = match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "Mac OS X",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        other => other,
    };
    let mut context = Context::linux(arch, java);
    let mut set = |name: String, value: &str| {
        context.properties.insert(name, value.to_owned());
    };
    set("os.name".to_owned(), os);
    if let Ok(version) = std::fs::read_to_string("/proc/sys/kernel/osrelease") {
        set("os.version".to_owned(), version.trim());
    }
    for (name, value) in environment.variables() {
        set(format!("env.{name}"), value);
    }
    if let Some(home) = environment.home() {
        set("user.home".to_owned(), &home.display().to_string());
    }
    for (name, value) in environment.properties() {
        set(name.to_owned(), value);
    }
    context
}

/// The version of the Java that Maven would run on, as its folder says it.
fn java(environment: &Environment) -> Option<String> {
    let on_path = || {
        std::env::split_paths(environment.variable("PATH")?)
            .filter_map(|folder| std::fs::canonicalize(folder.join("java")).ok())
            .find_map(|java| Some(java.parent()?.parent()?.to_path_buf()))
    };
    let home = environment.variable("JAVA_HOME").map(PathBuf::from);
    let release = std::fs::read_to_string(home.or_else(on_path)?.join("release")).ok()?;
    let version = release
        .lines()
        .find_map(|line| line.strip_prefix("JAVA_VERSION="))?;
    Some(version.trim().trim_matches('"').to_owned())
}
