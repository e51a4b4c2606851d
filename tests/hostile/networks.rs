//! Small files whose tables are sound, and which say what no converter says.

use super::network::{Network, Tensor, types};
use super::{HANGS, with_peak};
use octomask::optimize::PASSES;
use octomask::tensor::{Data, ViewMut};
use octomask::tflite::builder::Table;
use octomask::tflite::flatbuffer::Field;
use octomask::tflite::schema::options;
use octomask::{Backend, Error, Model, Options};
use std::fmt::Debug;
use std::sync::mpsc::channel;

/// What refusing a small file may hold at a time, in bytes: it is refused before its tensors are
/// made.
const REFUSING_LIMIT: usize = 64 << 20;

/// All ways to load a file.
fn ways() -> Vec<Options> {
    let mut ways = Vec::new();
    for backend in [Backend::Reference, Backend::Kernels] {
        for input_size in [None, Some([8, 8]), Some([72, 64])] {
            for all in [true, false] {
                let disabled = PASSES.iter().filter(|_| !all).map(|p| p.name.to_string());
                let disabled_passes = disabled.collect();
                ways.push(Options { backend, input_size, disabled_passes, ..Options::default() });
            }
        }
    }
    ways
}

/// Loads and runs a file in one way. Gives the error with which it was refused, if it was.
fn attempt(bytes: &[u8], way: &Options) -> Result<Option<Error>, String> {
    let (loaded, peak) = with_peak(|| Model::load(bytes, way));
    let mut model = match loaded {
        Err(error) if error.to_string().contains('\n') => return Err(format!("{error}")),
        Err(error) if peak > REFUSING_LIMIT => return Err(format!("{peak} bytes for: {error}")),
        Err(error) => return Ok(Some(error)),
        Ok(model) => model,
    };
    model.sizes();
    model.run();
    for index in 0..model.outputs().len() {
        let output = model.output(index).map_err(|e| e.to_string())?;
        if output.len() != model.outputs()[index].shape.elements() {
            return Err(format!("output {index} has another length than its shape"));
        }
    }
    Ok(None)
}

/// Loads and runs a file in all ways, within the time and memory it may take. Gives the error of
/// the first way, at the file's own size.
fn survives(case: impl Debug, network: &Network) -> Option<Error> {
    let (bytes, case) = (network.bytes(), format!("{case:?}"));
    let (done, result) = channel();
    std::thread::spawn(move || {
        let each: Vec<_> = ways().iter().map(|way| (way.clone(), attempt(&bytes, way))).collect();
        let _ = done.send(each);
    });
    let each =
        result.recv_timeout(HANGS).unwrap_or_else(|e| panic!("{case}: hangs or panics: {e}"));
    let mut errors = each
        .into_iter()
        .map(|(way, result)| result.unwrap_or_else(|what| panic!("{case}, {way:?}: {what}")));
    let first = errors.next().expect("there is a way");
    errors.for_each(drop);
    first
}

/// A file that is refused, with that text in the error.
fn refused(case: impl Debug, network: &Network, what: &str) {
    match survives(&case, network) {
        None => panic!("{case:?} is not refused, expected: {what}"),
        Some(error) => assert!(error.to_string().contains(what), "{case:?}: {error}"),
    }
}

/// A network of one operator, whose result is the network's.
fn single(make: impl FnOnce(&mut Network) -> i32) -> Network {
    let mut network = Network::new();
    let output = make(&mut network);
    network.outputs.push(output);
    network
}

fn add(network: &mut Network, a: i32, b: i32) -> i32 {
    network.node("ADD", &[a, b], options::add::TYPE, Table::new())
}

fn relu(network: &mut Network, x: i32) -> i32 {
    network.node("RELU", &[x], 0, Table::new())
}

fn mean(network: &mut Network, x: i32, axes: i32) -> i32 {
    network.node("MEAN", &[x, axes], options::reducer::TYPE, Table::new())
}

/// Options of CONV_2D and TRANSPOSE_CONV, whose first fields are the same.
fn strides(stride: i32) -> Table {
    use options::conv_2d::*;
    Table::new().set(STRIDE_W, stride).set(STRIDE_H, stride)
}

fn resize(network: &mut Network, x: i32, size: i32) -> i32 {
    network.node("RESIZE_BILINEAR", &[x, size], options::resize_bilinear::TYPE, Table::new())
}

