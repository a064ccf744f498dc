//! A project, resolved: what its manifest comes to on its base, before anything is made.

pub mod bases;
pub mod changed_jars;
pub mod inputs;
pub mod locked_layers;
mod new_lock;
pub mod resolved;
