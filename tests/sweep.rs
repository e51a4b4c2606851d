//! Sweeps over input sizes: masks are compared as PIL and NumPy compare them, sizes of the selfie
//! model as TFLite's own masks compare.

#![cfg(feature = "cli")]

mod common;
#[path = "common/hand_made.rs"]
mod hand_made;

use common::{model_bytes, now_ms};
use octomask::segment::Frame;
use octomask::segment::mask::Scores;
use octomask::sweep::agreement::{Map, compare};
use octomask::sweep::{Sweep, SweepOptions, sweep};
use std::path::Path;

fn options(long_sides: &[usize], threads: usize) -> SweepOptions {
    SweepOptions { long_sides: long_sides.to_vec(), runs: 2, threads }
}

/// The same formula as in `sweep/golden.py`.
fn map(kind: &str, channels: usize, [height, width]: [usize; 2]) -> Map {
    let mut numbers = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..channels {
                let (down, right) = (256 * y / height, 256 * x / width);
                let wave = (down * (c + 2) + right * (2 * c + 3)) % 512;
                let value = wave.abs_diff(256) * 7 / 8 + (x * 37 + y * 59 + c * 11 + width) % 32;
                numbers.push(match kind {
                    "classes" => (value * 4 / 256) as f32,
                    _ => value as f32 / 256.0,
                });
            }
        }
    }
    let scores = match kind {
        "probability" => Scores::Probability,
        "logits" => Scores::Logits(channels),
        _ => Scores::Classes,
    };
    Map { size: [height, width], scores, numbers }
}

#[test]
fn masks_agree_as_pil_and_numpy_say() {
    let mut cases = 0;
    for line in include_str!("sweep/golden.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let sides: Vec<usize> = words[1..8].iter().map(|w| w.parse().unwrap()).collect();
        let wanted: Vec<f64> = words[8..].iter().map(|w| w.parse().unwrap()).collect();
        let to = [sides[5], sides[6]];
        let [a, b] = [[sides[1], sides[2]], [sides[3], sides[4]]]
            .map(|size| map(words[0], sides[0], size).classes(to));
        let got = compare(&a, &b, words[0] != "probability");
        let iou = got.iou.expect("something is there");
        // A pixel may fall to the other side where two scores are as good.
        assert!((iou - wanted[0]).abs() < 2e-3, "{line}: IoU {iou}");
        assert!((got.same - wanted[1]).abs() < 2e-3, "{line}: agreement {}", got.same);
        cases += 1;
    }
    assert!(cases >= 8, "{cases} cases");
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tests/browser").join(name);
    let missing = "`make test` makes it, or `python tests/browser/fixtures.py`";
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}: {missing}", path.display()))
}

/// The picture of a person, `[480][640][rgba]`.
fn person() -> image::RgbaImage {
    image::load_from_memory(&fixture("picture.png")).unwrap().into_rgba8()
}

#[test]
fn the_selfie_models_masks_agree_as_tflites_do() {
    let expected: serde_json::Value = serde_json::from_slice(&fixture("sweep.json")).unwrap();
    let expected = expected.as_object().unwrap();
    let picture = person();
    let frame = Frame::rgba(picture.as_raw(), 640, 480);
    let sides: Vec<usize> = expected.keys().map(|side| side.parse().unwrap()).collect();
    assert!(sides.len() >= 6, "{sides:?}");
    let bytes = model_bytes("selfie_segmentation");
    let made = sweep(&bytes, Some(&frame), &options(&sides, 2), now_ms).unwrap();
    assert_eq!(made.reference, [256, 256]);
    assert_eq!(made.compared, Some([480, 640]));
    assert_eq!(made.rows.len(), sides.len());
    for row in &made.rows {
        let wanted = &expected[&row.height.to_string()];
        let (iou, same) = (row.iou.unwrap(), row.agreement.unwrap());
        let off = |got: f64, key: &str| (got - wanted[key].as_f64().unwrap()).abs();
        // TFLite's input was resized by PIL in other rounding.
        assert!(off(iou, "iou") < 5e-3, "{}: IoU {iou} for {wanted}", row.height);
        assert!(off(same, "agreement") < 5e-3, "{}: agreement {same} for {wanted}", row.height);
    }
    let own = made.rows.iter().find(|row| row.height == 256).unwrap();
    assert_eq!((own.iou, own.agreement, own.relative), (Some(1.0), Some(1.0), 1.0));
}

