//! What a JAR is: a zip file that can be used, and the classes in it. Looked at
//! once a content, whatever its name.

mod archive;
mod build;
mod check;
mod class_file;
mod classes;
mod facts;
mod learn;
mod learner;
mod name;
mod packed;
mod pool;
mod read;
#[cfg(test)]
pub mod samples;
mod signature;
mod signed;
mod table;
mod texts;

pub use archive::{Archive, EntryContent, Inflater};
pub use check::{check, look};
pub use class_file::{ClassFile, parse as parse_class};
pub use facts::{Answer, CLASS_ALONE, Class, Extras, JarFacts, Reference, Service};
pub use learn::{classes, is_known, known, known_classes, learn, texts};
pub use learner::{Learner, Queue};
pub use name::{Name, Numbered};
pub use signature::Signature;
pub use texts::Texts;
