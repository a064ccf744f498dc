//! What `--output` names: places for files, by the word that they begin with.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Sink;
use super::archive::{DockerArchive, OciArchive};
use super::layout::OciLayout;
use crate::error::{Error, Result};

/// A kind of file that an image can be written to.
struct Kind {
    /// What `--output` begins with.
    word: &'static str,
    /// How it is asked for.
    form: &'static str,
    /// Whether a tag may follow the path.
    takes_tag: bool,
    /// The sink that writes it.
    sink: fn(&Path, Option<&str>) -> Box<dyn Sink>,
}

/// Every kind there is.
const KINDS: &[Kind] = &[
    Kind {
        word: "oci",
        form: "oci:DIR[:TAG]",
        takes_tag: true,
        sink: |path, tag| Box::new(OciLayout::new(path, tag)),
    },
    Kind {
        word: "oci-archive",
        form: "oci-archive:FILE[:TAG]",
        takes_tag: true,
        sink: |path, tag| Box::new(OciArchive::new(path, tag)),
    },
    Kind {
        word: "docker-archive",
        form: "docker-archive:FILE",
        takes_tag: false,
        sink: |path, _| Box::new(DockerArchive::new(path)),
    },
];

/// A file or folder to write, and the image's name in it where it was given.
#[derive(Clone)]
pub struct Output {
    kind: &'static Kind,
    path: PathBuf,
    tag: Option<String>,
}

impl Output {
    /// The sink that writes it.
    pub fn sink(&self) -> Box<dyn Sink> {
        (self.kind.sink)(&self.path, self.tag.as_deref())
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "{}:{path} {:?}", self.kind.word, self.tag)
    }
}

impl PartialEq for Output {
    fn eq(&self, other: &Output) -> bool {
        let parts = |one: &Output| (one.kind.word, one.path.clone(), one.tag.clone());
        parts(self) == parts(other)
    }
}

impl std::str::FromStr for Output {
    type Err = Error;

    fn from_str(text: &str) -> Result<Output> {
        let (word, rest) = text.split_once(':').unwrap_or((text, ""));
        let kind = KINDS.iter().find(|kind| kind.word == word);
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag))
                if kind.is_none_or(|kind| kind.takes_tag)
                    && !path.is_empty()
                    && !tag.contains('/') =>
            {
                (path, Some(tag.to_string()))
            }
            _ => (rest, None),
        };
        if let Some(tag) = &tag {
            crate::image::reference::check_tag(tag)?;
        }
        match kind {
            Some(kind) if !path.is_empty() => Ok(Output {
                kind,
                path: PathBuf::from(path),
                tag,
            }),
            _ => Err(
                Error::usage(format!("`{text}` names no place for --output"))
                    .hint(format!("--output takes {}", forms())),
            ),
        }
    }
}

/// Every form, as a sentence names them.
fn forms() -> String {
    let forms: Vec<&str> = KINDS.iter().map(|kind| kind.form).collect();
    match forms.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => forms.concat(),
    }
}