fn macs(sweep: &Sweep) -> Vec<u64> {
    sweep.rows.iter().map(|row| row.macs).collect()
}

#[test]
fn sizes_cost_what_their_areas_say() {
    // One multiply-add for each of 3 channels, and one for the product.
    let bytes = hand_made::scaled_sum("sum", [1, 64, 32, 3], -0.5);
    let made = sweep(&bytes, None, &options(&[128, 32, 64, 32], 1), now_ms).unwrap();
    let sizes: Vec<[usize; 2]> = made.rows.iter().map(|row| [row.height, row.width]).collect();
    assert_eq!(sizes, [[32, 16], [64, 32], [128, 64]]);
    let all = macs(&made);
    assert!(all[0] >= 32 * 16 * 3 && all[1] == 4 * all[0] && all[2] == 16 * all[0], "{all:?}");
    let halving = made.halving.unwrap();
    assert_eq!((halving.from, halving.to, halving.macs), ([64, 32], [32, 16], 0.25));
    for row in &made.rows {
        assert!(row.ms.median > 0.0 && row.ms.min <= row.ms.median, "{row:?}");
        assert_eq!((row.iou, row.agreement), (None, None));
    }
    assert_eq!(made.compared, None);
}

#[test]
fn a_mask_without_a_person_has_no_iou() {
    // The mask is (r + g + b - 9) * 2: nothing anywhere.
    let bytes = hand_made::scaled_sum("nobody", [1, 16, 16, 3], -9.0);
    let rgba = [200; 5 * 4 * 4];
    let frame = Frame::rgba(&rgba, 5, 4);
    let made = sweep(&bytes, Some(&frame), &options(&[32], 1), now_ms).unwrap();
    // Masks larger than the picture are compared as large as they are.
    assert_eq!(made.compared, Some([32, 32]));
    for row in &made.rows {
        assert_eq!((row.iou, row.agreement), (None, Some(1.0)));
    }
}

#[test]
fn what_cannot_be_swept_says_why() {
    let fast_scnn =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("models/networks/fast_scnn/float32.tflite");
    let bytes = std::fs::read(fast_scnn).unwrap();
    let made = sweep(&bytes, None, &options(&[8, 64], 1), now_ms).unwrap();
    assert_eq!(made.rows.len(), 2);
    assert_eq!((made.refused[0].height, made.refused[0].width), (8, 8));
    assert!(made.refused[0].reason.contains("AVERAGE_POOL_2D"), "{:?}", made.refused);

    let selfie = hand_made::doubled_sum();
    let line = |bytes: &[u8], picture, sides: &[usize]| {
        sweep(bytes, picture, &options(sides, 1), now_ms).unwrap_err().to_string()
    };
    assert!(line(&selfie, None, &[96, 100]).contains("size 100"));
    assert!(line(&selfie, None, &[0]).contains("size 0"));
    assert!(line(&selfie, None, &[1 << 20]).contains("from 8 to 4096"));
    assert!(line(&selfie, None, &[8; 65]).contains("65 sizes are too many"));
    assert!(line(b"no model", None, &[]).contains(".tflite"));
    let empty = Frame::rgba(&[], 0, 0);
    assert!(line(&selfie, Some(&empty), &[8]).contains("0"));
    let depth = hand_made::scaled_sum("depth", [1, 8, 8, 4], 0.0);
    let rgba = [0; 4];
    let frame = Frame::rgba(&rgba, 1, 1);
    assert!(line(&depth, Some(&frame), &[8]).contains("this one takes 1x8x8x4"));
}