#[test]
fn shapes_whose_product_overflows_are_refused() {
    for shape in [
        &[65_536, 65_536][..],
        &[i32::MAX, i32::MAX],
        &[i32::MAX; 8],
        &[1, 1 << 16, 1 << 16, 1],
        &[1 << 30, 2],
        // None of them has an element, but products of some extents overflow.
        &[0, i32::MAX, i32::MAX],
        &[1, i32::MAX, 0, i32::MAX],
        &[i32::MAX, i32::MAX, 0],
    ] {
        let network = single(|n| {
            let x = n.input(shape);
            relu(n, x)
        });
        refused(shape, &network, "is too large");
        // Read by nobody.
        let network = single(|n| {
            n.input(shape);
            n.ones(&[2])
        });
        refused(shape, &network, "is too large");
    }
}

#[test]
fn results_that_grow_too_large_are_refused() {
    let broadcast = single(|n| {
        let (a, b) = (n.input(&[1 << 15, 1]), n.input(&[1, 1 << 15]));
        add(n, a, b)
    });
    refused("broadcast", &broadcast, "is too large");
    for (h, w) in [(i32::MAX, i32::MAX), (1 << 15, 1 << 14), (1, i32::MAX)] {
        let resized = single(|n| {
            let (x, size) = (n.input(&[1, 8, 8, 1]), n.list(&[h, w]));
            resize(n, x, size)
        });
        refused((h, w), &resized, "is too large");
        let transposed = single(|n| {
            let size = n.list(&[1, h, w, 1]);
            let (filter, x) = (n.ones(&[1, 2, 2, 1]), n.input(&[1, 8, 8, 1]));
            n.node("TRANSPOSE_CONV", &[size, filter, x], 49, strides(2))
        });
        refused((h, w), &transposed, "is too large");
    }
    let product = single(|n| {
        let (a, b) = (n.input(&[1 << 14, 1]), n.input(&[1, 1 << 15]));
        n.node("BATCH_MATMUL", &[a, b], options::batch_matmul::TYPE, Table::new())
    });
    refused("product", &product, "is too large");
    for words in [[2, 1, 1, i32::MAX, i32::MAX, 0], [2, i32::MAX, i32::MAX, 2, 2, 0]] {
        let mut unpooled = single(|n| {
            let (x, taps) = (n.input(&[1, 8, 8, 1]), n.input(&[1, 8, 8, 1]));
            n.node("MaxUnpooling2D", &[x, taps], 0, Table::new())
        });
        unpooled.operators[0].custom = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        assert!(survives(words, &unpooled).is_some());
    }
}

#[test]
fn references_that_no_order_satisfies_are_refused() {
    let itself = single(|n| {
        let y = n.tensor(&[4]);
        n.operator("RELU", &[y], &[y], 0, Table::new());
        y
    });
    refused("itself", &itself, "before anything has made it");
    let cycle = single(|n| {
        let (a, b) = (n.tensor(&[4]), n.tensor(&[4]));
        n.operator("RELU", &[a], &[b], 0, Table::new());
        n.operator("RELU", &[b], &[a], 0, Table::new());
        a
    });
    refused("cycle", &cycle, "before anything has made it");
    let forward = single(|n| {
        let (x, a, b) = (n.input(&[4]), n.tensor(&[4]), n.tensor(&[4]));
        n.operator("RELU", &[a], &[b], 0, Table::new());
        n.operator("RELU", &[x], &[a], 0, Table::new());
        b
    });
    refused("forward", &forward, "before anything has made it");
    let nobody = single(|n| {
        n.input(&[4]);
        n.tensor(&[4])
    });
    refused("nobody", &nobody, "nothing makes output");
    let twice = single(|n| {
        let (x, y) = (n.input(&[4]), n.tensor(&[4]));
        n.operator("RELU", &[x], &[y], 0, Table::new());
        n.operator("TANH", &[x], &[y], 0, Table::new());
        y
    });
    refused("twice", &twice, "overwrites");
    let input = single(|n| {
        let x = n.input(&[4]);
        n.operator("RELU", &[x], &[x], 0, Table::new());
        x
    });
    refused("input", &input, "overwrites");
    for id in [-2, 3, i32::MIN, i32::MAX] {
        let outside = single(|n| {
            n.input(&[4]);
            relu(n, id)
        });
        refused(id, &outside, "refers to tensor");
        let mut outputs = single(|n| n.input(&[4]));
        outputs.outputs = vec![id];
        refused(id, &outputs, "refers to tensor");
    }
}

