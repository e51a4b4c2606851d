//! The command line from outside: good calls, and every kind of bad call.

#![cfg(feature = "cli")]

#[path = "common/hand_made.rs"]
mod hand_made;

use octomask::tflite::builder::Table;
use octomask::tflite::schema;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder of its own for each test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cli").join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The model made by hand, and inputs that fit it and that do not.
    fn with_model(name: &str) -> Folder {
        let folder = Folder::new(name);
        folder.file("sum.tflite", &hand_made::doubled_sum());
        folder.file("in.npy", &npy("<f4", &[1, 8, 8, 3], &floats(&input())));
        folder
    }

    fn call(&self, args: &[&str]) -> Output {
        let program = env!("CARGO_BIN_EXE_octomask");
        Command::new(program).current_dir(&self.0).args(args).output().unwrap()
    }

    /// Standard output of a call that must work.
    fn good(&self, args: &[&str]) -> String {
        let output = self.call(args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {error}");
        assert_eq!(error, "", "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one line of a call that must fail.
    fn bad(&self, args: &[&str]) -> String {
        let output = self.call(args);
        let error = String::from_utf8(output.stderr).unwrap();
        // Not a panic, which would be 101.
        assert!(matches!(output.status.code(), Some(1 | 2)), "{args:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{args:?}: {error}");
        assert!(error.starts_with("octomask: "), "{args:?}: {error}");
        assert_eq!(output.stdout, b"", "{args:?}");
        error.trim_end().to_string()
    }
}

/// A .npy file, version 1.0.
fn npy(dtype: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    npy_in_order(dtype, shape, data, false)
}

fn npy_in_order(dtype: &str, shape: &[usize], data: &[u8], fortran: bool) -> Vec<u8> {
    let shape: String = shape.iter().map(|d| format!("{d}, ")).collect();
    let fortran = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': ({shape}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn input() -> Vec<f32> {
    (0..8 * 8 * 3).map(|i| (i * 37 % 101) as f32 / 100.0).collect()
}

/// Header and elements of a .npy file of floats.
fn read_npy(bytes: &[u8]) -> (String, Vec<f32>) {
    assert_eq!(&bytes[..6], b"\x93NUMPY");
    let len = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let header = String::from_utf8(bytes[10..10 + len].to_vec()).unwrap();
    let data = bytes[10 + len..].chunks_exact(4);
    (header, data.map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect())
}

#[test]
fn run_writes_what_the_model_makes() {
    let folder = Folder::with_model("run");
    let expected = hand_made::doubled_sum_of(&input());
    for extra in [&[][..], &["--reference"], &["--threads", "2"]] {
        let call = ["run", "sum.tflite", "--input", "in.npy", "--output", "out"];
        let text = folder.good(&[&call[..], extra].concat());
        assert_eq!(text, "out.0.npy  'mask' 1x8x8x1 float32\n");
        let (header, values) = read_npy(&folder.read("out.0.npy"));
        assert!(header.contains("'<f4'") && header.contains("(1, 8, 8, 1"), "{header}");
        assert_eq!(values.len(), expected.len());
        for (got, wanted) in values.iter().zip(&expected) {
            assert!((got - wanted).abs() < 1e-5, "{extra:?}: {got} for {wanted}");
        }
        std::fs::remove_file(folder.0.join("out.0.npy")).unwrap();
    }
}

/// RELU in int8: steps of 0.5 from -3 in, of 0.25 from -128 out.
fn quantized_relu() -> Vec<u8> {
    use schema::{operator, quantization, subgraph, tensor};
    const INT8: i8 = 9;
    let quantized = |name: &str, scale: f32, zero_point: i64| {
        let scales = Table::new()
            .vector(quantization::SCALE, &[scale])
            .vector(quantization::ZERO_POINT, &[zero_point]);
        Table::new()
            .text(tensor::NAME, name)
            .vector(tensor::SHAPE, &[4])
            .set(tensor::TYPE, INT8)
            .table(tensor::QUANTIZATION, scales)
    };
    let relu = Table::new().vector(operator::INPUTS, &[0]).vector(operator::OUTPUTS, &[1]);
    let graph = Table::new()
        .tables(subgraph::TENSORS, [quantized("steps", 0.5, -3), quantized("fine", 0.25, -128)])
        .vector(subgraph::INPUTS, &[0])
        .vector(subgraph::OUTPUTS, &[1])
        .tables(subgraph::OPERATORS, [relu]);
    let model = Table::new()
        .set(schema::model::VERSION, 3)
        .tables(
            schema::model::OPERATOR_CODES,
            [Table::new().set(schema::operator_code::BUILTIN_CODE, 19)],
        )
        .tables(schema::model::SUBGRAPHS, [graph])
        .tables(schema::model::BUFFERS, [Table::new()]);
    octomask::tflite::builder::finish(&model, b"TFL3")
}

#[test]
fn a_model_with_nothing_to_gain_is_told_so() {
    let folder = Folder::with_model("advise");
    let text = folder.good(&["advise", "sum.tflite", "--json", "advice.json", "--threads", "2"]);
    assert!(text.starts_with("Nothing to gain"), "{text}");
    assert_eq!(folder.read("advice.json"), b"[]\n");
    let error = folder.bad(&["advise", "in.npy"]);
    assert!(error.contains("in.npy: this is not a .tflite file"), "{error}");
}

#[test]
fn quantized_models_keep_their_types() {
    let folder = Folder::new("quantized");
    folder.file("relu.tflite", &quantized_relu());
    // -1, 0, 1 and 65 as stored: the last one is more than the result can hold.
    let stored = [-5i8, -3, -1, 127].map(|q| q as u8);
    folder.file("in.npy", &npy("|i1", &[4], &stored));
    for extra in [&[][..], &["--reference"]] {
        let call = ["run", "relu.tflite", "--input", "in.npy", "--output", "out"];
        let text = folder.good(&[&call[..], extra].concat());
        assert_eq!(text, "out.0.npy  'fine' 4 int8\n");
        let bytes = folder.read("out.0.npy");
        assert_eq!(bytes[bytes.len() - 4..], [-128i8, -128, -124, 127].map(|q| q as u8));
    }
    let summary = folder.good(&["inspect", "relu.tflite"]);
    assert!(summary.contains("'steps' 4 int8, scale 0.5 zero point -3"), "{summary}");
    assert!(summary.contains("'fine' 4 int8, scale 0.25 zero point -128"), "{summary}");
    folder.file("floats.npy", &npy("<f4", &[4], &[0; 16]));
    let call = ["run", "relu.tflite", "--input", "floats.npy", "--output", "out"];
    assert!(folder.bad(&call).contains("needs int8, got '<f4'"));
}

#[test]
fn run_refuses_inputs_that_do_not_fit() {
    let folder = Folder::with_model("run_refuses");
    let good = input();
    folder.file("short.npy", &npy("<f4", &[1, 8, 8, 3], &floats(&good[1..])));
    folder.file("shape.npy", &npy("<f4", &[8, 8, 3], &floats(&good)));
    folder.file("double.npy", &npy("<f8", &[1, 8, 8, 3], &[0; 8 * 192]));
    folder.file("bytes.npy", &npy("|u1", &[1, 8, 8, 3], &[0; 192]));
    folder.file("fortran.npy", &npy_in_order("<f4", &[1, 8, 8, 3], &floats(&good), true));
    folder.file("text.npy", b"hello\n");
    folder.file("empty.npy", b"");
    for (input, what) in [
        ("short.npy", "short.npy: input 0 'image': is cut off"),
        ("shape.npy", "input 0 'image': needs shape [1, 8, 8, 3], got [8, 8, 3]"),
        ("double.npy", "input 0 'image': needs float32, got '<f8'"),
        ("bytes.npy", "input 0 'image': needs float32, got '|u1'"),
        ("fortran.npy", "is in Fortran order"),
        ("text.npy", "text.npy: input 0 'image': is no .npy file"),
        ("empty.npy", "empty.npy: input 0 'image': is no .npy file"),
        ("none.npy", "none.npy: No such file"),
    ] {
        let error = folder.bad(&["run", "sum.tflite", "--input", input, "--output", "out"]);
        assert!(error.contains(what), "{error}");
    }
    let call = ["run", "sum.tflite", "--input", "in.npy", "--output", "out"];
    for (extra, what) in [
        (&["--input", "in.npy"][..], "sum.tflite: the model has 1 inputs, 2 were given"),
        (&["--threads", "0"], "0 threads"),
        (&["--threads", "many"], "--threads"),
        (&["--sideways"], "--sideways"),
    ] {
        let error = folder.bad(&[&call[..], extra].concat());
        assert!(error.contains(what), "{error}");
    }
    let call = ["run", "sum.tflite", "--input", "in.npy", "--output", "no/such/folder/out"];
    assert!(folder.bad(&call).contains("folder/out.0.npy: No such file"));
}

#[test]
fn bad_models_are_named() {
    let folder = Folder::with_model("bad_models");
    folder.file("picture.tflite", b"\x89PNG\r\n\x1a\n and so on");
    folder.file("cut.tflite", &hand_made::doubled_sum()[..300]);
    let code = Table::new().set(schema::operator_code::BUILTIN_CODE, 16);
    let lstm = Table::new().set(schema::operator::OPCODE_INDEX, 0);
    let graph = Table::new().tables(schema::subgraph::OPERATORS, [lstm]);
    let model = Table::new()
        .set(schema::model::VERSION, 3)
        .tables(schema::model::OPERATOR_CODES, [code])
        .tables(schema::model::SUBGRAPHS, [graph]);
    folder.file("lstm.tflite", &octomask::tflite::builder::finish(&model, b"TFL3"));
    for (model, what) in [
        ("none.tflite", "octomask: none.tflite: No such file"),
        ("picture.tflite", "octomask: picture.tflite: this is not a .tflite file"),
        ("cut.tflite", "octomask: cut.tflite: "),
        ("lstm.tflite", "octomask: lstm.tflite: operator 0 (LSTM): this operator is not"),
        (".", "octomask: .: "),
    ] {
        for call in [
            &["run", model, "--input", "in.npy", "--output", "out"][..],
            &["inspect", model],
            &["inspect", model, "--graph"],
            &["profile", model],
            &["sweep", model],
            &["segment", model, "in.png", "--output", "out.png"],
        ] {
            let error = folder.bad(call);
            assert!(error.starts_with(what), "{error}");
        }
    }
}

#[test]
fn wrong_calls_get_one_line() {
    let folder = Folder::with_model("wrong_calls");
    for (call, what) in [
        (&[][..], "no command was given"),
        (&["fly"], "'fly'"),
        (&["run"], "required"),
        (&["run", "sum.tflite", "--output", "out"], "--input"),
        (&["run", "sum.tflite", "--input", "in.npy"], "--output"),
        (&["run", "sum.tflite", "--input"], "--input"),
        (&["inspect"], "<MODEL>"),
        (&["inspect", "sum.tflite", "more"], "'more'"),
        (&["profile", "sum.tflite", "--runs", "0"], "from 1 to 100000"),
        (&["profile", "sum.tflite", "--runs", "-1"], "-1"),
        (&["profile", "sum.tflite", "--warmup", "1000000"], "from 0 to 100000"),
        (&["profile", "sum.tflite", "--json", "no/such/p.json"], "no/such/p.json: No such file"),
        (&["profile", "sum.tflite", "--trace", "no/such/t.json"], "no/such/t.json: No such file"),
        (&["profile", "sum.tflite", "--threads", "100000"], "100000 threads"),
        (&["sweep"], "<MODEL>"),
        (&["sweep", "sum.tflite", "--sizes", "96,100"], "sum.tflite: size 100: longer sides are"),
        (&["sweep", "sum.tflite", "--sizes", "96,large"], "'large'"),
        (&["sweep", "sum.tflite", "--sizes", "-8"], "-8"),
        (&["sweep", "sum.tflite", "--runs", "0"], "from 1 to 100000"),
        (&["sweep", "sum.tflite", "--threads", "0"], "sum.tflite: 0 threads"),
        (&["sweep", "sum.tflite", "--picture", "none.png"], "none.png: No such file"),
        (&["sweep", "sum.tflite", "--picture", "in.npy"], "in.npy: is no picture"),
        (
            &["sweep", "sum.tflite", "--sizes", "8", "--runs", "1", "--csv", "no/such/s.csv"],
            "no/such/s.csv: No such file",
        ),
        (&["segment", "sum.tflite", "--output", "m.png"], "<PICTURE>"),
        (&["segment", "sum.tflite", "in.npy"], "--output"),
        (&["segment", "sum.tflite", "none.png", "--output", "m.png"], "none.png: No such file"),
        (&["segment", "sum.tflite", "in.npy", "--output", "m.png"], "in.npy: is no picture"),
    ] {
        let error = folder.bad(call);
        assert!(error.contains(what), "{call:?}: {error}");
    }
    assert!(folder.good(&["--help"]).contains("segment"));
    assert!(folder.good(&["run", "--help"]).contains("--reference"));
    assert!(folder.good(&["--version"]).starts_with("octomask "));
}

#[test]
fn inspect_shows_file_steps_and_buffers() {
    let folder = Folder::with_model("inspect");
    let summary = folder.good(&["inspect", "sum.tflite"]);
    for what in ["'sum of channels'", "1x8x8x3 float32", "CONV_2D 1, MUL 1", "arena"] {
        assert!(summary.contains(what), "{what}: {summary}");
    }
    let graph = folder.good(&["inspect", "sum.tflite", "--graph"]);
    assert!(graph.contains("CONV_2D(%0, %1, %2)") && graph.contains("MUL(%3, %4)"), "{graph}");
    let plan = folder.good(&["inspect", "sum.tflite", "--plan"]);
    assert!(plan.contains("CONV_2D") && !plan.contains("CONV_2D("), "{plan}");
    let arena = folder.good(&["inspect", "sum.tflite", "--arena"]);
    assert!(arena.contains("image"), "{arena}");
    let all = folder.good(&["inspect", "sum.tflite", "--graph", "--plan", "--arena"]);
    assert_eq!(all, graph + &plan + &arena);
}

#[test]
fn profile_writes_text_and_files_that_python_reads() {
    let folder = Folder::with_model("profile");
    for threads in ["1", "2"] {
        let call =
            "profile sum.tflite --runs 7 --warmup 2 --json p.json --csv p.csv --trace p.trace";
        let call = call.split(' ').chain(["--threads", threads]);
        let text = folder.good(&call.collect::<Vec<&str>>());
        for what in ["7 runs, 2 warm-up runs", "Run Order", "Summary by node type", "CONV_2D"] {
            assert!(text.contains(what), "{what}: {text}");
        }
        let json: serde_json::Value = serde_json::from_slice(&folder.read("p.json")).unwrap();
        assert_eq!(json["runs"], 7);
        let layers = json["layers"].as_array().unwrap();
        assert_eq!(layers[0]["op"], "CONV_2D");
        assert_eq!(layers[0]["outputShape"], serde_json::json!([1, 8, 8, 1]));
        let csv = String::from_utf8(folder.read("p.csv")).unwrap();
        assert!(
            csv.lines().nth(1).unwrap().starts_with("0,CONV_2D,mask,1,1x8x8x3,1x8x8x1,"),
            "{csv}"
        );
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/profile/read.py");
        let mut python = Command::new("python3");
        python.current_dir(&folder.0).args([script, "p.json", "p.csv", "p.trace"]);
        let read = python.output().expect("python3 is on the PATH");
        let said = String::from_utf8_lossy(&read.stderr);
        assert!(read.status.success(), "{python:?}: {said}");
        let said = String::from_utf8_lossy(&read.stdout);
        let expected =
            format!("{} layers, {} tracks\n", layers.len(), threads.parse::<usize>().unwrap() + 1);
        assert_eq!(said, expected);
    }
}

#[test]
fn sweep_writes_text_json_and_csv() {
    let folder = Folder::new("sweep");
    // The mask is (r + g + b - 0.5) * 2: nothing left, everything right.
    folder.file("halves.tflite", &hand_made::scaled_sum("halves", [1, 32, 64, 3], -0.5));
    let picture =
        image::RgbImage::from_fn(50, 30, |x, _| image::Rgb([if x < 25 { 0 } else { 255 }; 3]));
    picture.save(folder.0.join("in.png")).unwrap();
    let call = "sweep halves.tflite --picture in.png --sizes 8,32,128 --runs 3 --threads 1 \
                --json s.json --csv s.csv";
    let text = folder.good(&call.split_whitespace().collect::<Vec<&str>>());
    for what in [
        "3 runs of each size",
        "* 32x64",
        "64x128",
        "half the sides (32x64 to 16x32) took ",
        " and 25 % of the multiply-adds; the article expects a quarter",
        "###",
    ] {
        assert!(text.contains(what), "{what}: {text}");
    }
    let json: serde_json::Value = serde_json::from_slice(&folder.read("s.json")).unwrap();
    assert_eq!(json["reference"], serde_json::json!([32, 64]));
    let rows = json["rows"].as_array().unwrap();
    let sizes: Vec<_> = rows.iter().map(|row| (&row["height"], &row["width"])).collect();
    let wanted = [[8, 8], [16, 32], [32, 64], [64, 128]].map(|s| s.map(serde_json::Value::from));
    assert_eq!(sizes, wanted.iter().map(|[h, w]| (h, w)).collect::<Vec<_>>());
    for row in rows {
        assert!(row["iou"].as_f64().unwrap() > 0.9 && row["ms"]["median"].as_f64().unwrap() > 0.0);
    }
    let csv = String::from_utf8(folder.read("s.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + rows.len());
    assert!(lines[3].starts_with("32,64,") && lines[3].ends_with(",1.000000,1.000000,"), "{csv}");
    let columns = lines[0].split(',').count();
    assert!(lines.iter().all(|line| line.split(',').count() == columns), "{csv}");

    // Without a picture times only; a size that is refused is listed with its reason.
    let text = folder.good(&["sweep", "halves.tflite", "--sizes", "64", "--runs", "1"]);
    assert!(text.contains("no picture was given") && text.contains("no size is half"), "{text}");
}

#[test]
fn segment_makes_a_mask_of_the_pictures_size() {
    let folder = Folder::new("segment");
    // The mask is (r + g + b - 0.5) * 2: nothing left, everything right.
    let model = hand_made::scaled_sum("halves", [1, 16, 16, 3], -0.5);
    folder.file("halves.tflite", &model);
    let picture =
        image::RgbImage::from_fn(50, 30, |x, _| image::Rgb([if x < 25 { 0 } else { 255 }; 3]));
    for name in ["in.png", "in.jpg"] {
        picture.save(folder.0.join(name)).unwrap();
        let text = folder.good(&["segment", "halves.tflite", name, "--output", "mask.png"]);
        assert!(text.contains("mask.png") && text.contains("30x50"), "{text}");
        let mask = image::load_from_memory(&folder.read("mask.png")).unwrap();
        assert_eq!(mask.color(), image::ColorType::L8);
        let mask = mask.into_luma8();
        assert_eq!(mask.dimensions(), (50, 30));
        for y in 0..30 {
            assert!(mask.get_pixel(20, y).0[0] < 5 && mask.get_pixel(30, y).0[0] > 250, "row {y}");
        }
    }
    folder.file("four.tflite", &hand_made::scaled_sum("no image", [1, 8, 8, 4], 0.0));
    let error = folder.bad(&["segment", "four.tflite", "in.png", "--output", "mask.png"]);
    assert!(error.contains("four.tflite: a segmentation model takes an image"), "{error}");
}

#[test]
fn lab_lists_its_experiments() {
    let text = Folder::new("lab-list").good(&["lab"]);
    for name in ["separable", "upsampling", "shufflenet", "forms", "all"] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name}: {text}");
    }
}

#[test]
fn lab_measures_blocks_and_leaves_their_files() {
    let folder = Folder::new("lab");
    let small = ["--size", "8", "--channels", "8", "--runs", "2"];
    let call = ["lab", "separable", "--save", "files", "--json", "lab.json"];
    let text = folder.good(&[&call[..], &small].concat());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "separable: Conv2D against SeparableConv2D");
    assert_eq!(lines[2], "8x8 pixels, 8 channels, float32, 1 thread(s), medians");
    // 8 * 8 pixels, 9 taps, 8 times 8 channels.
    let row: Vec<&str> = lines[4].split_whitespace().collect();
    assert_eq!(row[..2], ["Conv2D", "3x3"]);
    assert_eq!([row[3], row[4], row[6]], ["1.00", "0.037", "584"]);
    let json: serde_json::Value = serde_json::from_slice(&folder.read("lab.json")).unwrap();
    let variants = json[0]["variants"].as_array().unwrap();
    assert_eq!(json[0]["experiment"], "separable");
    assert_eq!(variants.len(), lines.len() - 4);
    assert_eq!(variants[0]["macs"], 8 * 8 * 9 * 8 * 8);
    for variant in variants {
        let file = format!("files/separable.{}.tflite", variant["slug"].as_str().unwrap());
        assert_eq!(variant["fileBytes"], folder.read(&file).len());
        assert!(variant["ms"]["median"].as_f64().unwrap() > 0.0);
        assert!(folder.good(&["inspect", &file]).contains("1x8x8x8 float32"));
    }
    // Threads, and another form.
    let text =
        folder.good(&[&["lab", "resnet", "--threads", "2", "--form", "int8"], &small[..]].concat());
    assert!(text.contains("8x8 pixels, 8 channels, int8, 2 thread(s)"), "{text}");
    let text = folder.good(&[&["lab", "all", "--form", "float16"], &small[..]].concat());
    assert!(text.contains("halving: ") && text.contains("softmax: "), "{text}");
    assert!(!text.contains("forms: "), "{text}");
}

#[test]
fn a_wrong_experiment_is_one_line() {
    let folder = Folder::new("lab-wrong");
    folder.file("taken", b"");
    for (args, what) in [
        (&["lab", "nothing"][..], "no experiment is called 'nothing'; there are halving, "),
        (&["lab", "dilation", "--size", "4"], "dilation: a size of 4, must be from 8 to 512"),
        (&["lab", "dilation", "--size", "x"], "invalid value 'x' for '--size <N>'"),
        (&["lab", "dilation", "--channels", "1000"], "dilation: a number of channels of 1000"),
        (
            &["lab", "dilation", "--size", "512", "--channels", "512"],
            "dilation: an input of 134217728",
        ),
        (&["lab", "shufflenet", "--channels", "9"], "shufflenet: 9 channels, must be a multiple"),
        (&["lab", "forms", "--form", "int8"], "forms: compares forms itself"),
        (
            &["lab", "forms", "--form", "int4"],
            "must be one of float32, float16, dynamic-range, int8",
        ),
        (&["lab", "dilation", "--runs", "0"], "must be a number from 1 to 100000"),
        (&["lab", "dilation", "--threads", "0"], "0 threads: must be between 1 and 64"),
        (&["lab", "dilation", "--size", "8", "--save", "taken"], "taken: "),
        (&["lab", "dilation", "memory"], "unexpected argument 'memory'"),
    ] {
        let error = folder.bad(args);
        assert!(error.contains(what), "{args:?}: {error}");
    }
    // By then the table has been shown.
    let call = ["lab", "dilation", "--size", "8", "--runs", "1", "--json", "none/f"];
    let output = folder.call(&call);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(error.starts_with("octomask: none/f: "), "{error}");
}
