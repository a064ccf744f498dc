//! The repositories that are asked, in order.
//!
//! First those of flinkpack.toml, then those of the settings' active profiles,
//! then `central`; each replaced by its mirror, none twice. Plain http is for
//! this machine and for what flinkpack.toml names itself.

use std::path::PathBuf;

use url::{Host, Url};

use super::mirror;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::fetch::{Access, redact};

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// An http or https address that ends in `/`, without user and password.
    Web(Url),
    /// A folder.
    Folder(PathBuf),
}

/// A repository, with what opens it.
#[derive(Clone)]
pub struct Repository {
    /// Its id, or that of its mirror.
    pub id: String,
    /// The ids under which Maven would have kept its files.
    pub ids: Vec<String>,
    /// Where it is.
    pub place: Location,
    /// Whether it is asked for releases.
    pub releases: bool,
    /// Whether it is asked for snapshots.
    pub snapshots: bool,
    /// Why it must not be asked, if so.
    pub blocked: Option<String>,
    /// Credentials for it.
    pub access: Option<Access>,
}

impl Repository {
    /// The address as it may be shown.
    pub fn shown(&self) -> String {
        match &self.place {
            Location::Web(url) => redact::shown(url),
            Location::Folder(path) => path.display().to_string(),
        }
    }
}

/// A repository as some file names it.
struct Named<'a> {
    id: String,
    url: &'a str,
    releases: bool,
    snapshots: bool,
    /// Written in flinkpack.toml, so that http is wanted.
    own: bool,
}

/// The list: `manifest` are the addresses of `[maven] repositories`, `central`
/// is what [`central`](super::central()) says.
pub fn repositories(
    manifest: &[String],
    settings: &Settings,
    central: &str,
) -> Result<Vec<Repository>> {
    let mut named: Vec<Named<'_>> = Vec::new();
    for (index, url) in manifest.iter().enumerate() {
        named.push(Named {
            id: id_of(url, settings).unwrap_or_else(|| format!("flinkpack-{}", index + 1)),
            url,
            releases: true,
            snapshots: true,
            own: true,
        });
    }
    for repository in &settings.repositories {
        named.push(Named {
            id: repository.id.clone(),
            url: &repository.url,
            releases: repository.releases,
            snapshots: repository.snapshots,
            own: false,
        });
    }
    // A profile may define `central` anew; Maven's own has no snapshots.
    if !settings
        .repositories
        .iter()
        .any(|repository| repository.id == "central")
    {
        named.push(Named {
            id: "central".to_owned(),
            url: central,
            releases: true,
            snapshots: false,
            own: false,
        });
    }
    let mut list: Vec<Repository> = Vec::new();
    for named in named {
        let repository = resolve(&named, settings)?;
        match list
            .iter_mut()
            .find(|known| known.place == repository.place && known.blocked == repository.blocked)
        {
            Some(known) => {
                known.releases |= repository.releases;
                known.snapshots |= repository.snapshots;
                known.ids.extend(repository.ids);
                if known.access.is_none() {
                    known.access = repository.access;
                }
            }
            None => list.push(repository),
        }
    }
    Ok(list)
}

/// The id that the settings give to this address.
fn id_of(url: &str, settings: &Settings) -> Option<String> {
    let wanted = bare(url)?;
    let known = settings
        .repositories
        .iter()
        .map(|repository| (&repository.id, &repository.url));
    let mirrors = settings
        .mirrors
        .iter()
        .map(|mirror| (&mirror.id, &mirror.url));
    known
        .chain(mirrors)
        .find(|(_, url)| bare(url).as_ref() == Some(&wanted))
        .map(|(id, _)| id.clone())
}

fn bare(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let _ = Access::take_from(&mut url);
    Some(with_slash(url))
}

fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

fn resolve(named: &Named<'_>, settings: &Settings) -> Result<Repository> {
    let itself = settings
        .mirrors
        .iter()
        .any(|mirror| mirror.id == named.id && bare(&mirror.url) == bare(named.url));
    // What flinkpack.toml names is wanted: a blanket ban does not reach it.
    let mirror = mirror::pick(&settings.mirrors, &named.id, named.url)
        .filter(|mirror| !(itself || named.own && mirror.blocked));
    let (id, text) = match mirror {
        Some(mirror) => (&mirror.id, mirror.url.as_str()),
        None => (&named.id, named.url),
    };
    let mut url = parse(text)?;
    let of_url = Access::take_from(&mut url);
    let access = match of_url {
        Some(access) => Some(access),
        None => settings.access(id)?,
    };
    let mut blocked = mirror.filter(|mirror| mirror.blocked).map(|mirror| {
        format!(
            "the mirror `{}` of settings.xml blocks {}",
            mirror.id,
            redact::shown_text(named.url)
        )
    });
    let own = named.own && mirror.is_none();
    if blocked.is_none() && url.scheme() == "http" && !own && !is_loopback(&url) {
        blocked = Some("it is not encrypted (http)".to_owned());
    }
    let place = match url.scheme() {
        "file" => Location::Folder(
            url.to_file_path()
                .map_err(|()| not_usable(text, "it names no file of this machine"))?,
        ),
        _ => Location::Web(with_slash(url)),
    };
    let mut ids = vec![id.clone()];
    ids.extend((*id != named.id).then(|| named.id.clone()));
    Ok(Repository {
        id: id.clone(),
        ids,
        place,
        releases: named.releases,
        snapshots: named.snapshots,
        blocked,
        access,
    })
}

fn parse(text: &str) -> Result<Url> {
    let url = Url::parse(text).map_err(|error| not_usable(text, &error.to_string()))?;
    match url.scheme() {
        "http" | "https" | "file" => Ok(url),
        other => Err(not_usable(
            text,
            &format!("`{other}:` is none of https:, http: and file:"),
        )),
    }
}

fn not_usable(text: &str, why: &str) -> Error {
    // A text that is not an address may still have a password in it.
    let shown = match text.rsplit_once('@') {
        Some((_, rest)) => rest,
        None => text,
    };
    Error::usage(why).doing(format!(
        "reading the address `{}` of a Maven repository",
        redact::shown_text(shown)
    ))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
#[path = "repositories_tests.rs"]
mod tests;
