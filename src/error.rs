//! The one error type: what was being done, why it failed, and what to do.
//!
//! An [`Error`] is a chain. The outermost message says what was being done and
//! to what; each `caused by:` goes one step nearer to the cause; hints say
//! what the user can do. [`Error::report`] prints it. What a library reported
//! keeps its type ([`Error::find`]), and what a caller decides by is a
//! [`Reason`], never a text.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

/// What the process ends with. Exit code 4 is kept for a release that refuses to move a
/// tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something failed: exit code 1.
    Failed = 1,
    /// Wrong usage or a wrong manifest: exit code 2.
    Usage = 2,
    /// A comparison or check found something: exit code 3.
    Found = 3,
}

/// Why something failed, where a caller decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An address that a server pointed to was good for a time, which is over.
    AddressEnded,
    /// A registry lacks a blob that a manifest names.
    BlobUnknown,
    /// The daemon, or what stands in front of it, refused the client's certificate.
    CertificateRefused,
    /// A blob in the cache is not what its digest says; it was taken out.
    CorruptBlob,
    /// The daemon has lost a part of an image.
    DamagedImage,
    /// A server of files wants other credentials, or some (HTTP 401, 403).
    Denied,
    /// Other content came than the digest names.
    DigestMismatch,
    /// The daemon's disk has no room left.
    DiskFull,
    /// A registry refuses these credentials this request (HTTP 403).
    Forbidden,
    /// The daemon lost what it was given before it had unpacked it.
    ImageVanished,
    /// The lock file has another version.
    LockVersion,
    /// An image has no Flink.
    NotFlink,
    /// What was asked for is not there.
    NotFound,
    /// The network would be needed, and is out of bounds.
    Offline,
    /// A proxy refuses to pass a request on.
    Proxy,
    /// More came, or would be sent, than is taken.
    TooLarge,
    /// A server asks to be left alone for longer than was waited.
    TooManyRequests,
    /// A registry or its token server wants other credentials, or some.
    Unauthorized,
    /// A server failed, in a way that may pass.
    Unavailable,
    /// A server gave something that nobody asked for.
    Unexpected,
    /// No connection to a server was made, or nothing came over it.
    Unreachable,
    /// The certificate of a server is not trusted.
    Untrusted,
    /// The daemon is spoken to in the open, but wants TLS.
    WantsTls,
    /// An image is for another platform.
    WrongPlatform,
}

/// An error with its causes and hints.
#[derive(Clone)]
pub struct Error {
    /// What was being done, the innermost first.
    doing: Vec<String>,
    cause: Cause,
    hints: Vec<String>,
    exit: Exit,
    reason: Option<Reason>,
}

#[derive(Clone)]
enum Cause {
    Message(String),
    Source(Arc<dyn StdError + Send + Sync>),
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that says `message`.
    pub fn new(message: impl Into<String>) -> Error {
        Error::of(Cause::Message(message.into()))
    }

    fn of(cause: Cause) -> Error {
        Error {
            doing: Vec::new(),
            cause,
            hints: Vec::new(),
            exit: Exit::Failed,
            reason: None,
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

    /// Adds several hints.
    pub fn hints(mut self, hints: impl IntoIterator<Item = String>) -> Error {
        self.hints.extend(hints);
        self
    }

    /// Wraps this error in what was being done.
    pub fn doing(mut self, message: impl Into<String>) -> Error {
        self.doing.push(message.into());
        self
    }

    /// Sets the exit code.
    pub fn exit_with(mut self, exit: Exit) -> Error {
        self.exit = exit;
        self
    }

    /// Gives the reason, by which a caller can decide.
    pub fn because(mut self, reason: impl Into<Option<Reason>>) -> Error {
        self.reason = reason.into();
        self
    }

    /// Whether this is the error's reason.
    pub fn is(&self, reason: Reason) -> bool {
        self.reason == Some(reason)
    }

    /// The reason, if one was given.
    pub fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// What a library reported, if something of this type is among the causes.
    pub fn find<T: StdError + 'static>(&self) -> Option<&T> {
        match &self.cause {
            Cause::Message(_) => None,
            Cause::Source(source) => {
                sources(source.as_ref()).find_map(|source| source.downcast_ref())
            }
        }
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The outermost message.
    pub fn message(&self) -> Cow<'_, str> {
        match (self.doing.last(), &self.cause) {
            (Some(doing), _) => Cow::Borrowed(doing),
            (None, Cause::Message(message)) => Cow::Borrowed(message),
            (None, Cause::Source(_)) => self.texts().swap_remove(0),
        }
    }

    /// All messages, the outermost first.
    fn texts(&self) -> Vec<Cow<'_, str>> {
        let doing = self.doing.iter().rev();
        let mut texts: Vec<_> = doing.map(|text| Cow::Borrowed(text.as_str())).collect();
        match &self.cause {
            Cause::Message(message) => texts.push(Cow::Borrowed(message)),
            Cause::Source(source) => {
                texts.extend(telling(source.as_ref()).into_iter().map(Cow::Owned));
            }
        }
        texts
    }

    /// The whole text, as it is printed: message, causes, hints.
    pub fn report(&self) -> String {
        let texts = self.texts();
        let mut text = format!("error: {}", texts[0]);
        let mut last = &texts[0];
        for cause in &texts[1..] {
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

    /// The error on its way through a reader or writer; it keeps its reason.
    pub fn into_io(self) -> io::Error {
        io::Error::other(Carried(self))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join(": "))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report())
    }
}

/// An [`Error`] where only standard errors pass.
#[derive(Debug)]
struct Carried(Error);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Carried {}

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

/// Any other crate's error becomes one that keeps it.
impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Error {
        let error = Error::of(Cause::Source(Arc::new(error)));
        let reason = error.find().and_then(|Carried(carried)| carried.reason);
        error.because(reason)
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

/// An error and its sources, one after the other.
pub fn sources<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An io::Error's source() skips the error that it holds itself.
        match error.downcast_ref::<io::Error>() {
            Some(holder) => holder
                .get_ref()
                .map(|held| held as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

/// What an error and its sources say, as far as they say something.
fn telling(error: &(dyn StdError + 'static)) -> Vec<String> {
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
    let mut at = 0..;
    texts.retain(|text| at.next() == Some(last) || !is_empty(text));
    texts
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
    fn what_a_library_reported_keeps_its_type() {
        let error = Error::from(io::Error::from(io::ErrorKind::PermissionDenied)).doing("reading");
        let found = error.find::<io::Error>().map(io::Error::kind);
        assert_eq!(found, Some(io::ErrorKind::PermissionDenied));
        assert!(error.find::<fmt::Error>().is_none());
    }

    #[test]
    fn a_reason_passes_through_a_reader() {
        let error = Error::new("the file is gone")
            .doing("reading")
            .because(Reason::NotFound);
        let error = Error::from(error.into_io()).doing("copying");
        assert!(error.is(Reason::NotFound));
        assert_eq!(
            error.report(),
            "error: copying\n  caused by: reading: the file is gone"
        );
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
