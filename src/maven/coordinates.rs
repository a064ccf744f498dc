//! Maven coordinates, the name of one file in a repository:
//! `group:artifact:version[:classifier][@extension]`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::range::VersionConstraint;

/// The coordinates of a file, whose parts are all safe in a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coordinates {
    group: String,
    artifact: String,
    version: String,
    classifier: Option<String>,
    extension: String,
}

/// Text that is not Maven coordinates, or not a version in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidCoordinates {
    what: String,
    mistake: Mistake,
}

/// What is wrong with a part, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mistake {
    why: String,
    hint: String,
}

type Result<T, E = InvalidCoordinates> = std::result::Result<T, E>;

impl InvalidCoordinates {
    /// What was read, such as "the Maven coordinate `g:a`".
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What is wrong with it.
    pub fn why(&self) -> &str {
        &self.mistake.why
    }

    /// What to write instead.
    pub fn hint(&self) -> &str {
        &self.mistake.hint
    }
}

impl fmt::Display for InvalidCoordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading {}: {}", self.what, self.mistake.why)
    }
}

/// What is wrong, and what to do about it.
fn mistake(why: impl Into<String>, hint: impl Into<String>) -> Mistake {
    Mistake {
        why: why.into(),
        hint: hint.into(),
    }
}

impl Coordinates {
    /// A JAR.
    pub fn jar(group: &str, artifact: &str, version: &str) -> Result<Coordinates> {
        format!("{group}:{artifact}:{version}").parse()
    }

    /// The group, such as `org.apache.flink`.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The artifact, such as `flink-connector-jdbc`.
    pub fn artifact(&self) -> &str {
        &self.artifact
    }

    /// The version as written.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The classifier, such as `tests`.
    pub fn classifier(&self) -> Option<&str> {
        self.classifier.as_deref()
    }

    /// The file's extension, `jar` where none was written.
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// Whether it differs by its version alone, if at all.
    pub fn is_same_artifact(&self, other: &Coordinates) -> bool {
        let of = |one: &Coordinates| {
            (
                one.group.clone(),
                one.artifact.clone(),
                one.classifier.clone(),
                one.extension.clone(),
            )
        };
        of(self) == of(other)
    }

    /// The coordinates of this file in another version.
    pub fn with_version(&self, version: &str) -> Result<Coordinates> {
        check_version(version).map_err(|mistake| InvalidCoordinates {
            what: format!("`{version}`"),
            mistake,
        })?;
        Ok(Coordinates {
            version: version.to_owned(),
            ..self.clone()
        })
    }

    /// The POM of the artifact in this version.
    pub fn pom(&self) -> Coordinates {
        self.main("pom")
    }

    /// The main JAR of the artifact in this version: the one without a classifier.
    pub fn main_jar(&self) -> Coordinates {
        self.main("jar")
    }

    fn main(&self, extension: &str) -> Coordinates {
        Coordinates {
            extension: extension.to_owned(),
            classifier: None,
            ..self.clone()
        }
    }

    /// Whether the version is one that changes: `…-SNAPSHOT`.
    pub fn is_snapshot(&self) -> bool {
        self.version.ends_with(SNAPSHOT)
    }

    /// Whether it stands for what the repositories have: `LATEST`, `RELEASE` or a
    /// range of versions. There is no such file.
    pub fn is_open(&self) -> bool {
        is_open(&self.version)
    }

    /// The version that names the folder: that of `1.0-20260102.030405-6` is
    /// `1.0-SNAPSHOT`.
    pub fn base_version(&self) -> String {
        match timestamped(&self.version) {
            Some(base) => format!("{base}{SNAPSHOT}"),
            None => self.version.clone(),
        }
    }

    /// Whether it stands among snapshots in a repository.
    pub fn is_of_snapshot(&self) -> bool {
        self.base_version().ends_with(SNAPSHOT)
    }

    /// `artifact-version[-classifier].extension`.
    pub fn file_name(&self) -> String {
        let classifier = match &self.classifier {
            Some(classifier) => format!("-{classifier}"),
            None => String::new(),
        };
        format!(
            "{}-{}{classifier}.{}",
            self.artifact, self.version, self.extension
        )
    }

    /// The path of a file beside it, in a repository folder.
    pub fn beside(&self, file: &str) -> String {
        format!(
            "{}/{}/{}/{file}",
            self.group.replace('.', "/"),
            self.artifact,
            self.base_version()
        )
    }

    /// Its path in a repository folder.
    pub fn path(&self) -> String {
        self.beside(&self.file_name())
    }
}

const SNAPSHOT: &str = "-SNAPSHOT";

