//! What `build` is asked for.

use crate::ops::project::inputs::Request;
use crate::sink::Output;

/// What `build` was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// What decides the image.
    pub request: Request,
    /// Tags or whole references, in place of the manifest's.
    pub tags: Vec<String>,
    /// Into registries.
    pub push: bool,
    /// Into the daemon.
    pub load: bool,
    /// Into files.
    pub outputs: Vec<Output>,
    /// With a bill of materials, whatever the manifest says.
    pub sbom: bool,
    /// With its provenance, whatever the manifest says.
    pub provenance: bool,
    /// Whether what would break at run time is looked for.
    pub check: bool,
}
