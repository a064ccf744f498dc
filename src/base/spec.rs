//! How a base is named.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::image::Reference;

/// Where a base is to be looked for.
#[derive(Clone, Debug, PartialEq)]
pub enum BaseSpec {
    /// The daemon's image if it has one, else the registry's: `flink:1.20`.
    Anywhere(Reference),
    /// The daemon's: `docker-daemon:flink:1.20`.
    Daemon(Reference),
    /// The registry's: `docker://flink:1.20`.
    Registry(Reference),
    /// An OCI layout: `oci:DIR[:TAG]`, or `oci-archive:FILE[:TAG]`.
    Layout {
        /// The folder or file.
        path: PathBuf,
        /// The name in the layout's index, where it has several.
        tag: Option<String>,
    },
}

impl BaseSpec {
    /// Paths are relative to `folder`.
    pub fn from_folder(self, folder: &Path) -> BaseSpec {
        match self {
            BaseSpec::Layout { path, tag } => BaseSpec::Layout {
                path: folder.join(path),
                tag,
            },
            other => other,
        }
    }
}

impl FromStr for BaseSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<BaseSpec> {
        let layout = |rest: &str| {
            if rest.is_empty() {
                return Err(Error::usage(format!("`{text}` names no file or folder")));
            }
            let (path, tag) = match rest.rsplit_once(':') {
                Some((path, tag)) if !tag.contains('/') && !path.is_empty() => (path, Some(tag)),
                _ => (rest, None),
            };
            Ok(BaseSpec::Layout {
                path: PathBuf::from(path),
                tag: tag.map(str::to_string),
            })
        };
        if let Some(rest) = text.strip_prefix("docker-daemon:") {
            return Ok(BaseSpec::Daemon(rest.parse()?));
        }
        if let Some(rest) = text.strip_prefix("docker://") {
            return Ok(BaseSpec::Registry(rest.parse()?));
        }
        if let Some(rest) = text
            .strip_prefix("oci-archive:")
            .or_else(|| text.strip_prefix("oci:"))
        {
            return layout(rest);
        }
        Ok(BaseSpec::Anywhere(text.parse()?))
    }
}

impl fmt::Display for BaseSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // An image may be called `docker-daemon` or `oci`, as places are.
            BaseSpec::Anywhere(reference) => match reference.to_string().parse() {
                Ok(BaseSpec::Anywhere(again)) if again == *reference => write!(f, "{reference}"),
                _ => write!(f, "{}", reference.full()),
            },
            BaseSpec::Daemon(reference) => write!(f, "docker-daemon:{reference}"),
            BaseSpec::Registry(reference) => write!(f, "docker://{reference}"),
            BaseSpec::Layout { path, tag } => {
                write!(f, "oci:{}", path.display())?;
                match tag {
                    Some(tag) => write!(f, ":{tag}"),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let spec = |text: &str| text.parse::<BaseSpec>().unwrap();
        assert!(matches!(spec("flink:1.20"), BaseSpec::Anywhere(_)));
        assert!(matches!(
            spec("docker-daemon:flink:1.20"),
            BaseSpec::Daemon(_)
        ));
        assert!(matches!(
            spec("docker://h:5000/flink"),
            BaseSpec::Registry(_)
        ));
        assert_eq!(
            spec("oci:some/dir:1.20"),
            BaseSpec::Layout {
                path: "some/dir".into(),
                tag: Some("1.20".into())
            }
        );
        assert!("oci:".parse::<BaseSpec>().is_err());
    }

    #[test]
    fn an_image_that_is_called_as_a_place_is_keeps_its_whole_name() {
        for (text, shown) in [
            (
                "library/docker-daemon:a",
                "docker.io/library/docker-daemon:a",
            ),
            ("library/oci:1", "docker.io/library/oci:1"),
            ("library/flink:1.20", "flink:1.20"),
        ] {
            let spec: BaseSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), shown);
            assert_eq!(shown.parse::<BaseSpec>().unwrap(), spec);
        }
    }
}
