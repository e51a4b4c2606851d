//! What experiments are made of. That TFLite runs them and agrees is shown by `tests/lab.rs`.

use super::*;
use crate::error::ErrorKind;
use crate::timing::Effort;
use std::collections::HashSet;

const SETUP: Setup = Setup { size: 16, channels: 8, form: Form::Float32 };

fn built(name: &str, setup: &Setup) -> Vec<Variant> {
    Experiment::of(name).unwrap().build(setup).unwrap()
}

fn costs(variants: &[Variant]) -> Vec<Costs> {
    variants.iter().map(|variant| variant.load(1).unwrap().1).collect()
}

/// Multiply-adds and parameters of all variants.
fn figures(name: &str) -> Vec<(u64, u64)> {
    costs(&built(name, &SETUP)).iter().map(|costs| (costs.macs, costs.parameters)).collect()
}

/// By hand, from the definitions of the layers.
#[test]
fn multiply_adds_and_parameters_are_those_of_the_layers() {
    const PIXELS: u64 = 16 * 16;
    const C: u64 = 8;
    let full = (PIXELS * 9 * C * C, 9 * C * C + C);
    let depthwise = (PIXELS * 9 * C, 9 * C + C);
    let pointwise = (PIXELS * C * C, C * C + C);
    let both = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1 + b.1);
    let separable = [full, both(depthwise, pointwise), depthwise, pointwise];
    assert_eq!(figures("separable"), separable);
    assert_eq!(figures("dilation"), [[full; 3], [depthwise; 3]].concat());
    // Each input pixel meets all taps once; behind it are four times as many pixels.
    let transposed = |side: u64| (PIXELS * side * side * C * C, side * side * C * C + C);
    let large = |one: (u64, u64)| (4 * one.0, one.1);
    let upsampling = [
        transposed(3),
        transposed(2),
        (0, 0),
        (0, 0),
        both(transposed(3), large(full)),
        large(full),
        large(full),
        large(both(depthwise, pointwise)),
    ];
    assert_eq!(figures("upsampling"), upsampling);
    let bottleneck = (PIXELS * (C * 2 + 9 * 2 * 2 + 2 * C), C * 2 + 2 + 9 * 2 * 2 + 2 + 2 * C + C);
    assert_eq!(figures("resnet"), [both(full, full), both(full, full), bottleneck]);
    let half = (PIXELS * (2 * 4 * 4 + 9 * 4), 2 * (4 * 4 + 4) + 9 * 4 + 4);
    assert_eq!(figures("shufflenet")[1], half);
    let inverted =
        |wide: u64| (PIXELS * (2 * C * wide + 9 * wide), 2 * C * wide + wide + C + 9 * wide + wide);
    assert_eq!(figures("inverted-residual")[2..], [inverted(24), inverted(48)]);
    assert_eq!(figures("memory").iter().map(|f| f.0).collect::<Vec<_>>(), [PIXELS * 2 * C * C; 3]);
    assert_eq!(figures("activations"), [pointwise; 10]);
}

#[test]
fn bytes_are_those_of_activations_and_weights() {
    let rows = costs(&built("separable", &SETUP));
    // In and out, and 9 * 8 * 8 weights with 8 biases; 4 bytes each.
    assert_eq!(rows[0].bytes, 4 * (2 * 16 * 16 * 8 + 9 * 8 * 8 + 8));
    assert_eq!(rows[1].bytes, rows[2].bytes + rows[3].bytes);
    assert!(rows[0].file_bytes as u64 > 4 * rows[0].parameters);
}

#[test]
fn variants_are_measured_in_order() {
    fn clock() -> f64 {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64() * 1e3
    }
    let experiment = Experiment::of("separable").unwrap();
    let variants = experiment.build(&SETUP).unwrap();
    let effort = Effort { rounds: 3, at_most_ms: f64::INFINITY };
    let report = Report::of(experiment, &SETUP, &variants, 1, clock, &effort).unwrap();
    assert_eq!((report.experiment, report.size, report.channels), ("separable", 16, 8));
    let names: Vec<&str> = report.variants.iter().map(|row| &row.name[..]).collect();
    assert_eq!(names, variants.iter().map(|v| &v.name[..]).collect::<Vec<_>>());
    assert_eq!(report.variants[0].ratio, 1.0);
    for row in &report.variants {
        assert!(row.ms.min > 0.0 && row.ratio > 0.0, "{row:?}");
        let gflops = 2.0 * row.costs.macs as f64 / (row.ms.median * 1e6);
        assert!((row.gflops / gflops - 1.0).abs() < 1e-9);
    }
}

