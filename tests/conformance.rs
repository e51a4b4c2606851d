//! Comparison with TFLite's interpreter, case by case.
//!
//! `tests/conformance/generate.py` makes the cases and says what is in them. Here they run on both
//! backends, at one thread and at two.

use octomask::tensor::{DType, Data, View};
use octomask::{Backend, Model, Options};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What one case compares; paths are relative to the suite's folder.
struct Case {
    name: String,
    /// What is compared: an operator in a numeric form; none in whole models.
    operator: Option<String>,
    form: String,
    model: String,
    /// `[height, width]` to resize to first.
    size: Option<[usize; 2]>,
    inputs: Vec<String>,
    outputs: Vec<String>,
    /// One absolute bound per output.
    tolerances: Vec<f64>,
    /// The share of an output's elements that may be further off.
    outliers: f64,
    /// Whether the kernels' results are TFLite's bit for bit; the reference may be that far off.
    exact: bool,
    /// One per output: where the class with the highest score is compared.
    classes: Vec<Option<Classes>>,
    /// What the error names when the model must not load.
    refused: Option<String>,
}

/// The class of each pixel must be TFLite's wherever TFLite's best score leads by more than `margin`.
struct Classes {
    /// The output that has the scores, `[n, h, w, channels]`. Any other output with `Classes` is a
    /// map of classes already, and compared like this alone.
    scores: usize,
    channels: usize,
    margin: f64,
}

struct Suite {
    dir: PathBuf,
    cases: Vec<Case>,
}

/// Where test data is made: `target/tests`.
fn test_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tests")
}

fn suite(name: &str) -> Suite {
    let dir = test_data().join("conformance").join(name);
    let text = fs::read_to_string(dir.join("cases.json")).unwrap_or_else(|e| {
        panic!(
            "no conformance cases in {} ({e}): `make test` makes them, or, with \
             tests/requirements.txt installed, `python tests/conformance/generate.py`",
            dir.display()
        )
    });
    let list: Value = serde_json::from_str(&text).expect("cases.json is JSON");
    let strings = |v: &Value| -> Vec<String> {
        v.as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_string()).collect()
    };
    let cases: Vec<Case> = list
        .as_array()
        .expect("cases.json is a list")
        .iter()
        .map(|c| Case {
            name: c["name"].as_str().unwrap().to_string(),
            operator: c["operator"].as_str().map(str::to_string),
            form: c["form"].as_str().unwrap().to_string(),
            model: c["model"].as_str().unwrap().to_string(),
            size: c["size"].as_array().map(|s| [0, 1].map(|i| s[i].as_u64().unwrap() as usize)),
            inputs: strings(&c["inputs"]),
            outputs: strings(&c["outputs"]),
            tolerances: c["tolerances"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| t.as_f64().unwrap())
                .collect(),
            outliers: c["outliers"].as_f64().unwrap(),
            exact: c["exact"].as_bool().unwrap(),
            classes: c["classes"].as_array().unwrap().iter().map(classes).collect(),
            refused: c["refused"].as_str().map(str::to_string),
        })
        .collect();
    Suite { dir, cases }
}

fn classes(c: &Value) -> Option<Classes> {
    let number = |key: &str| c[key].as_u64().unwrap() as usize;
    c.is_object().then(|| Classes {
        scores: number("scores"),
        channels: number("channels"),
        margin: c["margin"].as_f64().unwrap(),
    })
}

/// The elements of a .npy file of any type.
fn read_npy(path: &Path) -> Data {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = npyz::NpyFile::new(&bytes[..]).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let all = [DType::F32, DType::I8, DType::U8, DType::I16, DType::I32, DType::I64, DType::Bool];
    let description = file.dtype().descr();
    let dtype = *all.iter().find(|t| description.contains(numpy_name(**t))).unwrap_or_else(|| {
        panic!("{}: {description}", path.display());
    });
    macro_rules! elements {
        ($variant:ident) => {
            Data::$variant(file.into_vec().unwrap_or_else(|e| panic!("{}: {e}", path.display())))
        };
    }
    match dtype {
        DType::F32 => elements!(F32),
        DType::I8 => elements!(I8),
        DType::U8 => elements!(U8),
        DType::I16 => elements!(I16),
        DType::I32 => elements!(I32),
        DType::I64 => elements!(I64),
        DType::Bool => {
            Data::Bool(file.into_vec::<bool>().unwrap().iter().map(|&b| b.into()).collect())
        }
        DType::F16 => unreachable!("is not in the list"),
    }
}

