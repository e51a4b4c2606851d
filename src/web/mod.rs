//! The WebAssembly modules as `www/src/worker.ts` uses them. They translate, and decide nothing.
//!
//! There are two: one that runs models, and one with what is wanted beside that, which a page
//! fetches only when somebody asks for it. The feature `tools` makes the second.

#[cfg(not(feature = "tools"))]
mod engine;
#[cfg(feature = "tools")]
mod tools;

#[cfg(not(feature = "tools"))]
pub use engine::*;
#[cfg(feature = "tools")]
pub use tools::*;

use crate::error::Error;
use js_sys::{Object, Reflect};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

/// Runs once, when the module is started: a panic then says on the console what it was.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// A description as plain objects and arrays. Never on the way of a frame.
fn described(value: &impl Serialize) -> JsValue {
    let serializer = Serializer::new().serialize_maps_as_objects(true);
    // These types have no map keys or numbers that JavaScript lacks.
    value.serialize(&serializer).unwrap_or(JsValue::UNDEFINED)
}

/// An error as `ErrorData` of `www/src/errors.ts`.
fn thrown(error: Error) -> JsValue {
    let object = Object::new();
    let set = |key: &str, value: JsValue| {
        // Setting a property of a new object cannot fail.
        let _ = Reflect::set(&object, &key.into(), &value);
    };
    set("code", error.kind().code().into());
    set("message", error.to_string().into());
    if let Some(op) = error.op() {
        set("opIndex", op.index.into());
        set("op", op.name.as_str().into());
    }
    object.into()
}
