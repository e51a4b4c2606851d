//! Every variant of every experiment, in every form: the kernels agree with the reference here, and TFLite's interpreter
//! agrees with the kernels in `tests/conformance/lab.py`, which reads what this leaves in `target/tests/lab`.

use octomask::lab::{EXPERIMENTS, Form, Setup, Variant, random_inputs};
use octomask::tensor::View;
use octomask::{Backend, Model, Options};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Two setups: the smallest one, and one with sides and channels that are odd multiples of nothing large.
const SETUPS: [(usize, usize); 2] = [(8, 8), (20, 12)];

const SEED: u32 = 5;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tests/lab")
}

/// Little-endian elements.
fn bytes(view: View) -> Vec<u8> {
    view.to_data().to_le_bytes()
}

/// A model's output on random inputs, and what it was given.
fn run(file: &[u8], backend: Backend) -> (Vec<u8>, Vec<f64>, Vec<u8>) {
    let options = Options { backend, ..Options::default() };
    let mut model = Model::load(file, &options).unwrap();
    random_inputs(&mut model, SEED).unwrap();
    let input = bytes(model.input_mut(0).unwrap().as_view());
    model.run();
    let output = model.output(0).unwrap();
    let numbers = match output {
        View::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        View::I8(v) => v.iter().map(|&x| f64::from(x)).collect(),
        View::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        other => panic!("{}", other.dtype()),
    };
    (input, numbers, bytes(output))
}

/// Writes a variant's file, input and output; says where, and how near TFLite has to be.
fn check(name: &str, variant: &Variant, form: Form, dir: &Path) -> Value {
    let file = variant.file().unwrap_or_else(|e| panic!("{name}: {e}"));
    let (input, kernels, output) = run(&file, Backend::Kernels);
    let (_, reference, _) = run(&file, Backend::Reference);
    let reach = reference.iter().fold(0f64, |most, x| most.max(x.abs()));
    let quantized = form == Form::Int8 || variant.name == "int8";
    // Kernels add in another order; what is quantized after that may end on the next step.
    let bound = if quantized { 2.0 } else { 1e-4 * reach.max(1e-6) };
    for (i, (a, b)) in kernels.iter().zip(&reference).enumerate() {
        let same = (a - b).abs() <= bound;
        assert!(same, "{name}: element {i} is {a}, in the reference {b}");
    }
    for (what, bytes) in [("tflite", &file), ("in", &input), ("out", &output)] {
        fs::write(dir.join(format!("{name}.{what}")), bytes).unwrap();
    }
    json!({ "name": name, "dynamic": form == Form::DynamicRange || variant.name == "dynamic-range" })
}

#[test]
fn all_variants_run_and_agree() {
    let dir = folder();
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    let mut cases = Vec::new();
    for (size, channels) in SETUPS {
        for form in Form::ALL {
            for experiment in EXPERIMENTS {
                if experiment.of_forms && form != Form::Float32 {
                    continue;
                }
                let setup = Setup { size, channels, form };
                let variants =
                    experiment.build(&setup).unwrap_or_else(|e| panic!("{setup:?}: {e}"));
                for variant in variants {
                    let parts = [experiment.name, &variant.slug(), form.name()];
                    let name = format!("{}.{size}x{channels}", parts.join("."));
                    cases.push(check(&name, &variant, form, &dir));
                }
            }
        }
    }
    let list = serde_json::to_string_pretty(&cases).unwrap();
    fs::write(dir.join("cases.json"), list).unwrap();
    println!("{} variants", cases.len());
    assert!(cases.len() > 500, "{} variants", cases.len());
}
