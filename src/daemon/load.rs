//! Loading an archive, and knowing whether it worked.

use bollard::query_parameters::ImportImageOptionsBuilder;
use futures_util::StreamExt;

use super::{ByteStream, Daemon};
use crate::error::{Context, Error, Result};

impl Daemon {
    /// Loads an archive. A failed load answers HTTP 200 all the same: the
    /// classic store then sends an error in the stream, containerd's a line of
    /// text. So what was loaded must still be looked at afterwards.
    pub async fn load(&self, archive: ByteStream) -> Result<()> {
        let options = ImportImageOptionsBuilder::default().quiet(true).build();
        let doing = || self.doing("loading the image");
        let mut answers = self.docker.import_image_stream(options, archive, None);
        while let Some(answer) = answers.next().await {
            let answer = answer.doing(doing)?;
            let line = answer.stream.unwrap_or_default();
            if line.starts_with("Error") {
                return Err(Error::new(line.trim()).doing(doing()));
            }
        }
        Ok(())
    }
}
