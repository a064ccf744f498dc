//! Picking the release of an entry for a Flink version.

use std::collections::BTreeSet;

use super::artifact_pattern::Values;
use super::entry::{Entry, Kind};
use super::minor::Minor;
use super::release::Release;
use super::selected::{NoRelease, SelectError, Selected, UnknownVersion};

/// Which version of an entry is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionRequest<'a> {
    /// The newest that fits the base's Flink.
    Auto,
    /// This one, in full (`3.3.0-1.20`) or without the suffix (`3.3.0`).
    Exact(&'a str),
}

/// The base that a release is picked for.
#[derive(Clone, Copy)]
struct Target<'a> {
    flink: &'a str,
    minor: Minor,
    minor_text: &'a str,
    scala: Option<&'a str>,
}

/// How a version tells which Flink it is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `3.3.0-1.20`
    Suffix,
    /// Flink's own: `1.20.5`
    InTree,
}

/// The style of a version, if it is for this Flink minor at all.
fn style(version: &str, minor: &str) -> Option<Style> {
    let suffixed = version
        .strip_suffix(minor)
        .and_then(|rest| rest.strip_suffix('-'))
        .is_some_and(|own| own.starts_with(|c: char| c.is_ascii_digit()));
    if suffixed && is_plain(version) {
        return Some(Style::Suffix);
    }
    let patch = version.strip_prefix(minor)?.strip_prefix('.')?;
    let digits = !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some(Style::InTree)
}

/// A literal from a manifest becomes part of a path: only what versions have.
fn is_plain(version: &str) -> bool {
    version
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte))
}

impl Release {
    /// The version for its own newest minor, to show and to compare with.
    fn version_shown(&self, minor: &str) -> String {
        self.artifact.version_for(&format!("{minor}.x"), minor)
    }

    fn matches(&self, wanted: &str, target: Target<'_>) -> bool {
        let version = self.artifact.version_for(target.flink, target.minor_text);
        version == wanted
            || version
                .strip_prefix(wanted)
                .is_some_and(|rest| !wanted.is_empty() && rest.starts_with('-'))
    }

    pub(super) fn has_style(&self, wanted: Style) -> bool {
        self.flink.iter().any(|minor| {
            let version = self.artifact.version_for(&format!("{minor}.0"), minor);
            style(&version, minor) == Some(wanted)
        })
    }

    pub(super) fn minors(&self) -> impl Iterator<Item = Minor> {
        self.flink.iter().filter_map(|minor| Minor::parse(minor))
    }
}

impl Entry {
    /// Picks the release for a full Flink version (`1.20.5`) and, where the
    /// base has one, its Scala version (`2.12`).
    ///
    /// [`VersionRequest::Auto`] takes the last release that fits. [`VersionRequest::Exact`]
    /// takes the last one that fits and has this version, or this version and
    /// a suffix. A version that is not listed is taken when it names the
    /// base's minor, as suffix (`3.4.0-1.20`) or as Flink's own version
    /// (`1.20.5`), and the entry has a release written the same way.
    pub fn select(
        &self,
        wanted: VersionRequest<'_>,
        flink: &str,
        scala: Option<&str>,
    ) -> Result<Selected, SelectError> {
        let minor = self.minor_of(flink)?;
        let minor_text = minor.to_string();
        let target = Target {
            flink,
            minor,
            minor_text: &minor_text,
            scala,
        };
        match wanted {
            VersionRequest::Auto => match self.releases_for(&minor_text, scala).next_back() {
                Some(release) => self.selected(release, None, target),
                None => Err(self.no_release(target)),
            },
            VersionRequest::Exact(version) => self.select_version(version, target),
        }
    }

    /// The minor of a full Flink version, if that has the entry at all.
    pub(super) fn minor_of(&self, flink: &str) -> Result<Minor, SelectError> {
        let minor = Minor::of_version(flink).ok_or_else(|| SelectError::NotFlink {
            flink: flink.to_owned(),
        })?;
        if let Some(since) = &self.since
            && Minor::parse(since).is_some_and(|since| minor < since)
        {
            return Err(SelectError::NotYet {
                name: self.name.clone(),
                flink: minor.to_string(),
                since: since.clone(),
                instead: self.hint.clone(),
            });
        }
        if let Some(removed) = &self.removed
            && Minor::parse(removed).is_some_and(|removed| minor >= removed)
        {
            return Err(SelectError::Removed {
                name: self.name.clone(),
                flink: minor.to_string(),
                removed: removed.clone(),
                instead: self.hint.clone(),
            });
        }
        Ok(minor)
    }

    /// An error where this Flink (a full version) never had the entry, or has
    /// dropped it.
    pub fn exists(&self, flink: &str) -> Result<(), SelectError> {
        self.minor_of(flink).map(|_| ())
    }

