//! Forms of networks that TensorFlow's converter made in all forms, and what is refused.

use super::*;
use crate::error::ErrorKind;
use crate::graph::TensorId;
use crate::graph::testing::GraphBuilder;
use crate::lab::{Random, random_inputs};
use crate::model::{Model, Options};
use crate::ops::layout::Join;
use crate::ops::{Conv2d, Layout, Op, Padding, Pool2d, PoolKind, Unary, Window};
use crate::tensor::{DType, Data, Grid, View};
use crate::tflite;
use std::path::Path;

/// A network of `models/networks` in a form, as the converter wrote it.
fn network(name: &str, form: &str) -> Graph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/networks");
    let path = root.join(name).join(format!("{form}.tflite"));
    tflite::read(&std::fs::read(path).unwrap()).unwrap()
}

const NETWORKS: [&str; 10] = [
    "bisenet_v2",
    "espnet",
    "fast_scnn",
    "hrnet",
    "mobilenetv2_deeplab",
    "mobilenetv3_lraspp",
    "multiclass_selfie",
    "pp_liteseg",
    "shufflenet_unet",
    "unet_resnet",
];

/// All outputs on random inputs, as real numbers; the inputs are the same in all forms.
fn outputs(graph: &Graph) -> Vec<Vec<f64>> {
    let mut model = Model::load(&tflite::write(graph).unwrap(), &Options::default()).unwrap();
    random_inputs(&mut model, 3).unwrap();
    if let Some(grid) = Grid::of(model.inputs()[0].dtype, model.inputs()[0].quantization.as_ref()) {
        let reals = Random::new(3).floats(model.inputs()[0].shape.elements(), 1.0);
        grid.store(&reals, model.input_mut(0).unwrap());
    }
    model.run();
    let real = |i: usize| {
        let tensor = model.outputs()[i];
        let scale =
            tensor.quantization.as_ref().map_or((1.0, 0), |q| (q.scale[0], q.zero_point[0]));
        let number = |x: f64| (x - scale.1 as f64) * f64::from(scale.0);
        match model.output(i).unwrap() {
            View::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            View::I8(v) => v.iter().map(|&x| number(f64::from(x))).collect(),
            View::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            View::I64(v) => v.iter().map(|&x| x as f64).collect(),
            other => panic!("{}", other.dtype()),
        }
    };
    (0..model.outputs().len()).map(real).collect()
}

/// The square root of the mean square of all differences, as part of the range of the second one.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    let [low, high] = [f64::min, f64::max].map(|f| b.iter().copied().reduce(f).unwrap());
    (squares / b.len() as f64).sqrt() / (high - low).max(1e-9)
}

#[test]
fn weights_become_what_the_converter_makes_of_them() {
    for name in NETWORKS {
        let plain = network(name, "float32");
        for (form, theirs) in [(Form::Float16, "float16"), (Form::DynamicRange, "dynamic_range")] {
            let ours = convert(&plain, form, 1).unwrap();
            let theirs = network(name, theirs);
            let stored = |graph: &Graph| {
                let real =
                    |t: &&TensorDef| t.is_const() && matches!(t.dtype, DType::F16 | DType::I8);
                graph.tensors.iter().filter(real).map(|t| t.shape.elements()).sum::<usize>()
            };
            assert_eq!(stored(&ours), stored(&theirs), "{name}, {}", form.name());
            for (ours, theirs) in outputs(&ours).iter().zip(outputs(&theirs)) {
                let difference = difference(ours, &theirs);
                assert!(difference == 0.0, "{name}, {}: {difference}", form.name());
            }
        }
    }
}

/// The converter's own int8 was made for pictures; on noise, ours is nearer.
#[test]
fn int8_stays_near_float32() {
    for name in NETWORKS {
        let plain = network(name, "float32");
        let made = convert(&plain, Form::Int8, 1).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (ours, theirs) = (outputs(&made), outputs(&network(name, "int8")));
        for ((ours, theirs), wanted) in ours.iter().zip(theirs).zip(outputs(&plain)) {
            let lost = difference(ours, &wanted);
            assert!(lost <= 0.015 && lost <= difference(&theirs, &wanted), "{name}: {lost}");
        }
    }
}

