//! What the manifest asks for, as a list of requests in its order.

use std::ops::Range;

use crate::error::Result;
use crate::image::LayerKind;
use crate::job;
use crate::manifest::{JarSource, JarSpec, Manifest, Placement, Taking};

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
pub enum RequestSource {
    /// A JAR.
    Jar(JarSource),
    /// A filesystem plugin.
    Filesystem(Option<Placement>),
}

/// A request, for whom, and where it stands in the manifest.
#[derive(Clone, Debug)]
pub struct JarRequest {
    /// The manifest's key.
    pub name: String,
    /// What is asked for.
    pub source: RequestSource,
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
pub fn jar_requests(manifest: &Manifest) -> Result<Vec<JarRequest>> {
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
    for jar in job::jars(manifest) {
        add(
            &mut out,
            job::NAME,
            jar.get_ref(),
            LayerKind::Job,
            Folder::Usrlib,
            jar.span(),
        );
    }
    for (name, spec) in &content.filesystems {
        let request = JarRequest {
            name: name.clone(),
            source: RequestSource::Filesystem(spec.get_ref().place),
            kind: LayerKind::Filesystem,
            folder: Folder::Plugin(name.clone()),
            span: spec.span(),
            companion: false,
            taking: Taking::default(),
        };
        out.push(request.clone());
        companions(
            &mut out,
            &spec.get_ref().with,
            &JarRequest {
                // A plugin has a class loader of its own, which the platform of
                // lib/ says little about: its folder gets what is named.
                taking: Taking {
                    transitive: Some(false),
                    ..Taking::default()
                },
                ..request
            },
        );
    }
    Ok(out)
}

fn add(
    out: &mut Vec<JarRequest>,
    name: &str,
    spec: &JarSpec,
    kind: LayerKind,
    folder: Folder,
    span: Range<usize>,
) {
    let request = JarRequest {
        name: name.to_string(),
        source: RequestSource::Jar(spec.source.clone()),
        kind,
        folder,
        span,
        companion: false,
        taking: spec.taking.clone(),
    };
    out.push(request.clone());
    let companion = JarRequest {
        kind: LayerKind::Dependency,
        taking: Taking {
            exclude: Vec::new(),
            fat: None,
            ..request.taking.clone()
        },
        ..request
    };
    companions(out, &spec.with, &companion);
}

/// What goes with something, as `like` says but for its source.
fn companions(out: &mut Vec<JarRequest>, with: &[JarSource], like: &JarRequest) {
    for source in with {
        out.push(JarRequest {
            source: RequestSource::Jar(source.clone()),
            companion: true,
            ..like.clone()
        });
    }
}