/// What stands before the time stamp `-YYYYMMDD.HHMMSS-N`.
fn timestamped(version: &str) -> Option<&str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (rest, build) = version.rsplit_once('-')?;
    let (base, stamp) = rest.rsplit_once('-')?;
    let (date, time) = stamp.split_once('.')?;
    let stamped = digits(build)
        && digits(date)
        && digits(time)
        && (date.len(), time.len()) == (8, 6)
        && !base.is_empty();
    stamped.then_some(base)
}

impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.group, self.artifact, self.version)?;
        if let Some(classifier) = &self.classifier {
            write!(f, ":{classifier}")?;
        }
        if self.extension != "jar" {
            write!(f, "@{}", self.extension)?;
        }
        Ok(())
    }
}

impl FromStr for Coordinates {
    type Err = InvalidCoordinates;

    fn from_str(text: &str) -> Result<Coordinates> {
        parse(text).map_err(|mistake| InvalidCoordinates {
            what: format!("the Maven coordinate `{text}`"),
            mistake,
        })
    }
}

impl Serialize for Coordinates {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Coordinates {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Coordinates, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

const FORM: &str = "a coordinate is group:artifact:version[:classifier][@extension]";

fn parse(text: &str) -> Result<Coordinates, Mistake> {
    if text.contains(char::is_whitespace) {
        let tight: String = text.split_whitespace().collect();
        return Err(mistake("it contains spaces", format!("write `{tight}`")));
    }
    let (name, extension) = match text.split_once('@') {
        Some((name, extension)) => (name, extension),
        None => (text, "jar"),
    };
    let parts: Vec<&str> = name.split(':').collect();
    let (group, artifact, version, classifier) = match parts[..] {
        [group, artifact, version] => (group, artifact, version, None),
        [group, artifact, version, classifier] => (group, artifact, version, Some(classifier)),
        [group, artifact] => {
            let hint = format!("write `{group}:{artifact}:VERSION`; {FORM}");
            return Err(mistake("the version is missing", hint));
        }
        [group, artifact, extension, classifier, version] => {
            let hint = format!(
                "write `{group}:{artifact}:{version}:{classifier}{}`",
                match extension {
                    "jar" => String::new(),
                    other => format!("@{other}"),
                }
            );
            return Err(mistake("it has five parts, as Maven's own form has", hint));
        }
        _ => return Err(mistake("it does not have three or four parts", FORM)),
    };
    check("group", group, is_group)?;
    check("artifact", artifact, is_name)?;
    check_version(version)?;
    if let Some(classifier) = classifier {
        check("classifier", classifier, is_version)?;
    }
    check("extension", extension, is_name)?;
    Ok(Coordinates {
        group: group.to_owned(),
        artifact: artifact.to_owned(),
        version: version.to_owned(),
        classifier: classifier.map(str::to_owned),
        extension: extension.to_owned(),
    })
}

fn check_version(version: &str) -> Result<(), Mistake> {
    if is_open(version) {
        let why = match VersionConstraint::parse(version) {
            Err(why) => why,
            Ok(VersionConstraint::Soft) => "it begins with no bracket",
            Ok(_) if version.contains("..") => "it has two dots in a row",
            Ok(_)
                if version
                    .chars()
                    .all(|c| is_version_char(c) || is_of_range(c)) =>
            {
                return Ok(());
            }
            Ok(_) => "it has characters that no version has",
        };
        return Err(mistake(
            format!("`{version}` is not a range of versions: {why}"),
            "write `[1.0,2.0)`, which takes 1.0 and leaves out 2.0",
        ));
    }
    if matches!(version, "latest" | "release") {
        let capitals = version.to_uppercase();
        return Err(mistake(
            format!("`{version}` is not a version"),
            format!("write a version, or `{capitals}` for the newest of the day that it is locked"),
        ));
    }
    check("version", version, is_version)
}

/// Whether a repository must say which version is meant.
fn is_open(version: &str) -> bool {
    matches!(version, "LATEST" | "RELEASE") || version.contains(is_of_range)
}

fn is_of_range(c: char) -> bool {
    matches!(c, '[' | ']' | '(' | ')' | ',')
}

fn check(part: &str, text: &str, fits: fn(&str) -> bool) -> Result<(), Mistake> {
    if text.is_empty() {
        return Err(mistake(format!("the {part} is empty"), FORM));
    }
    if fits(text) {
        return Ok(());
    }
    let why = if text.contains("..") || text == "." {
        "dots that would leave its folder".to_owned()
    } else if text.contains("${") {
        "an expression; write its value".to_owned()
    } else {
        match text.chars().find(|&c| !is_version_char(c)) {
            Some(c) => format!("the character `{}`", c.escape_debug()),
            None => "characters in a place where they cannot be".to_owned(),
        }
    };
    Err(mistake(format!("the {part} `{text}` has {why}"), FORM))
}

fn is_version_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '~')
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn is_name(text: &str) -> bool {
    !text.contains("..") && text != "." && text.chars().all(is_name_char)
}

fn is_version(text: &str) -> bool {
    !text.contains("..") && text != "." && text.chars().all(is_version_char)
}

/// Its dots become folders, so none of them may be empty.
fn is_group(text: &str) -> bool {
    is_name(text) && text.split('.').all(|folder| !folder.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Coordinates {
        text.parse().unwrap()
    }

    #[test]
    fn paths() {
        for (text, path) in [
            (
                "org.postgresql:postgresql:42.7.4",
                "org/postgresql/postgresql/42.7.4/postgresql-42.7.4.jar",
            ),
            ("g:a:1:tests", "g/a/1/a-1-tests.jar"),
            ("g:a:1:sources@tar.gz", "g/a/1/a-1-sources.tar.gz"),
            ("g:a:1@pom", "g/a/1/a-1.pom"),
            ("g:a:1.0+2", "g/a/1.0+2/a-1.0+2.jar"),
            ("g:a:1-SNAPSHOT", "g/a/1-SNAPSHOT/a-1-SNAPSHOT.jar"),
            (
                "g:a:1-20260102.030405-6",
                "g/a/1-SNAPSHOT/a-1-20260102.030405-6.jar",
            ),
            ("g:a:1-2-3", "g/a/1-2-3/a-1-2-3.jar"),
        ] {
            assert_eq!(parsed(text).path(), path);
            assert_eq!(parsed(text).to_string(), text);
        }
        assert_eq!(parsed("g:a:1@jar").to_string(), "g:a:1");
        for open in ["g:a:LATEST", "g:a:RELEASE", "g:a:[1]", "g:a:[1,2),[3.1-x,)"] {
            assert!(parsed(open).is_open());
            assert_eq!(parsed(open).to_string(), open);
        }
        assert_eq!(parsed("g:a:1:x").pom(), parsed("g:a:1@pom"));
        assert_eq!(parsed("g:a:1:x@pom").main_jar(), parsed("g:a:1"));
    }

    #[test]
    fn mistakes_get_the_nearest_right_answer() {
        for (text, says) in [
            ("g:a", "write `g:a:VERSION`"),
            ("g:a: 1", "write `g:a:1`"),
            ("g:a:jar:tests:1", "write `g:a:1:tests`"),
            ("g:a:war:tests:1", "write `g:a:1:tests@war`"),
            ("g", "group:artifact:version"),
            ("g:a:../../x", "dots"),
            ("g:a:1/2", "the character `/`"),
            ("g:a:..", "dots"),
            ("..:a:1", "dots"),
            ("g:..:1", "dots"),
            (".g:a:1", "in a place"),
            ("g:a:1@../x", "dots"),
            ("g:a:[1,2", "it has no end"),
            ("g:a:[2,1]", "not a range"),
            ("g:a:1,2", "not a range"),
            ("g:a:[1,/2]", "not a range"),
            ("g:a:[1..2]", "two dots"),
            ("g:a:latest", "write a version, or `LATEST`"),
            ("g:a:", "the version is empty"),
            ("g:a:${v}", "an expression"),
            ("g:a:1:", "the classifier is empty"),
            ("g:a:1@", "the extension is empty"),
            ("g/h:a:1", "`/`"),
            ("g:a:1\0", "`\\0`"),
            ("gö:a:1", "`ö`"),
        ] {
            let error = text.parse::<Coordinates>().expect_err(text);
            let report = format!("{error}\nhint: {}", error.hint());
            assert!(report.contains(says), "{text}: {report}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_again(text in "[a-z.]{1,6}:[a-z._-]{1,6}:[0-9a-z.+-]{1,8}(:[a-z0-9-]{1,4})?(@[a-z.]{1,5})?") {
            if let Ok(coordinate) = text.parse::<Coordinates>() {
                prop_assert_eq!(&coordinate.to_string().parse::<Coordinates>().unwrap(), &coordinate);
                prop_assert!(!coordinate.path().split('/').any(|part| part.is_empty() || part == ".." || part == "."));
            }
        }

        #[test]
        fn no_text_gets_out_of_its_folder(text in "\\PC*") {
            if let Ok(coordinate) = text.parse::<Coordinates>() {
                prop_assert!(!coordinate.path().split('/').any(|part| part.is_empty() || part == ".." || part == "."));
            }
        }
    }
}
