mod maven;
mod support;
