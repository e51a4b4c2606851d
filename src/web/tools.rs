//! What is wanted beside running a model: advice, reports for other tools, and the blocks of the lab.

use super::thrown;
use crate::error::Error;
use crate::profile::{Profile, csv, report};
use wasm_bindgen::prelude::*;

/// A `Profile` as `text` or `csv`.
#[wasm_bindgen(js_name = exportProfile)]
pub fn export_profile(profile: JsValue, format: &str) -> Result<String, JsValue> {
    let unreadable = |e| thrown(Error::bad_input(format!("this is no profile: {e}")));
    let profile: Profile = serde_wasm_bindgen::from_value(profile).map_err(unreadable)?;
    match format {
        "text" => Ok(report::text(&profile)),
        "csv" => Ok(csv::table(&profile)),
        _ => Err(thrown(Error::bad_input(format!("a profile is not exported as '{format}'")))),
    }
}
