//! The JSON schema of `flinkpack.toml`, by which editors complete and check it: the
//! schema of the types that the manifest is read into.

use schemars::schema_for;

use super::content::Content;

/// The schema, as a JSON document.
pub fn schema() -> serde_json::Value {
    let mut schema = schema_for!(Content);
    schema.insert("title".to_string(), "flinkpack.toml".into());
    schema.into()
}
