//! Loading an archive, and knowing whether it worked.

use bollard::errors::Error as DockerError;
use bollard::query_parameters::ImportImageOptionsBuilder;
use futures_util::StreamExt;

use super::{ByteStream, Daemon};
use crate::error::{Context, Error, Result};

fn told(error: DockerError) -> Error {
    match error {
        DockerError::DockerResponseServerError { message, .. } => Error::new(message),
        DockerError::DockerStreamError { error } => Error::new(error),
        broken @ (DockerError::HyperLegacyError { .. }
        | DockerError::HyperResponseError { .. }
        | DockerError::IOError { .. }) => {
            Error::from(broken).doing("it hung up before it had all of it")
        }
        other => Error::from(other),
    }
}

impl Daemon {
    /// Loads an archive. A failed load answers HTTP 200 all the same: the
    /// classic store then sends an error in the stream, containerd's a line of
    /// text. So what was loaded must still be looked at afterwards.
    pub async fn load(&self, archive: ByteStream) -> Result<()> {
        let options = ImportImageOptionsBuilder::default().quiet(true).build();
        let doing = || self.doing("loading the image");
        let mut answers = self.docker.import_image_stream(options, archive, None);
        while let Some(answer) = answers.next().await {
            let answer = answer.map_err(told).doing(doing)?;
            let line = answer.stream.unwrap_or_default();
            if line.starts_with("Error") {
                return Err(Error::new(line.trim()).doing(doing()));
            }
        }
        Ok(())
    }
}