#[test]
fn quantization_of_the_wrong_length_is_refused() {
    let network = |scale: &[f32], zero_point: &[i64], axis: i32| {
        single(|n| {
            let x = n.input(&[1, 4, 4, 3]);
            let (scale, zero_point) = (scale.to_vec(), zero_point.to_vec());
            let filter = Tensor {
                shape: vec![2, 1, 1, 3],
                dtype: types::I8,
                data: Some(vec![1; 6]),
                scale,
                zero_point,
                axis,
            };
            let filter = n.add(filter);
            n.node("CONV_2D", &[x, filter], options::conv_2d::TYPE, strides(1))
        })
    };
    assert_eq!(survives("sound", &network(&[0.5, 1.0], &[0, 0], 0)), None);
    for (scale, zero_point, axis, what) in [
        (&[0.5; 3][..], &[0; 3][..], 0, "slices along axis 0"),
        (&[0.5; 2], &[0; 2], 1, "slices along axis 1"),
        (&[0.5; 2], &[0; 2], 4, "slices along axis 4"),
        (&[0.5; 2], &[0; 2], -1, "slices along axis -1"),
        (&[0.5; 2], &[0; 2], i32::MIN, "slices along axis"),
        (&[0.5; 2], &[0; 1], 0, "2 scales, but 1 zero points"),
        (&[0.5; 1], &[0; 2], 0, "1 scales, but 2 zero points"),
        (&[], &[0; 2], 0, "without a scale"),
        (&[0.5; 1000], &[0; 1000], 0, "slices along axis 0"),
    ] {
        refused((scale.len(), zero_point.len(), axis), &network(scale, zero_point, axis), what);
    }
    for (scale, zero_point, what) in [
        (f32::NAN, 0, "a scale that is negative, infinite or no number"),
        (f32::INFINITY, 0, "a scale that is negative, infinite or no number"),
        (f32::NEG_INFINITY, 0, "a scale that is negative, infinite or no number"),
        (-1.0, 0, "a scale that is negative, infinite or no number"),
        (1.0, 1000, "a zero point of 1000"),
        (1.0, i64::MIN, "a zero point of"),
        (1.0, i64::MAX, "a zero point of"),
    ] {
        refused((scale, zero_point), &network(&[scale], &[zero_point], 0), what);
    }
    // Channels that were all zero have scales of 0.
    assert_eq!(survives("zeros", &network(&[0.5, 0.0], &[0, 0], 0)), None);
}

#[test]
fn activations_need_one_sound_scale() {
    for (scale, what) in [
        (0.0, "a scale of 0"),
        (1e-45, "a scale of 0"),
        (f32::NAN, "a scale that is negative, infinite or no number"),
        (f32::INFINITY, "a scale that is negative, infinite or no number"),
    ] {
        for dtype in [types::I8, types::U8, types::I16] {
            let input = single(|n| {
                let x = n.quantized(dtype, &[1, 4, 4, 2], scale, 0);
                n.inputs.push(x);
                let y = n.quantized(dtype, &[], 1.0, 0);
                n.operator("TANH", &[x], &[y], 0, Table::new());
                y
            });
            refused((dtype, scale), &input, what);
            let result = single(|n| {
                let x = n.quantized(dtype, &[1, 4, 4, 2], 1.0, 0);
                n.inputs.push(x);
                let y = n.quantized(dtype, &[], scale, 0);
                n.operator("TANH", &[x], &[y], 0, Table::new());
                y
            });
            refused((dtype, scale), &result, what);
        }
    }
    // The smallest and largest ones that floats hold.
    for scale in [f32::MIN_POSITIVE, f32::MAX] {
        let extreme = single(|n| {
            let x = n.quantized(types::I8, &[1, 4, 4, 2], scale, 127);
            n.inputs.push(x);
            let y = n.quantized(types::I8, &[], 1.0 / scale, -128);
            n.operator("TANH", &[x], &[y], 0, Table::new());
            y
        });
        survives(scale, &extreme);
    }
}

/// A network whose operator moves elements of a type that has no real numbers, but a scale.
#[test]
fn scales_without_a_meaning_do_no_harm() {
    for dtype in [types::F16, types::I32, types::I64, types::BOOL, types::F32] {
        let network = single(|n| {
            let x = n.quantized(dtype, &[1, 2, 2, 2], 0.5, 3);
            n.inputs.push(x);
            let y = n.add(Tensor { dtype, ..Tensor::default() });
            let size = n.list(&[4, 4]);
            let kind = options::resize_nearest_neighbor::TYPE;
            n.operator("RESIZE_NEAREST_NEIGHBOR", &[x, size], &[y], kind, Table::new());
            y
        });
        survives(dtype, &network);
    }
}

