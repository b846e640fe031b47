//! The wire types in JSON Schema, made from their definitions, for the OpenAPI document.

use serde_json::{Map, Value, json};

use super::{Base64, ErrorBody, ErrorCode, PuzzlePurpose};
use crate::capability::Right;
use crate::hash::{ChainHash, StoredHash};
use crate::ids::{AccountId, BlobId, DeviceId, RealmId, SpaceId, UploadId};

/// Named schemas that others refer to.
pub type Components = Map<String, Value>;

/// A type that describes itself.
pub trait Schema {
    /// Whether a field of this type may be left out.
    const OPTIONAL: bool = false;

    /// The schema, or a reference to the one that this adds to `components`.
    fn describe(components: &mut Components) -> Value;
}

/// An object under construction.
#[derive(Debug)]
pub struct Object {
    description: &'static str,
    properties: Map<String, Value>,
    required: Vec<&'static str>,
}

impl Object {
    /// An object without fields.
    pub fn new(description: &'static str) -> Self {
        Self { description, properties: Map::new(), required: Vec::new() }
    }

    /// Adds a field of type `T`.
    pub fn field<T: Schema>(&mut self, components: &mut Components, name: &'static str, description: &'static str) {
        let mut schema = T::describe(components);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), json!(description.trim()));
        }
        self.properties.insert(name.to_owned(), schema);
        if !T::OPTIONAL {
            self.required.push(name);
        }
    }

    /// Adds the object to `components` and gives a reference to it.
    pub fn finish(self, components: &mut Components, name: &'static str) -> Value {
        let schema = json!({
            "type": "object",
            "description": self.description.trim(),
            "properties": self.properties,
            "required": self.required,
            "additionalProperties": false,
        });
        components.insert(name.to_owned(), schema);
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }
}

macro_rules! schemas {
    ($($kind:ty => $schema:tt,)+) => {
        $(impl Schema for $kind {
            fn describe(_: &mut Components) -> Value {
                json!($schema)
            }
        })+
    };
}

schemas! {
    String => { "type": "string" },
    bool => { "type": "boolean" },
    u32 => { "type": "integer", "format": "uint32", "minimum": 0 },
    u64 => { "type": "integer", "format": "uint64", "minimum": 0 },
    Base64 => { "type": "string", "pattern": "^[A-Za-z0-9_-]*$", "contentEncoding": "base64url" },
    RealmId => { "type": "string", "pattern": "^[0-9a-f]{32}$" },
    AccountId => { "type": "string", "pattern": "^[0-9a-f]{32}$" },
    DeviceId => { "type": "string", "pattern": "^[0-9a-f]{32}$" },
    UploadId => { "type": "string", "pattern": "^[0-9a-f]{32}$" },
    SpaceId => { "type": "string", "pattern": "^[0-9a-f]{64}$" },
    BlobId => { "type": "string", "pattern": "^[0-9a-f]{64}$" },
    ChainHash => { "type": "string", "pattern": "^[0-9a-f]{64}$" },
    StoredHash => { "type": "string", "pattern": "^[0-9a-f]{64}$" },
    Right => { "enum": [Right::Read, Right::Append, Right::Write, Right::Admin] },
    PuzzlePurpose => { "enum": [PuzzlePurpose::Register, PuzzlePurpose::Login] },
    ErrorCode => { "enum": ErrorCode::ALL },
}

impl<T: Schema> Schema for Vec<T> {
    fn describe(components: &mut Components) -> Value {
        json!({ "type": "array", "items": T::describe(components) })
    }
}

impl<T: Schema> Schema for Option<T> {
    const OPTIONAL: bool = true;

    fn describe(components: &mut Components) -> Value {
        json!({ "anyOf": [T::describe(components), { "type": "null" }] })
    }
}

impl Schema for ErrorBody {
    fn describe(components: &mut Components) -> Value {
        let mut detail = Object::new("What went wrong and what to do.");
        detail.field::<ErrorCode>(components, "code", "For programs.");
        detail.field::<String>(components, "message", "For people: what.");
        detail.field::<String>(components, "hint", "For people: what to do.");
        let detail = detail.finish(components, "ErrorDetail");
        let schema = json!({
            "type": "object",
            "description": "The body of every refusal.",
            "properties": { "error": detail },
            "required": ["error"],
        });
        components.insert("ErrorBody".to_owned(), schema);
        json!({ "$ref": "#/components/schemas/ErrorBody" })
    }
}
