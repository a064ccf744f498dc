//! The one error type: what was being done, why it failed, and what to do.
//!
//! An [`Error`] is a chain. The outermost message says what was being done and
//! to what; each `caused by:` goes one step nearer to the reason; hints say
//! what the user can do. [`Error::report`] prints it.

use std::fmt;

/// What the process ends with (see the crate documentation for the contract).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something failed: exit code 1.
    Failed = 1,
    /// Wrong usage or a wrong manifest: exit code 2.
    Usage = 2,
    /// A comparison or check found something: exit code 3.
    Found = 3,
}

/// An error with its causes and hints.
#[derive(Clone)]
pub struct Error {
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    exit: Exit,
    tag: Option<&'static str>,
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that says `message`.
    pub fn new(message: impl Into<String>) -> Error {
        Error {
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            exit: Exit::Failed,
            tag: None,
        }
    }

    /// An error of wrong usage or of a wrong manifest (exit code 2).
    pub fn usage(message: impl Into<String>) -> Error {
        Error::new(message).exit_with(Exit::Usage)
    }

    /// Adds what to do about it. Hints print in the order they were added.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hints.push(hint.into());
        self
    }

    /// Wraps this error in what was being done.
    pub fn doing(mut self, message: impl Into<String>) -> Error {
        let inner = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, inner);
        self
    }

    /// Sets the exit code.
    pub fn exit_with(mut self, exit: Exit) -> Error {
        self.exit = exit;
        self
    }

    /// Marks the error so that a caller can tell it from others ([`Error::is`]).
    pub fn tagged(mut self, tag: &'static str) -> Error {
        self.tag = Some(tag);
        self
    }

    /// Whether the error carries this tag.
    pub fn is(&self, tag: &str) -> bool {
        self.tag == Some(tag)
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The outermost message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The whole text, as it is printed: message, causes, hints.
    pub fn report(&self) -> String {
        let mut text = format!("error: {}", self.message);
        let mut last = self.message.as_str();
        for cause in &self.causes {
            if cause.is_empty() || cause == last {
                continue;
            }
            text.push_str("\n  caused by: ");
            text.push_str(&cause.replace('\n', "\n    "));
            last = cause;
        }
        for hint in &self.hints {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report())
    }
}

/// What libraries say of their own layers, where the next cause says it all.
const EMPTY_WORDS: [&str; 12] = [
    "builder error",
    "client error (Connect)",
    "client error (SendRequest)",
    "connection error",
    "dns error",
    "error decoding response body",
    "error resolving DNS",
    "error sending request",
    "error trying to connect",
    "error writing a body to connection",
    "request or response body error",
    "tcp connect error",
];

/// Any other crate's error becomes one with its chain of sources, as far as
/// they say something.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Error {
        let mut texts = vec![error.to_string()];
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Many libraries repeat their source in their own message.
            if !texts[0].contains(&text) {
                texts.push(text);
            }
            source = cause.source();
        }
        let is_empty = |text: &str| {
            let text = text.trim_start_matches("Error in the hyper legacy client: ");
            EMPTY_WORDS.contains(&text)
        };
        let last = texts.len() - 1;
        let mut texts = texts
            .into_iter()
            .enumerate()
            .filter(|(at, text)| *at == last || !is_empty(text))
            .map(|(_, text)| text);
        let mut out = Error::new(texts.next().unwrap_or_default());
        out.causes = texts.collect();
        out
    }
}

/// Text that is not Maven coordinates is wrong usage, and has what to write
/// instead for a hint.
impl From<crate::maven::InvalidCoordinates> for Error {
    fn from(invalid: crate::maven::InvalidCoordinates) -> Error {
        Error::usage(invalid.why())
            .hint(invalid.hint())
            .doing(format!("reading {}", invalid.what()))
    }
}

/// Adds to an error what was being done.
pub trait Context<T> {
    /// Wraps the error in `message`.
    fn doing<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T>;
    /// Adds a hint.
    fn hint<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn doing<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| error.into().doing(message()))
    }

    fn hint<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| error.into().hint(message()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_libraries_that_say_nothing_are_left_out() {
        #[derive(Debug, thiserror::Error)]
        #[error("client error (Connect)")]
        struct Outer(#[source] std::io::Error);
        let error = Error::from(Outer(std::io::ErrorKind::ConnectionRefused.into()));
        assert_eq!(error.report(), "error: connection refused");
    }

    #[test]
    fn report_goes_from_what_was_done_to_why_to_what_to_do() {
        let error = Error::new("connection refused")
            .doing("asking registry.example.com for its manifest")
            .doing("pushing the image")
            .hint("is the registry up?");
        assert_eq!(
            error.report(),
            "error: pushing the image\n  caused by: asking registry.example.com for its manifest\n  caused by: connection refused\nhint: is the registry up?"
        );
    }
}
