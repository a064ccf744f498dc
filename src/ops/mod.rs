//! The commands' work: joins the stages, which know nothing of each other.

mod again;
mod attached;
pub mod base_build;
mod bases;
pub mod build;
pub mod cache;
pub mod check;
mod check_dockerfile;
mod check_input;
mod context;
mod deliver;
mod find;
pub mod forecast;
pub mod init;
mod init_from;
pub mod inspect;
mod layers;
pub mod lock;
mod locked;
mod make;
pub mod outcome;
pub mod plugins;
pub mod push;
mod recorded;
mod session;
mod target;
mod tell;
pub mod tree;
mod visits;

pub use session::{Session, Settings};