/// How NumPy describes a type.
fn numpy_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "<f4",
        DType::F16 => "<f2",
        DType::I8 => "|i1",
        DType::U8 => "|u1",
        DType::I16 => "<i2",
        DType::I32 => "<i4",
        DType::I64 => "<i8",
        DType::Bool => "|b1",
    }
}

/// Elements as numbers; int64 beyond 2^53 only nearly.
fn numbers(view: View) -> Vec<f64> {
    match view {
        View::F32(v) => v.iter().map(|&x| x.into()).collect(),
        View::F16(_) => panic!("no result is float16"),
        View::I8(v) => v.iter().map(|&x| x.into()).collect(),
        View::U8(v) | View::Bool(v) => v.iter().map(|&x| x.into()).collect(),
        View::I16(v) => v.iter().map(|&x| x.into()).collect(),
        View::I32(v) => v.iter().map(|&x| x.into()).collect(),
        View::I64(v) => v.iter().map(|&x| x as f64).collect(),
    }
}

/// What is wrong with `got`, if anything.
fn difference(got: View, want: View, tolerance: f64, outliers: f64) -> Option<String> {
    if got.dtype() != want.dtype() || got.len() != want.len() {
        return Some(format!(
            "{} elements of {}, TFLite has {} of {}",
            got.len(),
            got.dtype(),
            want.len(),
            want.dtype()
        ));
    }
    let (got, want) = (numbers(got), numbers(want));
    // A NaN on our side alone compares as infinitely far.
    let far = |(g, w): (&f64, &f64)| {
        let d = (g - w).abs();
        if g == w || (g.is_nan() && w.is_nan()) {
            0.0
        } else if d.is_nan() {
            f64::INFINITY
        } else {
            d
        }
    };
    let (at, worst) = got
        .iter()
        .zip(&want)
        .map(far)
        .enumerate()
        .fold((0, 0.0), |best, d| if d.1 > best.1 { d } else { best });
    let wrong = got.iter().zip(&want).map(far).filter(|&d| d > tolerance).count();
    (wrong as f64 > outliers * got.len() as f64).then(|| {
        format!(
            "{wrong} of {} elements differ, most at {at}: {} for {} (off by {worst:.2e}, allowed {tolerance:.2e})",
            got.len(),
            got[at],
            want[at]
        )
    })
}

/// The first pixel whose class is not TFLite's although TFLite is sure of it. `got` has scores, or
/// classes: one number per pixel.
fn misclassified(got: View, want: View, c: &Classes) -> Option<String> {
    let best =
        |scores: &[f64]| (0..c.channels).fold(0, |a, b| if scores[b] > scores[a] { b } else { a });
    let (got, want) = (numbers(got), numbers(want));
    let per_pixel = got.len() / (want.len() / c.channels);
    want.chunks_exact(c.channels).zip(got.chunks_exact(per_pixel)).enumerate().find_map(
        |(at, (w, g))| {
            let theirs = best(w);
            let rest = (0..c.channels).filter(|&i| i != theirs).map(|i| w[i]);
            let lead = w[theirs] - rest.fold(f64::NEG_INFINITY, f64::max);
            let ours = if per_pixel == 1 { g[0] as usize } else { best(g) };
            (ours != theirs && lead > c.margin).then(|| {
                format!(
                    "pixel {at} is of class {ours}, in TFLite of {theirs}, which leads by {lead}"
                )
            })
        },
    )
}

