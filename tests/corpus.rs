//! The inputs that fuzzing kept, `fuzz/corpus`, through the same checks.
//!
//! `FUZZ_CORPUS` names another folder of folders, such as `fuzz/artifacts`, where `make fuzz` leaves
//! what breaks.

#[allow(missing_docs)]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use fuzz::targets::TARGETS;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// One test: bytes that are held are counted for the whole process.
#[test]
fn corpus() {
    let folder = std::env::var_os("FUZZ_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus"), PathBuf::from);
    let mut failed = Vec::new();
    for (name, target) in TARGETS {
        let Ok(entries) = fs::read_dir(folder.join(name)) else { continue };
        let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        files.sort();
        for file in &files {
            let bytes = fs::read(file).unwrap();
            if catch_unwind(|| target(&bytes)).is_err() {
                failed.push(file.display().to_string());
            }
        }
        println!("{name}: {} inputs", files.len());
    }
    assert!(failed.is_empty(), "broken by\n{}", failed.join("\n"));
}
