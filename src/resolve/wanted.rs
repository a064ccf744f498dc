//! What the manifest asks for, as a list of requests in its order.

use std::ops::Range;

use crate::error::Result;
use crate::image::LayerKind;
use crate::manifest::{JarSource, JarSpec, Manifest, Place, Taking};

/// Where the manifest wants a JAR, in Flink's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Folder {
    /// The system class path.
    Lib,
    /// The user class path.
    Usrlib,
    /// The folder of a filesystem plugin; lib/ before there were plugins.
    Plugin(String),
}

/// One request.
#[derive(Clone, Debug)]
pub enum Request {
    /// A JAR.
    Jar(JarSource),
    /// A filesystem plugin.
    Filesystem(Option<Place>),
}

/// A request, for whom, and where it stands in the manifest.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The manifest's key.
    pub name: String,
    /// What is asked for.
    pub request: Request,
    /// What it is.
    pub kind: LayerKind,
    /// Where it goes.
    pub folder: Folder,
    /// Its place in the manifest.
    pub span: Range<usize>,
    /// Whether it comes `with` another one.
    pub companion: bool,
    /// What it brings with it, where it is a coordinate.
    pub taking: Taking,
}

/// All requests of a manifest.
pub fn wanted(manifest: &Manifest) -> Result<Vec<Wanted>> {
    let content = &manifest.content;
    let mut out = Vec::new();
    for (name, spec) in &content.connectors {
        add(
            &mut out,
            name,
            spec.get_ref(),
            LayerKind::Connector,
            Folder::Lib,
            spec.span(),
        );
    }
    for (name, spec) in &content.udfs {
        let folder = match spec.get_ref().folder.as_deref() {
            Some("usrlib") => Folder::Usrlib,
            _ => Folder::Lib,
        };
        add(
            &mut out,
            name,
            spec.get_ref(),
            LayerKind::Udf,
            folder,
            spec.span(),
        );
    }
    if let Some(job) = &content.job {
        add(
            &mut out,
            "job",
            job.jar.get_ref(),
            LayerKind::Job,
            Folder::Usrlib,
            job.jar.span(),
        );
    }
    for (name, spec) in &content.filesystems {
        let wanted = Wanted {
            name: name.clone(),
            request: Request::Filesystem(spec.get_ref().place),
            kind: LayerKind::Filesystem,
            folder: Folder::Plugin(name.clone()),
            span: spec.span(),
            companion: false,
            taking: Taking::default(),
        };
        out.push(wanted.clone());
        companions(
            &mut out,
            &spec.get_ref().with,
            &Wanted {
                // A plugin has a class loader of its own, which the platform of
                // lib/ says little about: its folder gets what is named.
                taking: Taking {
                    transitive: Some(false),
                    ..Taking::default()
                },
                ..wanted
            },
        );
    }
    Ok(out)
}

fn add(
    out: &mut Vec<Wanted>,
    name: &str,
    spec: &JarSpec,
    kind: LayerKind,
    folder: Folder,
    span: Range<usize>,
) {
    let wanted = Wanted {
        name: name.to_string(),
        request: Request::Jar(spec.source.clone()),
        kind,
        folder,
        span,
        companion: false,
        taking: spec.taking.clone(),
    };
    out.push(wanted.clone());
    let companion = Wanted {
        kind: LayerKind::Dependency,
        taking: Taking {
            exclude: Vec::new(),
            fat: None,
            ..wanted.taking.clone()
        },
        ..wanted
    };
    companions(out, &spec.with, &companion);
}

/// What goes with something, as `like` says but for its source.
fn companions(out: &mut Vec<Wanted>, with: &[JarSource], like: &Wanted) {
    for source in with {
        out.push(Wanted {
            request: Request::Jar(source.clone()),
            companion: true,
            ..like.clone()
        });
    }
}
