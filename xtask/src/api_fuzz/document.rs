//! The API's description, narrowed to things that are there.

use serde_json::{Value, json};

/// Names that uploads and blobs have, so that requests meet what others made.
const NAMES: u8 = 3;

/// The description where the space is this one, and uploads and blobs have few names.
pub(super) fn narrow(described: &[u8], space: &str) -> Option<String> {
    let mut document: Value = serde_json::from_slice(described).ok()?;
    let names = |length: usize| -> Vec<String> {
        (0..NAMES).map(|name| char::from(b'a' + name).to_string().repeat(length)).collect()
    };
    let (uploads, blobs) = (names(32), names(64));
    for operation in document.get_mut("paths")?.as_object_mut()?.values_mut().filter_map(Value::as_object_mut) {
        for parameter in operation.values_mut().filter_map(|it| it.get_mut("parameters")?.as_array_mut()).flatten() {
            let values = match parameter.get("name").and_then(Value::as_str) {
                Some("space") => json!([space]),
                Some("upload") => json!(uploads),
                Some("blob") => json!(blobs),
                _ => continue,
            };
            *parameter.get_mut("schema")? = json!({ "type": "string", "enum": values });
        }
    }
    *document.pointer_mut("/components/schemas/OpenUpload/properties/upload")? = json!({ "enum": uploads });
    Some(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_that_are_there_and_nothing_else_changes() {
        let described = json!({
            "paths": { "/{space}/{upload}": { "put": { "parameters": [
                { "name": "space", "schema": { "pattern": "x" } },
                { "name": "upload", "schema": { "pattern": "x" } },
                { "name": "size", "schema": { "minimum": 0 } },
            ] } } },
            "components": { "schemas": { "OpenUpload": { "properties": { "upload": { "pattern": "x" } } } } },
        });
        let narrowed = narrow(described.to_string().as_bytes(), "ff").expect("it has all that is looked for");
        let narrowed: Value = serde_json::from_str(&narrowed).expect("it is JSON");
        let schema = |at: &str| narrowed.pointer(&format!("/paths/~1{{space}}~1{{upload}}/put/parameters/{at}/schema"));
        assert_eq!(schema("0"), Some(&json!({ "type": "string", "enum": ["ff"] })));
        assert_eq!(schema("1").and_then(|schema| schema["enum"].as_array()).map(Vec::len), Some(3));
        assert_eq!(schema("2"), Some(&json!({ "minimum": 0 })));
        assert_eq!(narrow(b"{}", "ff"), None);
    }
}