/// int8 has a quarter of the bytes, float16 and dynamic range in the file only.
#[test]
fn forms_have_the_same_parameters_in_smaller_files() {
    let setup = Setup { channels: 64, ..SETUP };
    let variants = built("forms", &setup);
    let names: Vec<&str> = variants.iter().map(|v| &v.name[..]).collect();
    assert_eq!(names, Form::ALL.map(Form::name));
    let parameters: Vec<u64> = variants.iter().map(Variant::parameters).collect();
    assert_eq!(parameters, [parameters[0]; 4]);
    let files: Vec<usize> = variants.iter().map(|v| v.file().unwrap().len()).collect();
    for (file, bytes) in files.iter().zip([4, 2, 1, 1]) {
        let weights = bytes * parameters[0] as usize;
        assert!((weights..weights + 8000).contains(file), "{files:?}, {parameters:?}");
    }
    let rows = costs(&variants);
    assert!(rows[3].bytes < rows[0].bytes / 3);
}

#[test]
fn every_experiment_says_what_it_is() {
    let mut names = HashSet::new();
    for experiment in EXPERIMENTS {
        assert!(names.insert(experiment.name), "{} twice", experiment.name);
        assert_eq!(Experiment::of(experiment.name).unwrap().name, experiment.name);
        assert!(experiment.claim.ends_with('.') && !experiment.title.is_empty());
        let variants = experiment.build(&SETUP).unwrap();
        let slugs: HashSet<String> = variants.iter().map(Variant::slug).collect();
        assert_eq!(slugs.len(), variants.len(), "{}: {slugs:?}", experiment.name);
        assert!(variants.len() > 1, "{}", experiment.name);
        for variant in &variants {
            assert_eq!(variant.graph.name, variant.name, "{}", experiment.name);
        }
    }
    assert_eq!(Experiment::of("all").map(|e| e.name), None);
}

/// The same block has the same bytes whenever it is built.
#[test]
fn experiments_can_be_repeated() {
    for (a, b) in built("shufflenet", &SETUP).iter().zip(built("shufflenet", &SETUP)) {
        assert_eq!(a.file().unwrap(), b.file().unwrap());
    }
}

#[test]
fn impossible_setups_are_refused() {
    let refused = |name: &str, setup: Setup| {
        let error = Experiment::of(name).unwrap().build(&setup).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadInput);
        error.to_string()
    };
    let size = |size| Setup { size, ..SETUP };
    let channels = |channels| Setup { channels, ..SETUP };
    let range = "sizes: a size of 7, must be from 8 to 512";
    assert_eq!(refused("sizes", size(7)), range);
    assert!(refused("dilation", size(513)).starts_with("dilation: a size of 513"));
    let range = "channels: a number of channels of 513, must be from 8 to 512";
    assert_eq!(refused("channels", channels(513)), range);
    let large = refused("softmax", Setup { size: 512, channels: 17, ..SETUP });
    let most = "an input of 4456448 elements, at most 4194304 are allowed";
    assert_eq!(large, format!("softmax: {most}"));
    let odd = "shufflenet: 9 channels, must be a multiple of 2";
    assert_eq!(refused("shufflenet", channels(9)), odd);
    let form = Setup { form: Form::Int8, ..SETUP };
    assert_eq!(refused("forms", form), "forms: compares forms itself, and is not done in int8");
}

#[test]
fn names_become_parts_of_file_names() {
    let variant = Variant::new("Conv2D 3x3, rate 2 (d)", Graph::default());
    assert_eq!(variant.slug(), "conv2d-3x3-rate-2-d");
}
