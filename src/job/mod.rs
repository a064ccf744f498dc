//! What the image starts: the job's JAR, and the command that runs it in
//! application mode.
//!
//! Source: `docker-entrypoint.sh` of the official images, whose `standalone-job`
//! starts a JobManager with one job, and
//! `StandaloneApplicationClusterConfigurationParserFactory` with its options.

use toml::Spanned;

use crate::manifest::{JarSpec, Manifest};

/// The name of the job's JAR in the lock file, and of its layer.
pub const NAME: &str = "job";

/// The folder under FLINK_HOME in which Flink looks for the job.
pub const FOLDER: &str = "usrlib";

/// The entrypoint's word for a JobManager with one job.
const STANDALONE_JOB: &str = "standalone-job";

/// What goes into [`FOLDER`], where the manifest has a job.
pub fn jars(manifest: &Manifest) -> impl Iterator<Item = &Spanned<JarSpec>> {
    let job = manifest.content.job.iter();
    job.map(|job| &job.jar)
}

/// The command that starts a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Its main class; without one Flink looks for it in [`FOLDER`].
    pub class: Option<String>,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Command {
    /// That of the manifest's job.
    pub fn of(manifest: &Manifest) -> Option<Command> {
        let job = manifest.content.job.as_ref()?;
        Some(Command {
            class: job.class.clone(),
            args: job.args.clone(),
        })
    }

    /// From the words that an image gives its entrypoint; `None` where they start
    /// no job.
    pub fn of_words(words: &[String]) -> Option<Command> {
        let (first, rest) = words.split_first()?;
        if first != STANDALONE_JOB {
            return None;
        }
        let mut command = Command::default();
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "--job-classname" | "-j" => command.class = rest.next().cloned().or(command.class),
                _ => command.args.push(word.clone()),
            }
        }
        Some(command)
    }

    /// The words for the entrypoint.
    pub fn words(self) -> Vec<String> {
        let mut words = vec![STANDALONE_JOB.to_string()];
        if let Some(class) = self.class {
            words.extend(["--job-classname".to_string(), class]);
        }
        words.extend(self.args);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_string).collect()
    }

    #[test]
    fn a_command_is_read_as_it_is_written() {
        let all = words("standalone-job --job-classname com.acme.Job --env prod");
        let command = Command::of_words(&all).unwrap();
        assert_eq!(command.class.as_deref(), Some("com.acme.Job"));
        assert_eq!(command.args, ["--env", "prod"]);
        assert_eq!(command.words(), all);
        let short = Command::of_words(&words("standalone-job -j a.B")).unwrap();
        assert_eq!(short.class.as_deref(), Some("a.B"));
        assert_eq!(Command::of_words(&words("jobmanager")), None);
        assert_eq!(Command::of_words(&[]), None);
    }
}