#[test]
fn axes_out_of_range_are_refused() {
    for axes in [&[4][..], &[-5], &[i32::MIN], &[i32::MAX], &[0, 1, 2, 3, 4]] {
        let network = single(|n| {
            let (x, axes) = (n.input(&[1, 2, 3, 4]), n.list(axes));
            mean(n, x, axes)
        });
        refused(axes, &network, "of a tensor of rank 4");
    }
    let many = single(|n| {
        let (x, axes) = (n.input(&[1, 2, 3, 4]), n.list(&[1; 100_000]));
        mean(n, x, axes)
    });
    refused("many axes", &many, "a list of 100000 axes");
    // All axes of a scalar, and the same axis over and over, are fine.
    let scalar = single(|n| {
        let (x, axes) = (n.input(&[]), n.add(Tensor { shape: vec![0], ..Tensor::default() }));
        mean(n, x, axes)
    });
    survives("scalar", &scalar);
    let repeated = single(|n| {
        let (x, axes) = (n.input(&[1, 2, 3, 4]), n.list(&[1, -3, 1]));
        mean(n, x, axes)
    });
    assert_eq!(survives("repeated", &repeated), None);
}

#[test]
fn tensors_without_elements_are_refused_where_they_are_read() {
    for axis in 0..4 {
        let mut shape = [1, 8, 8, 4];
        shape[axis] = 0;
        let operand = single(|n| {
            let x = n.input(&shape);
            relu(n, x)
        });
        refused(shape, &operand, "is empty");
        let filter = single(|n| {
            let (x, filter) = (n.input(&[1, 8, 8, 4]), n.input(&shape));
            n.node("CONV_2D", &[x, filter], options::conv_2d::TYPE, strides(1))
        });
        refused(shape, &filter, "is empty");
        // Not read, but another input size has to be in proportion to it.
        let unread = single(|n| {
            n.input(&shape);
            let (x, size) = (n.ones(&[1, 4, 4, 1]), n.list(&[8, 8]));
            resize(n, x, size)
        });
        survives(shape, &unread);
        let through = single(|n| n.input(&shape));
        survives(shape, &through);
    }
}

#[test]
fn attributes_out_of_range_are_refused() {
    for stride in [0, -1, i32::MAX, i32::MIN] {
        let conv = single(|n| {
            let (x, filter) = (n.input(&[1, 8, 8, 1]), n.ones(&[1, 3, 3, 1]));
            n.node("CONV_2D", &[x, filter], options::conv_2d::TYPE, strides(stride))
        });
        assert!(survives(stride, &conv).is_some());
        let transposed = single(|n| {
            let size = n.list(&[1, 16, 16, 1]);
            let (filter, x) = (n.ones(&[1, 2, 2, 1]), n.input(&[1, 8, 8, 1]));
            n.node("TRANSPOSE_CONV", &[size, filter, x], 49, strides(stride))
        });
        assert!(survives(stride, &transposed).is_some());
    }
    let fake_quant = |min: f32, max: f32, bits: i32| {
        single(|n| {
            use options::fake_quant::*;
            let x = n.input(&[4]);
            let options = Table::new().set(MIN, min).set(MAX, max).set(NUM_BITS, bits);
            n.node("FAKE_QUANT", &[x], TYPE, options)
        })
    };
    assert_eq!(survives("sound", &fake_quant(-1.0, 1.0, 8)), None);
    for (min, max, bits) in [
        (0.0, 0.0, 8),
        (1.0, -1.0, 8),
        (f32::NAN, 1.0, 8),
        (-1.0, f32::INFINITY, 8),
        (f32::MIN, f32::MAX, 8),
        (0.0, 1e-45, 8),
        (0.0, f32::MIN_POSITIVE, 16),
        (-1.0, 1.0, 1),
        (-1.0, 1.0, 32),
        (-1.0, 1.0, -1),
    ] {
        refused((min, max, bits), &fake_quant(min, max, bits), "bits for values from");
    }
    // Any number where the schema has an enumeration.
    for value in [i8::MIN, -1, 6, i8::MAX] {
        for slot in [0, 3] {
            let conv = single(|n| {
                let (x, filter) = (n.input(&[1, 8, 8, 1]), n.ones(&[1, 3, 3, 1]));
                let options = strides(1).set(Field(slot, 0i8), value);
                n.node("CONV_2D", &[x, filter], options::conv_2d::TYPE, options)
            });
            refused((slot, value), &conv, "does not exist");
        }
    }
}