fn run_case(
    suite: &Suite,
    case: &Case,
    options: &Options,
    model: &mut Model,
) -> Result<(), String> {
    let whole = options.backend == Backend::Kernels && options.disabled_passes.is_empty();
    let exact = case.exact && whole;
    let outliers = if exact { 0.0 } else { case.outliers };
    for (i, file) in case.inputs.iter().enumerate() {
        let x = read_npy(&suite.dir.join(file));
        model.set_input(i, x.view()).map_err(|e| format!("input {i}: {e}"))?;
    }
    model.run();
    for (i, (file, &tolerance)) in case.outputs.iter().zip(&case.tolerances).enumerate() {
        let tolerance = if exact { 0.0 } else { tolerance };
        let want = read_npy(&suite.dir.join(file));
        let got = model.output(i).map_err(|e| format!("output {i}: {e}"))?;
        let mut what = None;
        if let Some(classes) = &case.classes[i] {
            let scores = read_npy(&suite.dir.join(&case.outputs[classes.scores]));
            what = misclassified(got, scores.view(), classes);
        }
        if case.classes[i].as_ref().is_none_or(|c| c.scores == i) {
            what = what.or(difference(got, want.view(), tolerance, outliers));
        }
        if let Some(what) = what {
            return Err(format!("output {i} ({file}): {what}"));
        }
    }
    Ok(())
}

/// What is wrong with how a model was refused, which had to be.
fn wrongly_accepted(case: &Case, error: Option<octomask::Error>) -> Option<String> {
    let name = case.refused.as_deref()?;
    match error {
        None => Some(format!("{}: loads, although it has {name}", case.name)),
        Some(e) if e.kind().code() == "unsupported-model" && e.to_string().contains(name) => None,
        Some(e) => Some(format!("{}: the error does not name {name}: {e}", case.name)),
    }
}

/// `[passed, all]` cases of each operator in each form.
#[derive(Default)]
struct Counts(BTreeMap<String, BTreeMap<String, [usize; 2]>>);

impl Counts {
    fn add(&mut self, case: &Case, passed: bool) {
        let Some(operator) = &case.operator else { return };
        let forms = self.0.entry(operator.clone()).or_default();
        let [good, all] = forms.entry(case.form.clone()).or_default();
        (*good, *all) = (*good + usize::from(passed), *all + 1);
    }

    /// For `tests/conformance/matrix.py`.
    fn write(&self, run: &str) {
        let path = test_data().join(format!("conformance/counts.{run}.json"));
        fs::write(path, json!(self.0).to_string()).expect("the counts can be written");
    }
}

/// Runs the cases that `keep` takes. A model is loaded once for neighbouring cases that share it,
/// so that a run which leaves something behind shows in the next.
fn check(suite_name: &str, options: &Options, keep: impl Fn(&Case) -> bool) {
    let suite = suite(suite_name);
    let cases: Vec<&Case> = suite.cases.iter().filter(|c| keep(c)).collect();
    assert!(!cases.is_empty(), "no case was kept");
    let mut failures = Vec::new();
    let mut counts = Counts::default();
    let same = |a: &&Case, b: &&Case| a.model == b.model && a.size == b.size;
    for group in cases.chunk_by(same) {
        let first = group[0];
        let bytes = fs::read(suite.dir.join(&first.model)).expect("the case's model can be read");
        let loaded = Model::load(&bytes, options).and_then(|mut model| {
            if let Some([h, w]) = first.size {
                model.resize(h, w)?;
            }
            Ok(model)
        });
        match loaded {
            loaded if first.refused.is_some() => {
                failures.extend(wrongly_accepted(first, loaded.err()))
            }
            Err(e) => {
                failures.push(format!("{}: {e}", first.name));
                group.iter().for_each(|case| counts.add(case, false));
            }
            Ok(mut model) => {
                for case in group {
                    let result = run_case(&suite, case, options, &mut model);
                    counts.add(case, result.is_ok());
                    failures.extend(result.err().map(|what| format!("{}: {what}", case.name)));
                }
            }
        }
    }
    if suite_name == "operators" && cases.len() == suite.cases.len() {
        counts.write(&format!("{:?}.{}", options.backend, options.threads));
    }
    println!("{} cases of {suite_name}, {} failed", cases.len(), failures.len());
    assert!(
        failures.is_empty(),
        "{} of {} cases in {} differ from TFLite:\n  {}\n",
        failures.len(),
        cases.len(),
        suite.dir.display(),
        failures.iter().take(60).cloned().collect::<Vec<_>>().join("\n  ")
    );
}

fn on(backend: Backend, threads: usize) -> Options {
    Options { threads, backend, ..Options::default() }
}