/// Scales that TFLite prescribes, and those that it wants shared.
#[test]
fn scales_are_as_tflite_wants_them() {
    let mut b = GraphBuilder::new();
    let x = b.input(&[1, 4, 4, 2]);
    let sigmoid = b.node(Op::Unary(Unary::Logistic), &[x]);
    let pool = Pool2d {
        kind: PoolKind::Max,
        kernel: [2, 2],
        window: Window { stride: [2, 2], dilation: [1, 1], padding: Padding::Same },
        activation: None,
    };
    let pooled = b.node(Op::Pool2d(pool), &[sigmoid]);
    let wide = b.constant(&[1, 4, 4, 1], Data::F32((0..16).map(|i| i as f32 - 3.0).collect()));
    let concat = Op::Layout(Layout::Join(Join::Concatenation(3)));
    let joined = b.node(concat.clone(), &[x, wide]);
    let graph = b.build(&[pooled, joined]);
    let made = convert(&graph, Form::Int8, 1).unwrap();
    let scale = |id: TensorId| {
        let quantization = made.tensor(id).quantization.as_ref().unwrap();
        (quantization.scale[0], quantization.zero_point[0])
    };
    let [sigmoid, pooled, joined] = [0, 1, 2].map(|i| made.nodes[i].outputs[0]);
    assert_eq!([scale(sigmoid), scale(pooled)], [(1.0 / 256.0, -128); 2]);
    let parts = made.nodes[2].inputs.iter().flatten();
    // From -3 to 12 in 255 steps, of which 51 are below 0.
    for id in parts.chain([&joined]) {
        assert_eq!(scale(*id), (15.0 / 255.0, -77));
    }

    let mut b = GraphBuilder::new();
    let x = b.input(&[1, 4, 4, 2]);
    let sigmoid = b.node(Op::Unary(Unary::Logistic), &[x]);
    let joined = b.node(concat, &[x, sigmoid]);
    let error = convert(&b.build(&[joined]), Form::Int8, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "operator 1 (CONCATENATION): needs one scale for its operands, but TFLite prescribes one of them"
    );
}

#[test]
fn what_has_no_int8_form_is_refused_by_name() {
    let mut b = GraphBuilder::new();
    let x = b.input(&[1, 4, 4, 2]);
    let y = b.node(Op::Unary(Unary::Exp), &[x]);
    let graph = b.build(&[y]);
    let error = convert(&graph, Form::Int8, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedModel);
    assert_eq!(error.to_string(), "operator 0 (EXP): has no int8 form here");
    // The other forms have nothing to do.
    assert_eq!(convert(&graph, Form::Float16, 1).unwrap(), graph);
    assert_eq!(convert(&graph, Form::DynamicRange, 1).unwrap(), graph);

    let mut b = GraphBuilder::new();
    let (x, filter) = (b.input(&[1, 4, 4, 2]), b.input(&[3, 1, 1, 2]));
    let window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };
    let y = b.node(Op::Conv2d(Conv2d { window, activation: None }), &[x, filter]);
    let error = convert(&b.build(&[y]), Form::Int8, 1).unwrap_err();
    assert_eq!(error.to_string(), "operator 0 (CONV_2D): has weights that are computed");
}

/// A constant that two convolutions share gets a copy for each where they need other scales.
#[test]
fn shared_weights_stay_right() {
    let mut b = GraphBuilder::new();
    let x = b.input(&[1, 4, 4, 2]);
    let filter = b.constant(&[2, 1, 1, 2], Data::F32(vec![0.5, -0.25, 1.0, 0.75]));
    let bias = b.constant(&[2], Data::F32(vec![0.1, -0.2]));
    let window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };
    let conv = Op::Conv2d(Conv2d { window, activation: None });
    let y = b.node(conv.clone(), &[x, filter, bias]);
    let z = b.node(conv, &[y, filter, bias]);
    let graph = b.build(&[z]);
    for form in Form::ALL {
        // With the ranges of the very input that `outputs` has.
        let made = convert(&graph, form, 3).unwrap();
        let lost = difference(&outputs(&made)[0], &outputs(&graph)[0]);
        // Rounding to 255 steps alone costs 1 / 255 / sqrt(12), here of each of three tensors.
        assert!(lost < 0.004, "{}: {lost}", form.name());
    }
}
