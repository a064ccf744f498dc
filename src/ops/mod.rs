//! The commands' work: joins the stages, which know nothing of each other. A
//! folder, or a file, for each family of commands.

pub mod base;
pub mod build;
pub mod cache;
pub mod check;
mod dockerfile;
pub mod init;
pub mod inspect;
pub mod lock;
pub mod plugins;
pub mod project;
pub mod push;
mod session;
pub mod tree;

pub use session::{Session, Settings};
