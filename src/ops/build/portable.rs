//! Images with the manifests with which they go to their places.

use crate::base::{Sources, materialise};
use crate::error::{Error, Result};
use crate::image::assemble::{in_oci_types, manifest};
use crate::image::{Image, Images, Platform, images};
use crate::ops::Session;
use crate::ops::project::resolved::Resolved;
use crate::sink::{ManifestForm, Platforms, Sink};

/// Errors for a place that does not take all platforms of the image.
pub fn check_platforms(resolved: &Resolved, sinks: &[Box<dyn Sink>]) -> Result<()> {
    let platforms: Vec<&Platform> = resolved.bases().map(|base| &base.platform).collect();
    if platforms.len() == 1 {
        return Ok(());
    }
    for sink in sinks {
        let takes = sink.takes();
        match takes.platforms {
            Platforms::All => {}
            Platforms::Host => drop(images::for_host(&platforms)?),
            Platforms::One => {
                return Err(Error::usage(format!(
                    "{} holds one platform, not {}",
                    takes.name,
                    platforms.len()
                ))
                .hint("oci-archive:FILE and oci:DIR hold all of them; --platform chooses one"));
            }
        }
    }
    Ok(())
}

/// Gives the images the manifests with which they go to these places.
pub async fn portable(
    session: &Session,
    mut each: Vec<Image>,
    docker_types: bool,
    sinks: &[Box<dyn Sink>],
) -> Result<Images> {
    let forms: Vec<ManifestForm> = sinks.iter().map(|sink| sink.takes().manifest).collect();
    for image in &mut each {
        if image.manifest.is_none() && forms.iter().any(|form| *form != ManifestForm::None) {
            make_portable(&session.sources().await, image, docker_types).await?;
        }
        if forms.contains(&ManifestForm::Oci) {
            // One image has one digest, so what goes elsewhere in this run is the same.
            in_oci_types(image)?;
        }
    }
    Images::new(each)
}

/// Gives an image whose base only the daemon knows its descriptors, its bytes
/// and its manifest, so that it can go anywhere.
pub async fn make_portable(
    sources: &Sources<'_>,
    image: &mut Image,
    docker_types: bool,
) -> Result<()> {
    materialise::from_daemon(sources, &mut image.layers).await?;
    image.manifest = manifest(&image.config, &image.layers, docker_types)?;
    Ok(())
}