/// The folder of operators' cases: all of them, or those that CONFORMANCE_SUITE names.
fn operators() -> String {
    std::env::var("CONFORMANCE_SUITE").unwrap_or("operators".to_string())
}

#[test]
fn operators_in_the_reference_backend() {
    check(&operators(), &on(Backend::Reference, 1), |_| true);
}

#[test]
fn operators_at_one_thread() {
    check(&operators(), &on(Backend::Kernels, 1), |_| true);
}

#[test]
fn operators_at_two_threads() {
    check(&operators(), &on(Backend::Kernels, 2), |_| true);
}

/// Without the pass that makes floats of them, quantized operators run on the reference.
#[test]
fn quantized_operators_as_they_are_stored() {
    let disabled_passes = vec![octomask::optimize::QUANTIZED_TO_FLOAT.to_string()];
    let options = Options { disabled_passes, ..on(Backend::Kernels, 2) };
    check("operators", &options, |c| matches!(&c.form[..], "int8" | "uint8" | "int16" | "dynamic"));
}

/// Each graph pass left out in turn.
#[test]
fn networks_without_each_pass() {
    for pass in octomask::optimize::PASSES {
        let disabled_passes = vec![pass.name.to_string()];
        let options = Options { disabled_passes, ..on(Backend::Kernels, 2) };
        check("networks", &options, |c| c.size.is_none());
    }
}

#[test]
fn models_in_the_reference_backend() {
    // A tenth of the speed: two of the inputs will do.
    let kept = ["shoulders", "noise seed 1"];
    let keep = |c: &Case| c.size.is_none() && kept.iter().any(|k| c.name.contains(k));
    check("models", &on(Backend::Reference, 1), keep);
}

#[test]
fn models_at_one_thread() {
    check("models", &on(Backend::Kernels, 1), |c| c.size.is_none());
}

#[test]
fn models_at_two_threads() {
    check("models", &on(Backend::Kernels, 2), |c| c.size.is_none());
}

#[test]
fn models_at_other_sizes_in_the_reference_backend() {
    check("models", &on(Backend::Reference, 1), |c| c.size.is_some());
}

#[test]
fn models_at_other_sizes() {
    check("models", &on(Backend::Kernels, 1), |c| c.size.is_some());
    check("models", &on(Backend::Kernels, 2), |c| c.size.is_some());
}

/// Models that published packages carry, or the operators for which they are refused.
#[test]
fn models_of_packages() {
    check("packages", &on(Backend::Kernels, 1), |_| true);
    check("packages", &on(Backend::Kernels, 2), |_| true);
}

#[test]
fn networks_in_the_reference_backend() {
    // A tenth of the speed: one picture will do.
    check("networks", &on(Backend::Reference, 1), |c| {
        !c.name.contains(',') || c.name.ends_with("picture 1") || c.name.ends_with("seed 0")
    });
}

#[test]
fn networks_at_one_thread() {
    check("networks", &on(Backend::Kernels, 1), |_| true);
}

#[test]
fn networks_at_two_threads() {
    check("networks", &on(Backend::Kernels, 2), |_| true);
}

/// Other sizes asked for when loading, and a model taken through several sizes and back.
#[test]
fn sizes_can_be_changed_back_and_forth() {
    let suite = suite("models");
    let at =
        |size| move |c: &&Case| c.size == size && c.model == "selfie_segmentation_logits.tflite";
    let own = suite.cases.iter().filter(at(None)).find(|c| c.name.contains("shoulders")).unwrap();
    let other = suite.cases.iter().find(at(Some([136, 136]))).unwrap();
    let bytes = fs::read(suite.dir.join(&own.model)).unwrap();
    let options = Options { input_size: other.size, ..Options::default() };
    let mut model = Model::load(&bytes, &options).unwrap();
    run_case(&suite, other, &options, &mut model).unwrap();
    for _ in 0..2 {
        model.resize(256, 256).unwrap();
        run_case(&suite, own, &options, &mut model).unwrap();
        model.resize(136, 136).unwrap();
        run_case(&suite, other, &options, &mut model).unwrap();
    }
    let refused = model.resize(135, 136).unwrap_err();
    assert_eq!(refused.kind().code(), "bad-input", "{refused}");
    run_case(&suite, other, &options, &mut model).expect("a refused size leaves the model usable");
}
