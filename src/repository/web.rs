//! One file out of one repository, over the network or out of a folder.

use std::io::Read;
use std::path::Path;

use reqwest::header::HeaderMap;
use url::Url;

use super::checksum::{Sum, looks_like_html};
use super::client::Maven;
use super::local;
use super::paths::encode;
use super::repositories::{Location, Repository};
use crate::error::{Context, Error, Reason, Result};
use crate::fetch::{Request, Small, fetch, get_small, redact};
use crate::image::Digest;

/// The largest `.sha1` or `.md5` file, in bytes.
const MAX_SUM: u64 = 4096;

/// The address of a path in a repository.
pub(super) fn address(base: &Url, path: &str) -> Result<Url> {
    base.join(&encode(path))
        .doing(|| format!("making the address of {path} in {}", redact::shown(base)))
}

/// A small file; `None` where the repository has it not.
pub(super) async fn small(
    maven: &Maven,
    repository: &Repository,
    path: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>> {
    let got = get(maven, repository, path, limit).await?;
    Ok(got.map(|(bytes, _)| bytes))
}

/// A small file as [`small`] gives it, its checksum compared. A folder has none.
pub(super) async fn checked(
    maven: &Maven,
    repository: &Repository,
    path: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>> {
    let (bytes, url, headers) = match get(maven, repository, path, limit).await? {
        None => return Ok(None),
        Some((bytes, None)) => return Ok(Some(bytes)),
        Some((bytes, Some((url, headers)))) => (bytes, url, headers),
    };
    let sum = match Sum::of_headers(&headers) {
        Some(sum) => Some(sum),
        None if looks_like_html(&bytes) => None,
        None => sum_file(maven, repository, &url).await?,
    };
    let shown = redact::shown(&url);
    match sum {
        Some(sum) => sum.check_bytes(&bytes, &shown)?,
        None => maven
            .report()
            .detail(format!("{shown}: the repository has no checksum of it")),
    }
    Ok(Some(bytes))
}

/// A small file; over the network, with its address and what came with it.
async fn get(
    maven: &Maven,
    repository: &Repository,
    path: &str,
    limit: u64,
) -> Result<Option<(Vec<u8>, Option<(Url, HeaderMap)>)>> {
    let base = match &repository.place {
        Location::Folder(folder) => {
            return Ok(read(&folder.join(path), limit)?.map(|bytes| (bytes, None)));
        }
        Location::Web(base) => base,
    };
    if let Some(why) = &repository.blocked {
        return Err(refused(repository, why));
    }
    let url = address(base, path)?;
    match ask(maven, repository, &url, limit).await {
        Ok(small) => Ok(Some((small.bytes, Some((url, small.headers))))),
        Err(error) if error.is(Reason::NotFound) => Ok(None),
        Err(error) => Err(with_id(error, repository)),
    }
}

/// Says where the credentials of a repository come from, if that is the matter.
fn with_id(error: Error, repository: &Repository) -> Error {
    match (error.is(Reason::Denied), &repository.access) {
        (false, _) => error,
        (true, Some(_)) => error.hint(format!(
            "the credentials used are those of the <server> `{}`, or of the address itself",
            repository.id
        )),
        (true, None) => error.hint(format!(
            "for {} that is the <server> with the id `{}`",
            repository.shown(),
            repository.id
        )),
    }
}

pub(super) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(limit + 1).read_to_end(&mut bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => Err(error),
    }
    .doing(|| format!("reading {}", path.display()))?;
    if bytes.len() as u64 > limit {
        return Err(Error::new(format!(
            "{} has more than {limit} bytes",
            path.display()
        )));
    }
    Ok(Some(bytes))
}

/// A file into the store, checked: its digest and size in bytes, and its
/// address as it may be shown; `None` where the repository has it not.
pub(super) async fn file(
    maven: &Maven,
    repository: &Repository,
    path: &str,
    name: &str,
    pinned: Option<Digest>,
) -> Result<Option<(Digest, u64, String)>> {
    let base = match &repository.place {
        Location::Folder(folder) => {
            let path = folder.join(path);
            let shown = path.display().to_string();
            let kept = local::keep(maven.store(), path, pinned).await?;
            return Ok(kept.map(|(digest, size)| (digest, size, shown)));
        }
        Location::Web(base) => base,
    };
    if let Some(why) = &repository.blocked {
        return Err(refused(repository, why));
    }
    let url = address(base, path)?;
    let shown = redact::shown(&url);
    let key = format!("maven {url}");
    let store = maven.store().clone();
    let lock_key = key.clone();
    // Another process may be fetching the same file: its result is waited for.
    let _lock = tokio::task::spawn_blocking(move || store.lock(&lock_key))
        .await
        .doing(|| "waiting for another process")??;
    if let Some(known) = maven.indexed(&key).await
        && pinned.is_none_or(|pin| pin == known.digest)
    {
        return Ok(Some((known.digest, known.size, shown)));
    }
    let request = Request {
        access: repository.access.as_ref(),
        sha256: pinned,
        offline: maven.offline(),
        sums: pinned.is_none(),
        proxies: Some(maven.proxies()),
        patience: maven.patience(),
        ..Request::new(&url, name)
    };
    maven.may_ask(repository)?;
    let answer = fetch(&request, maven.store(), maven.report()).await;
    let mut body = match maven.learn(repository, answer) {
        Ok(body) => body,
        Err(error) if error.is(Reason::NotFound) => return Ok(None),
        Err(error) => return Err(with_id(error, repository)),
    };
    if looks_like_html(&body.written.head) && !path.ends_with(".html") {
        return Err(Error::new("the answer is a web page, not the file")
            .doing(format!("fetching {shown}"))
            .hint("a proxy or a login page answers here: open the address in a browser, and check the repository's address and credentials")
            .because(Reason::Unexpected));
    }
    if pinned.is_none() {
        match Sum::of_headers(&body.headers) {
            Some(sum) => sum.check(&mut body, &shown)?,
            None => match sum_file(maven, repository, &url).await? {
                Some(sum) => sum.check(&mut body, &shown)?,
                None => maven
                    .report()
                    .warn(format!("{shown}: the repository has no checksum of it")),
            },
        }
    }
    let (digest, size) = body.keep().await?;
    maven.index(&key, digest, size, &shown)?;
    Ok(Some((digest, size, shown)))
}

/// The sum in the file beside it: `.sha1`, else `.md5`.
async fn sum_file(maven: &Maven, repository: &Repository, url: &Url) -> Result<Option<Sum>> {
    for extension in ["sha1", "md5"] {
        let mut beside = url.clone();
        beside.set_path(&format!("{}.{extension}", url.path()));
        match ask(maven, repository, &beside, MAX_SUM).await {
            Ok(small) => match Sum::of_file(&small.bytes, extension) {
                Some(sum) => return Ok(Some(sum)),
                None => maven.report().warn(format!(
                    "{} is not a checksum and was ignored",
                    redact::shown(&beside)
                )),
            },
            Err(error) if error.is(Reason::NotFound) => {}
            Err(error) if error.is(Reason::Denied) || error.is(Reason::TooLarge) => {
                maven.report().warn(format!("no checksum: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

async fn ask(maven: &Maven, repository: &Repository, url: &Url, limit: u64) -> Result<Small> {
    maven.may_ask(repository)?;
    let request = Request {
        access: repository.access.as_ref(),
        limit: Some(limit),
        offline: maven.offline(),
        proxies: Some(maven.proxies()),
        patience: maven.patience(),
        ..Request::new(url, "")
    };
    let answer = get_small(&request, maven.report()).await;
    maven.learn(repository, answer)
}

fn refused(repository: &Repository, why: &str) -> Error {
    Error::new(why)
        .doing(format!("asking the repository {}", repository.shown()))
        .hint("use https, or write the address into [maven] repositories of flinkpack.toml")
        .because(Reason::Denied)
}
