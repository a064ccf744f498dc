//! What the tests need.

pub mod faults;
pub mod http;
pub mod images;
pub mod registry;
pub mod routes;
pub mod tokens;