/// A chain of roundings that begins with a quantized input; every tensor is a result.
fn roundings(count: usize) -> Network {
    let mut n = Network::new();
    let mut x = n.quantized(types::I8, &[1], 1.0, 0);
    n.inputs.push(x);
    for i in 0..count {
        let (name, made) = match i % 2 {
            0 => ("DEQUANTIZE", n.tensor(&[])),
            _ => ("QUANTIZE", n.quantized(types::I8, &[], 1.0, 0)),
        };
        n.operator(name, &[x], &[made], 0, Table::new());
        n.outputs.push(made);
        x = made;
    }
    n
}

/// Some things take time with the square of how many there are.
#[test]
fn lists_that_are_too_long_are_refused() {
    let many_inputs = |count: usize| {
        let mut n = single(|n| n.ones(&[1]));
        for _ in 0..count {
            n.input(&[1]);
        }
        n
    };
    let many_outputs = |count: usize| {
        let mut n = Network::new();
        let x = n.input(&[1]);
        n.outputs = vec![x; count];
        n
    };
    for (network, what) in [
        (many_inputs(20_000), "20000 inputs"),
        (many_inputs(200_000), "200001 tensors"),
        (many_outputs(20_000), "20000 outputs"),
        (roundings(20_000), "20000 operators"),
    ] {
        refused(what, &network, what);
    }
    let operands = single(|n| {
        let x = n.input(&[1]);
        n.node("ADD", &vec![x; 100_000], options::add::TYPE, Table::new())
    });
    refused("operands", &operands, "needs 2 inputs");
    // As long as is allowed.
    survives("inputs", &many_inputs(10_000));
    survives("outputs", &many_outputs(10_000));
    survives("operators", &roundings(10_000));
}

/// What is made of constants is made while the model is loaded.
#[test]
fn constants_that_take_long_to_fold_do_no_harm() {
    // 2^33 multiply-adds of a few bytes.
    let product = single(|n| {
        let (column, row) = (n.ones(&[1 << 11, 1]), n.ones(&[1, 1 << 11]));
        let kind = options::batch_matmul::TYPE;
        let square = n.node("BATCH_MATMUL", &[column, row], kind, Table::new());
        n.node("BATCH_MATMUL", &[square, square], kind, Table::new())
    });
    let bytes = product.bytes();
    let start = std::time::Instant::now();
    let loaded = Model::load(&bytes, &Options::default());
    assert!(start.elapsed() < HANGS / 6, "loading took {:?}", start.elapsed());
    assert!(loaded.is_ok());
    // Constants of 16 bytes that stretch to gigabytes.
    let stretched = single(|n| {
        let (mut column, row) = (n.ones(&[1 << 13, 1]), n.ones(&[1, 1 << 14]));
        for _ in 0..8 {
            let wide = add(n, column, row);
            let axes = n.list(&[1]);
            let options = Table::new().set(options::reducer::KEEP_DIMS, true);
            column = n.node("MEAN", &[wide, axes], options::reducer::TYPE, options);
        }
        column
    });
    let (loaded, peak) = with_peak(|| Model::load(&stretched.bytes(), &Options::default()));
    assert!(peak < 2 << 30, "{peak} bytes");
    assert_eq!(loaded.err().map(|e| e.kind().code()), Some("limit"));
}

/// Kernels hold packed weights and tables of positions: those count too.
#[test]
fn weights_and_tables_that_grow_are_refused() {
    // One line of pixels, each with its place in a table.
    let line = single(|n| {
        let (x, size) = (n.input(&[1, 1, 1, 1]), n.list(&[1 << 27, 1]));
        resize(n, x, size)
    });
    assert!(survives("line", &line).is_some());
    // One filter in a file of 4 MB, packed by 2,000 operators.
    let shared = {
        let mut n = Network::new();
        let (mut x, filter) = (n.input(&[1, 1, 1, 1024]), n.ones(&[1024, 1, 1, 1024]));
        for _ in 0..2000 {
            x = n.node("CONV_2D", &[x, filter], options::conv_2d::TYPE, strides(1));
        }
        n.outputs.push(x);
        n
    };
    let (loaded, peak) = with_peak(|| Model::load(&shared.bytes(), &Options::default()));
    assert!(peak < 2 << 30, "{peak} bytes");
    assert_eq!(loaded.err().map(|e| e.kind().code()), Some("limit"));
}

