//! `{git.sha}`, `{git.branch}` and `{lock.digest}` in tags.

use std::path::Path;
use std::process::Command;

use crate::error::{Context, Error, Result};
use crate::image::Digest;
use crate::image::reference::check_tag;

/// Expands the placeholders of a tag. `lock` is the digest of the lock file's
/// content.
pub fn expand(template: &str, folder: &Path, lock: &Digest) -> Result<String> {
    let mut tag = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| Error::usage(format!("the tag `{template}` has a `{{` without `}}`")))?;
        tag.push_str(before);
        tag.push_str(&value(name, template, folder, lock)?);
        rest = after;
    }
    tag.push_str(rest);
    check_tag(&tag).doing(|| format!("expanding the tag `{template}`"))?;
    Ok(tag)
}

fn value(name: &str, template: &str, folder: &Path, lock: &Digest) -> Result<String> {
    match name {
        "git.sha" => git(&["rev-parse", "--short=12", "HEAD"], folder),
        "git.branch" => {
            // Branch names may hold characters that tags must not.
            git(&["rev-parse", "--abbrev-ref", "HEAD"], folder).map(|branch| {
                branch
                    .chars()
                    .map(|c| {
                        if c.is_ascii_alphanumeric() || "_.-".contains(c) {
                            c
                        } else {
                            '-'
                        }
                    })
                    .collect()
            })
        }
        "lock.digest" => Ok(lock.short()),
        other => Err(
            Error::usage(format!("the tag `{template}` asks for `{{{other}}}`"))
                .hint("known are {git.sha}, {git.branch} and {lock.digest}"),
        ),
    }
}

fn git(args: &[&str], folder: &Path) -> Result<String> {
    let doing = || format!("asking git for the tag (git {})", args.join(" "));
    let output = Command::new("git")
        .args(args)
        .current_dir(folder)
        .output()
        .doing(doing)?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(Error::new(why.trim()).doing(doing()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_expand_and_others_are_errors() {
        let lock = Digest::of(b"");
        let here = Path::new(".");
        assert_eq!(
            expand("v-{lock.digest}", here, &lock).unwrap(),
            "v-e3b0c44298fc"
        );
        assert!(expand("{nope}", here, &lock).is_err());
        assert!(expand("{lock.digest", here, &lock).is_err());
        assert!(expand("a b", here, &lock).is_err());
    }
}
