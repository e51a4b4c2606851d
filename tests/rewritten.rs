//! What is read and written again is the same network: all networks of `models/`, and every file that conformance
//! has. The files go to `target/tests/rewritten`, where `tests/conformance/rewritten.py` runs them in TFLite.

use octomask::tflite;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All models below a folder, in order.
fn models(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| {
        panic!("{}: {e}; `make test` makes conformance cases first", folder.display())
    });
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            models(&path, found);
        } else if path.extension().is_some_and(|e| e == "tflite") {
            found.push(path);
        }
    }
}

/// The file again; `None` where it is one that is not read.
fn rewritten(path: &Path) -> Option<Vec<u8>> {
    let graph = tflite::read(&fs::read(path).unwrap()).ok()?;
    let at = |what: String| format!("{}: {what}", path.display());
    let bytes = tflite::write(&graph).unwrap_or_else(|e| panic!("{}", at(e.to_string())));
    let again = tflite::read(&bytes).unwrap_or_else(|e| panic!("{}", at(e.to_string())));
    assert!(again == graph, "{}", at(format!("{graph} became {again}")));
    assert_eq!(tflite::write(&again).unwrap(), bytes, "{}", at("written otherwise".to_string()));
    Some(bytes)
}

#[test]
fn networks_are_the_same_after_writing() {
    let mut paths = Vec::new();
    models(&root().join("models/networks"), &mut paths);
    models(&root().join("models/artefacts"), &mut paths);
    let refused: Vec<&str> = paths
        .iter()
        .filter(|path| rewritten(path).is_none())
        .map(|path| path.file_stem().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(refused, ["conditional", "flex_operator"]);
    assert!(paths.len() >= 70, "{} files", paths.len());
}

#[test]
fn conformance_cases_are_the_same_after_writing() {
    let from = root().join("target/tests/conformance");
    let to = root().join("target/tests/rewritten");
    let _ = fs::remove_dir_all(&to);
    let mut written = 0;
    for suite in ["models", "networks", "packages", "operators"] {
        let mut paths = Vec::new();
        models(&from.join(suite), &mut paths);
        for path in paths {
            let Some(bytes) = rewritten(&path) else { continue };
            let target = to.join(path.strip_prefix(&from).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(&target, bytes).unwrap();
            written += 1;
        }
    }
    println!("{written} files rewritten");
    assert!(written > 5000, "{written} files");
}