    fn select_version(&self, wanted: &str, target: Target<'_>) -> Result<Selected, SelectError> {
        let listed = self
            .releases_for(target.minor_text, target.scala)
            .rfind(|release| release.matches(wanted, target));
        if let Some(release) = listed {
            return self.selected(release, None, target);
        }
        if let Some(style) = style(wanted, target.minor_text)
            && let Some(release) = self.template(style, target)
        {
            return self.selected(release, Some(wanted), target);
        }
        let made_for = self.minors_of(wanted, target.scala);
        if self
            .releases_for(target.minor_text, target.scala)
            .next()
            .is_none()
            && made_for.is_empty()
        {
            return Err(self.no_release(target));
        }
        Err(SelectError::UnknownVersion(Box::new(UnknownVersion {
            name: self.name.clone(),
            version: wanted.to_owned(),
            flink: target.minor_text.to_owned(),
            scala: self.scala_matters(target),
            known: self
                .releases_for(target.minor_text, target.scala)
                .map(|release| {
                    release
                        .artifact
                        .version_for(target.flink, target.minor_text)
                })
                .collect(),
            made_for,
        })))
    }

    /// The release whose coordinate an unlisted version takes: the last one
    /// that fits, else the one for the nearest Flink. A version of Flink's own
    /// is not carried to another minor, but for filesystems, which are in
    /// every Flink from `since` until `removed`.
    fn template(&self, style: Style, target: Target<'_>) -> Option<&Release> {
        let fitting = self
            .releases_for(target.minor_text, target.scala)
            .rfind(|release| release.has_style(style));
        if fitting.is_some() {
            return fitting;
        }
        if style == Style::InTree && self.kind != Kind::Filesystem {
            return None;
        }
        let usable = || {
            self.releases
                .iter()
                .filter(|release| {
                    release.has_style(style) && release.artifact.fits_scala(target.scala)
                })
                .flat_map(|release| release.minors().map(move |minor| (minor, release)))
        };
        usable()
            .filter(|(minor, _)| *minor <= target.minor)
            .max_by_key(|(minor, _)| *minor)
            .or_else(|| {
                usable()
                    .filter(|(minor, _)| *minor > target.minor)
                    .min_by_key(|(minor, _)| *minor)
            })
            .map(|(_, release)| release)
    }

    fn selected(
        &self,
        release: &Release,
        literal: Option<&str>,
        target: Target<'_>,
    ) -> Result<Selected, SelectError> {
        let version = literal.map_or_else(
            || {
                release
                    .artifact
                    .version_for(target.flink, target.minor_text)
            },
            str::to_owned,
        );
        let values = Values {
            flink: target.flink,
            minor: target.minor_text,
            scala: target.scala,
        };
        let artifact = &release.artifact;
        artifact.selected(&self.name, &version, values, literal.is_none())
    }

    /// The minors that a version is listed for.
    fn minors_of(&self, wanted: &str, scala: Option<&str>) -> Vec<String> {
        let minors: BTreeSet<Minor> = self
            .releases
            .iter()
            .filter(|release| release.artifact.fits_scala(scala))
            .flat_map(|release| release.minors().map(move |minor| (minor, release)))
            .filter(|(minor, release)| {
                let minor_text = minor.to_string();
                let target = Target {
                    flink: wanted,
                    minor: *minor,
                    minor_text: &minor_text,
                    scala,
                };
                // `{flink}` would match any version: only Flink's own count.
                (!release.artifact.version.contains("{flink}")
                    || style(wanted, &minor_text).is_some())
                    && release.matches(wanted, target)
            })
            .map(|(minor, _)| minor)
            .collect();
        minors.iter().map(Minor::to_string).collect()
    }

    /// The Scala version, where another one would have had a release.
    fn scala_matters(&self, target: Target<'_>) -> Option<String> {
        let any = self.releases_for(target.minor_text, None).count();
        let fitting = self.releases_for(target.minor_text, target.scala).count();
        target.scala.filter(|_| any != fitting).map(str::to_owned)
    }

    fn no_release(&self, target: Target<'_>) -> SelectError {
        let minors: BTreeSet<Minor> = self
            .releases
            .iter()
            .filter(|release| release.artifact.fits_scala(target.scala))
            .flat_map(Release::minors)
            .collect();
        let below = minors.iter().rfind(|minor| **minor < target.minor);
        let above = minors.iter().find(|minor| **minor > target.minor);
        let nearest = [below, above]
            .into_iter()
            .flatten()
            .map(|minor| {
                let minor = minor.to_string();
                let versions = self
                    .releases_for(&minor, target.scala)
                    .map(|release| release.version_shown(&minor))
                    .collect();
                (minor, versions)
            })
            .collect();
        SelectError::NoRelease(Box::new(NoRelease {
            name: self.name.clone(),
            flink: target.minor_text.to_owned(),
            scala: self.scala_matters(target),
            minors: minors.iter().map(Minor::to_string).collect(),
            nearest,
            own_version: (self.kind == Kind::Filesystem).then(|| target.flink.to_owned()),
        }))
    }
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