#[test]
fn a_rounding_behind_an_activation_stays() {
    let network = single(|n| {
        use options::fake_quant::*;
        let (a, b) = (n.input(&[1, 8, 8, 1]), n.input(&[1]));
        let sum = add(n, a, b);
        let activated = relu(n, sum);
        let options = Table::new().set(MIN, -1f32).set(MAX, 1f32).set(NUM_BITS, 8);
        let rounded = n.node("FAKE_QUANT", &[activated], TYPE, options);
        n.node("TANH", &[rounded], 0, Table::new())
    });
    assert_eq!(survives("rounded", &network), None);
}

/// Logarithms of negative numbers in a quantized network: no NaN gets further.
#[test]
fn what_is_not_a_number_is_stored_as_the_lowest_value() {
    for dtype in [types::I8, types::U8, types::I16] {
        let network = single(|n| {
            let x = n.quantized(dtype, &[1, 4, 4, 2], 0.5, 7);
            n.inputs.push(x);
            let root = n.quantized(dtype, &[], 0.5, 7);
            n.operator("LOG", &[x], &[root], 0, Table::new());
            let axes = n.list(&[1, 2]);
            let y = n.quantized(dtype, &[], 0.5, 7);
            n.operator("MEAN", &[root, axes], &[y], options::reducer::TYPE, Table::new());
            n.outputs.push(root);
            y
        });
        let results = |backend| {
            let options = Options { backend, ..Options::default() };
            let mut model = Model::load(&network.bytes(), &options).unwrap();
            match model.input_mut(0).unwrap() {
                ViewMut::I8(v) => v.fill(5),
                ViewMut::U8(v) => v.fill(5),
                ViewMut::I16(v) => v.fill(5),
                other => panic!("{other:?}"),
            }
            model.run();
            [0, 1].map(|i| model.output(i).unwrap().to_data())
        };
        let lowest = match dtype {
            types::I8 => Data::I8(vec![i8::MIN; 32]),
            types::U8 => Data::U8(vec![0; 32]),
            _ => Data::I16(vec![i16::MIN; 32]),
        };
        let [root, mean] = results(Backend::Reference);
        assert_eq!(root, lowest);
        assert_eq!(results(Backend::Kernels), [root, mean]);
    }
}

/// Powers of what was rounded jump: -6.4 to the power of 2.0000001 is no number. TFLite has none either.
#[test]
fn functions_that_jump_are_refused_of_quantized_numbers() {
    for (name, kind) in [("POW", 56), ("FLOOR_DIV", 65), ("FLOOR_MOD", 72)] {
        for dtype in [types::I8, types::U8, types::I16] {
            let network = single(|n| {
                let x = n.quantized(dtype, &[1, 4, 4, 2], 0.1, 0);
                n.inputs.push(x);
                let y = n.quantized(dtype, &[], 0.1, 0);
                n.operator(name, &[x, x], &[y], kind, Table::new());
                y
            });
            refused((name, dtype), &network, "only float32 is supported here");
        }
    }
}

/// One constant of 16 KB, of which each operator makes a table of its own.
#[test]
fn tables_of_copies_count() {
    let mut n = Network::new();
    let mut x = n.input(&[4096]);
    // No two neighbours are at the distance of the two before.
    let indices: Vec<i32> = (0..4096).map(|i| (i * i / 2 + i % 2 * 1000) % 4096).collect();
    let indices = n.list(&indices);
    for _ in 0..9000 {
        x = n.node("GATHER", &[x, indices], options::gather::TYPE, Table::new());
    }
    n.outputs.push(x);
    let (loaded, peak) = with_peak(|| Model::load(&n.bytes(), &Options::default()));
    assert!(peak < 2 << 30, "{peak} bytes");
    assert_eq!(loaded.err().map(|e| e.kind().code()), Some("limit"));
}

/// Blocks as large as the tensor, of which all but one pixel is cut off.
#[test]
fn blocks_without_number_do_no_harm() {
    let side = 1 << 12;
    let network = single(|n| {
        let x = n.input(&[side * side, 1, 1, 1]);
        let (blocks, crops) = (n.list(&[side, side]), n.list(&[side - 1, 0, side - 1, 0]));
        n.tensors[crops as usize].shape = vec![2, 2];
        n.node("BATCH_TO_SPACE_ND", &[x, blocks, crops], 24, Table::new())
    });
    let start = std::time::Instant::now();
    assert_eq!(survives("blocks", &network), None);
    assert!(start.elapsed() < HANGS / 2, "took {:?}", start.elapsed());
}
